/** Parsers of option values for commander, which puts the option's name before their messages. */
import { InvalidArgumentError, Option } from "commander";
import { UsageError } from "../errors.ts";
import { type Value, whole as wholeValue } from "../kinds/index.ts";
import type { Ceiling } from "../limits.ts";

/** A setting's parser as one for commander, with the setting's own error message. */
export const reader =
  <T>({ parse }: Value<T>) =>
  (text: string): T => {
    try {
      return parse(text);
    } catch (error) {
      if (error instanceof UsageError) throw new InvalidArgumentError(error.message);
      throw error;
    }
  };

export const whole = (least: number, ceiling?: Ceiling) => reader(wholeValue(least, ceiling));

/** An option whose value is parsed like that of a setting. */
export const optionFor = <T>(
  flag: string,
  value: Value<T>,
  description: string,
  placeholder = value.placeholder,
): Option => {
  const option = new Option(placeholder === undefined ? flag : `${flag} ${placeholder}`, description);
  return placeholder === undefined ? option : option.argParser(reader(value));
};

/** Rows to use: a number, or `all`. */
export const rowsOrAll = (text: string): number | "all" => {
  if (text === "all") return text;
  const n = Number(text);
  if (text.trim() !== "" && Number.isSafeInteger(n) && n >= 1) return n;
  throw new InvalidArgumentError("Expected a whole number, 1 or more, or all.");
};
