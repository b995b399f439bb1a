/** Checks options before use: unknown names, and values that cannot be right. */
import { UsageError } from "./errors.ts";

/** Returns what a value must be, for the error, or undefined if it is valid. */
export type OptionRule = (value: unknown) => string | undefined;

/** The rule of an option that has no default. */
export type RequiredRule = OptionRule & { readonly required: true };

/** A rule for each name of an options type. Leaving one out, or one that has no default without {@link required}, does not compile. */
export type OptionRules<O> = {
  readonly [K in keyof O]-?: undefined extends O[K] ? OptionRule : RequiredRule;
};

/** An option that has no default, and the rule of its values. */
export const required = (rule: OptionRule): RequiredRule =>
  Object.assign((value: unknown) => rule(value), { required: true as const });

/** The same rules where nothing must be given. */
export const withoutRequired = <R extends Readonly<Record<string, OptionRule>>>(
  rules: R,
): Readonly<Record<keyof R & string, OptionRule>> =>
  Object.fromEntries(
    Object.entries(rules).map(([name, rule]) => [name, (value: unknown) => rule(value)]),
  ) as Record<keyof R & string, OptionRule>;

const isNumber = (value: unknown): value is number => typeof value === "number";

/** Checked elsewhere, or by its type alone. */
export const anything: OptionRule = () => undefined;

/** A whole number of at least `least`. */
export const whole =
  (least: number): OptionRule =>
  (value) =>
    Number.isSafeInteger(value) && (value as number) >= least
      ? undefined
      : `a whole number of at least ${least}`;

/** A finite number above 0. */
export const positive: OptionRule = (value) =>
  isNumber(value) && value > 0 && Number.isFinite(value) ? undefined : "a finite number above 0";

/** A finite number of at least 0. */
export const nonNegative: OptionRule = (value) =>
  isNumber(value) && value >= 0 && Number.isFinite(value) ? undefined : "a finite number of at least 0";

/** A number from 0 to 1. */
export const share: OptionRule = (value) =>
  isNumber(value) && value >= 0 && value <= 1 ? undefined : "a number from 0 to 1";

/** True or false. */
export const flag: OptionRule = (value) => (typeof value === "boolean" ? undefined : "true or false");

/** A list of whole numbers of at least `least`. */
export const wholes =
  (least: number): OptionRule =>
  (value) =>
    Array.isArray(value) && value.every((each) => whole(least)(each) === undefined)
      ? undefined
      : `a list of whole numbers of at least ${least}`;

/** Something: what it must be is checked by who reads it, and said here. */
export const given =
  (expected: string): OptionRule =>
  (value) =>
    value === undefined || value === null ? expected : undefined;

/** Values by key, in a Map. */
export const mapped =
  (of: string): OptionRule =>
  (value) =>
    value instanceof Map ? undefined : `a Map, ${of}`;

/** A function. */
export const callback: OptionRule = (value) => (typeof value === "function" ? undefined : "a function");

/** The number of letters to insert, delete, replace or swap with a neighbour to turn one word into the other. */
export function distance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, j) => j)];
  for (let i = 1; i <= a.length; i++) {
    const row = [i];
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1];
      let least = Math.min(rows[i - 1][j] + 1, row[j - 1] + 1, rows[i - 1][j - 1] + (same ? 0 : 1));
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1])
        least = Math.min(least, rows[i - 2][j - 2] + 1);
      row.push(least);
    }
    rows.push(row);
  }
  return rows[a.length][b.length];
}

/** The known name nearest to a misspelt one, or undefined if none is close. */
export function nearest(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase();
  const near = (other: string): number => {
    const o = other.toLowerCase();
    // A common beginning makes a name likelier than the number of differing letters suggests: `learning` for `learningRate`.
    return o.startsWith(lower) || lower.startsWith(o) ? Math.min(1, distance(lower, o)) : distance(lower, o);
  };
  const [best] = known.map((other) => ({ other, far: near(other) })).sort((a, b) => a.far - b.far);
  return best !== undefined && best.far <= Math.max(1, Math.floor(name.length / 3)) ? best.other : undefined;
}

/** Rules that only know the names; a schema checks the values. */
export const rulesOf = (names: object): Readonly<Record<string, OptionRule>> =>
  Object.fromEntries(Object.keys(names).map((name) => [name, anything]));

const shown = (value: unknown): string =>
  typeof value === "string"
    ? JSON.stringify(value)
    : value === null || (typeof value !== "object" && typeof value !== "function")
      ? String(value)
      : Array.isArray(value)
        ? "an array"
        : typeof value === "function"
          ? "a function"
          : "an object";

/**
 * Checks options: an object, known names, values that follow their rules. An option that is `undefined` counts as left out.
 *
 * @param what the name of the called function, for the message
 * @throws UsageError when an option is invalid; the message names it, and the nearest known name if it was misspelt.
 */
export function checkOptions(
  what: string,
  options: object | undefined,
  rules: Readonly<Record<string, OptionRule>>,
): void {
  const found = options === undefined ? {} : options;
  if (typeof found !== "object" || found === null || Array.isArray(found))
    throw new UsageError(`${what}: expected an object of options, found ${shown(found)}.`);
  const known = Object.keys(rules);
  for (const [name, value] of Object.entries(found)) {
    if (!Object.hasOwn(rules, name)) {
      const meant = nearest(name, known);
      const hint = meant === undefined ? `The options are ${known.join(", ")}.` : `Did you mean '${meant}'?`;
      throw new UsageError(`${what}: there is no option '${name}'. ${hint}`);
    }
    const expected = value === undefined ? undefined : rules[name](value);
    if (expected !== undefined)
      throw new UsageError(`${what}: ${name} must be ${expected}, found ${shown(value)}.`);
  }
  const values: Readonly<Record<string, unknown>> = { ...found };
  const missing = known.find(
    (name) => (rules[name] as Partial<RequiredRule>).required && values[name] === undefined,
  );
  if (missing === undefined) return;
  const expected = rules[missing](undefined);
  throw new UsageError(`${what}: the option ${missing} is missing${expected ? `; give ${expected}` : ""}.`);
}

/** Only the options that have a rule: for a function that passes on some of its options to another. */
export const knownOptions = <O extends object>(options: O, rules: Readonly<Record<string, OptionRule>>): O =>
  Object.fromEntries(Object.entries(options).filter(([name]) => Object.hasOwn(rules, name))) as O;
