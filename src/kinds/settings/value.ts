/** Types of values of settings: how each is parsed from a command line, and checked in `config.json` and in code. */
import { z } from "zod";
import { UsageError } from "../../errors.ts";
import type { Ceiling } from "../../limits.ts";
import type { RateStep } from "../../train/index.ts";

/** A type of value. */
export interface Value<T> {
  /** Its placeholder in help: `<n>`; absent for a flag that is on or off. */
  readonly placeholder?: string;
  /** The names it can be, if there is a fixed list. */
  readonly choices?: readonly string[];
  /** Checks a value of `config.json`, or one given in code. */
  readonly schema: z.ZodType<T>;
  /** Parses the text after a flag. @throws UsageError when it is not such a value; the message says what was expected. */
  parse(text: string): T;
}

const grouped = (n: number): string => n.toLocaleString("en");

/** `at most 256: more threads than cores do not make a run faster` */
const beyond = ({ most, why }: Ceiling): string => `at most ${grouped(most)}: ${why}`;

/** A whole number, `least` or more, up to a ceiling where there is one. */
export const whole = (least: number, ceiling?: Ceiling): Value<number> => {
  const schema = z.int().min(least);
  return {
    placeholder: "<n>",
    schema: ceiling ? schema.max(ceiling.most, `expected ${beyond(ceiling)}`) : schema,
    parse(text) {
      const n = Number(text);
      if (ceiling && n > ceiling.most) throw new UsageError(`Expected ${beyond(ceiling)}.`);
      if (text.trim() !== "" && Number.isSafeInteger(n) && n >= least) return n;
      throw new UsageError(`Expected a whole number, ${least} or more.`);
    },
  };
};

const number = (schema: z.ZodType<number>, expected: string, placeholder = "<x>"): Value<number> => ({
  placeholder,
  schema,
  parse(text) {
    const n = Number(text);
    if (text.trim() !== "" && schema.safeParse(n).success) return n;
    throw new UsageError(`Expected ${expected}.`);
  },
});

/** Training computes in float32: what is smaller is 0 there, and what is larger infinite. */
const inFloat32 = (n: number): boolean => n === 0 || (Math.abs(n) >= 1.2e-38 && Math.abs(n) <= 3.4e38);

/** A number that float32 holds. */
const float32 = (schema: z.ZodType<number>, expected: string): Value<number> => {
  const refusal = "expected a size from 1.2e-38 to 3.4e38, which float32 holds";
  const plain = number(schema, expected);
  return {
    ...plain,
    schema: schema.refine(inFloat32, refusal),
    parse(text) {
      const n = plain.parse(text);
      if (inFloat32(n)) return n;
      throw new UsageError(`${refusal.replace("e", "E")}.`);
    },
  };
};

/** A number above 0. */
export const positive: Value<number> = float32(z.number().gt(0), "a number above 0");
/** A number, 0 or more. */
export const notNegative: Value<number> = float32(z.number().min(0), "a number, 0 or more");
/** A share from 0 up to, but not including, 1. */
export const share: Value<number> = number(
  z.number().min(0).lt(1),
  "a number from 0 to less than 1",
  "<share>",
);
/** A share above 0 and at most 1. */
export const part: Value<number> = number(
  z.number().gt(0).max(1),
  "a share above 0 and at most 1",
  "<share>",
);

/** Whole numbers of at least 1, separated by commas; `none` for an empty list, if that is allowed. */
export const wholes = (
  options: {
    readonly none?: boolean;
    readonly least?: number;
    /** Of each number. */
    readonly ceiling?: Ceiling;
    /** Of how many there are. */
    readonly longest?: Ceiling;
  } = {},
): Value<number[]> => {
  const { none = false, least = 1, ceiling, longest } = options;
  const one = whole(least, ceiling);
  const some = none ? z.array(one.schema) : z.array(one.schema).min(1);
  return {
    placeholder: "<list>",
    schema: longest ? some.max(longest.most, `expected ${beyond(longest)}`) : some,
    parse(text) {
      if (none && text === "none") return [];
      const numbers = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
      if (longest && numbers.length > longest.most)
        throw new UsageError(`Expected ${beyond(longest)}; found ${grouped(numbers.length)} numbers.`);
      if (ceiling && numbers.some((n) => n > ceiling.most))
        throw new UsageError(`Expected numbers of ${beyond(ceiling)}.`);
      if (numbers.every((n) => Number.isSafeInteger(n) && n >= least)) return numbers;
      throw new UsageError(
        `Expected whole numbers, ${least} or more, separated by commas, such as 400,200${none ? ", or none" : ""}.`,
      );
    },
  };
};

/** One name from a fixed list. */
export const oneOf = <const N extends string>(names: readonly N[]): Value<N> => ({
  placeholder: "<name>",
  choices: names,
  schema: z.string().refine((name): name is N => (names as readonly string[]).includes(name), {
    message: `expected one of ${names.join(", ")}`,
  }),
  parse(text) {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const [asked, close] = [text.toLowerCase(), (name: string) => name.toLowerCase()];
    const near = names.find((name) => close(name).startsWith(asked) || asked.startsWith(close(name)));
    throw new UsageError(
      `Expected one of ${names.join(", ")}.${near === undefined || text === "" ? "" : ` Did you mean ${near}?`}`,
    );
  },
});

/** Some names from a fixed list, separated by commas. */
export const someOf = <const N extends string>(names: readonly N[]): Value<N[]> => {
  const one = oneOf(names);
  return {
    placeholder: "<list>",
    choices: names,
    schema: z.array(one.schema),
    parse(text) {
      try {
        return text.split(",").map(one.parse);
      } catch {
        throw new UsageError(`Expected some of ${names.join(", ")}, separated by commas.`);
      }
    },
  };
};

/** Names of columns, separated by commas. */
export const columnNames: Value<string[]> = {
  placeholder: "<columns>",
  schema: z.array(z.string()),
  parse(text) {
    const found = text.split(",").map((name) => name.trim());
    if (found.every((name) => name !== "")) return found;
    throw new UsageError("Expected column names, separated by commas, such as id,year.");
  },
};

const rateStepsSchema: z.ZodType<readonly RateStep[]> = z
  .array(z.strictObject({ epoch: z.int().min(1), lr: positive.schema }))
  .min(1)
  .refine((steps) => steps.every(({ epoch }, i) => epoch > (steps[i - 1]?.epoch ?? 0)), {
    message: "expected each epoch to be later than the one before",
  });

/** Learning rates by epoch: `20:3e-4,40:1e-4`. */
export const rateSteps: Value<readonly RateStep[]> = {
  placeholder: "<epoch:rate,…>",
  schema: rateStepsSchema,
  parse(text) {
    const steps = text.split(",").map((step) => {
      const parts = step.split(":").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
      return parts.length === 2 ? { epoch: parts[0], lr: parts[1] } : undefined;
    });
    const found = rateStepsSchema.safeParse(steps);
    if (found.success) return found.data;
    throw new UsageError(
      "Expected epoch:rate pairs, separated by commas, each epoch later than the one before, such as 20:3e-4,40:1e-4.",
    );
  },
};

/** Fractions with two digits may sum to so much more or less than 1: 0.33 three times. */
const ROUNDED = 0.02;

/** Shares of all classes, above 0, in the order of the classes. They are given in any unit, and sum to 1 afterwards. */
const shareList: Value<number[]> = {
  placeholder: "<shares>",
  schema: z
    .array(z.number().gt(0))
    .min(2)
    .refine((shares) => Math.abs(shares.reduce((a, b) => a + b, 0) - 1) < 1e-6, {
      message: "expected shares that sum to 1",
    }),
  parse(text) {
    const given = text.split(",").map((part) => (part.trim() === "" ? Number.NaN : Number(part)));
    if (given.length < 2 || !given.every((share) => share > 0 && Number.isFinite(share))) {
      throw new UsageError(
        "Expected a share above 0 for each class, in the order of the classes, such as 0.95,0.05.",
      );
    }
    const total = given.reduce((a, b) => a + b, 0);
    // Counts and percent may sum to anything; fractions that do not sum to 1 hold a mistake.
    if (given.every((share) => share < 1) && Math.abs(total - 1) > ROUNDED) {
      throw new UsageError(
        `Expected fractions that sum to 1, found ${given.join(", ")}, which sum to ${Number(total.toPrecision(6))}. Counts and percent may be given too, such as 95,5.`,
      );
    }
    return given.map((share) => share / total);
  },
};

/** One of a few names, or shares of all classes, such as 0.95,0.05. */
export const sharesOr = <const N extends string>(names: readonly N[]): Value<N | number[]> => ({
  placeholder: "<shares>",
  choices: names,
  schema: z.union([z.enum(names), shareList.schema], {
    error: `expected ${names.join(", ")}, or shares that sum to 1`,
  }),
  parse(text) {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    if (/^[a-z]/i.test(text)) {
      throw new UsageError(`Expected ${names.join(", ")}, or a share for each class, such as 0.95,0.05.`);
    }
    return shareList.parse(text);
  },
});

/** Types of columns, with commas between: `visits=count,size=ordinal:small<large`. */
export const columnTypePairs: Value<Readonly<Record<string, string>>> = {
  placeholder: "<column=type>",
  schema: z.record(z.string(), z.string()),
  parse(text) {
    const pairs = text.split(",").map((pair): readonly [string, string] => {
      const at = pair.lastIndexOf("=");
      return [pair.slice(0, Math.max(at, 0)).trim(), pair.slice(at + 1).trim()];
    });
    if (pairs.every(([name, type]) => name !== "" && type !== "")) return Object.fromEntries(pairs);
    throw new UsageError(
      "Expected columns and their types with commas between, such as visits=count,size=ordinal:small<large.",
    );
  },
};

/** On or off. On a command line the flag alone turns it on. */
export const toggle: Value<boolean> = {
  schema: z.boolean(),
  parse: () => true,
};

/** Any text. */
export const text = (placeholder: string): Value<string> => ({
  placeholder,
  schema: z.string(),
  parse: (given) => given,
});

/** A value without a flag, checked by a schema. */
export const structure = <T>(schema: z.ZodType<T>): Value<T> => ({
  schema,
  parse() {
    throw new UsageError("Expected no text: this setting has no flag.");
  },
});
