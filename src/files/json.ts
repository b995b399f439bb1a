import { UsageError } from "../errors.ts";

/** What JSON can say. Of numbers, the finite ones. */
export type Json =
  | null
  | boolean
  | number
  | string
  | readonly Json[]
  | { readonly [key: string]: Json | undefined };

/**
 * JSON that reads back as it was, save for fields that are undefined, which are left out.
 *
 * @param where names the value in the message
 * @throws UsageError naming the field of a number that is not finite, which JSON would turn into null.
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

/** A value as JSON of at most 60 characters, for messages; a file may hold values that are long, or nested too deeply for JSON.stringify. */
export const shortJson = (value: unknown): string => {
  let text: string | undefined;
  try {
    text = JSON.stringify(value);
  } catch {
    return "a value of many levels";
  }
  if (text === undefined) return "none";
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
};
