/** Readers of option values. Commander puts the option's name before their messages. */
import { InvalidArgumentError } from "commander";

export const whole =
  (least: number) =>
  (text: string): number => {
    const n = Number(text);
    if (text.trim() !== "" && Number.isSafeInteger(n) && n >= least) return n;
    throw new InvalidArgumentError(`Expected a whole number, ${least} or more.`);
  };

/** A number that `accepts`; `expected` says which numbers these are. */
export const number =
  (accepts: (n: number) => boolean, expected: string) =>
  (text: string): number => {
    const n = Number(text);
    if (text.trim() !== "" && Number.isFinite(n) && accepts(n)) return n;
    throw new InvalidArgumentError(`Expected ${expected}.`);
  };

export const positive = number((n) => n > 0, "a number above 0");
export const notNegative = number((n) => n >= 0, "a number, 0 or more");

/** Whole numbers with commas between; `none` for an empty list where that is allowed. */
export const wholes =
  (least: number, { none = false }: { readonly none?: boolean } = {}) =>
  (text: string): number[] => {
    if (none && text === "none") return [];
    const read = whole(least);
    try {
      return text.split(",").map(read);
    } catch {
      throw new InvalidArgumentError(
        `Expected whole numbers, ${least} or more, with commas between, such as 400,200${none ? ", or none" : ""}.`,
      );
    }
  };

export const oneOf =
  <T extends string>(names: readonly T[]) =>
  (text: string): T => {
    const found = names.find((name) => name === text);
    if (found !== undefined) return found;
    const close = names.find(
      (name) =>
        name.toLowerCase().startsWith(text.toLowerCase()) ||
        text.toLowerCase().startsWith(name.toLowerCase()),
    );
    throw new InvalidArgumentError(
      `Expected one of ${names.join(", ")}.${close === undefined || text === "" ? "" : ` Did you mean ${close}?`}`,
    );
  };

/** Rows to use: a number, or `all`. */
export const rowsOrAll = (text: string): number | "all" => {
  if (text === "all") return text;
  const n = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(n) && n >= 1) return n;
  throw new InvalidArgumentError("Expected a whole number, 1 or more, or all.");
};

/** Names with commas between. */
export const names = (text: string): string[] => {
  const found = text.split(",").map((name) => name.trim());
  if (found.every((name) => name !== "")) return found;
  throw new InvalidArgumentError("Expected names of columns with commas between, such as id,year.");
};
