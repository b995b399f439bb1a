import { UsageError } from "../errors.ts";

/** A JSON value. Numbers are finite. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/**
 * Writes JSON that reads back unchanged, except that undefined fields are left out.
 *
 * @param where names the value in the message
 * @throws UsageError naming the field when a number is not finite; JSON would turn it into null.
 */
export const toJson = (value: Json, where: string, indent?: number): string =>
  JSON.stringify(
    value,
    (key, field: unknown) => {
      if (typeof field === "number" && !Number.isFinite(field)) {
        throw new UsageError(`${where}: expected "${key}" to be a finite number, found ${field}`);
      }
      return field;
    },
    indent,
  );

/** A value as JSON of at most 60 characters, for messages. Values in files may be long, or too deeply nested for JSON.stringify. */
export const shortJson = (value: unknown): string => {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return "a deeply nested value";
  }
  if (text === undefined) return "none";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};
