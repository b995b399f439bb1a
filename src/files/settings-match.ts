import { CheckpointError } from "../errors.ts";
import { type Json, shortJson } from "./json.ts";

/** A value and its path, such as `model.hidden[1]`. */
interface Difference {
  readonly field: string;
  readonly expected: unknown;
  readonly found: unknown;
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);

const joined = (field: string, key: string): string => (field === "" ? key : `${field}.${key}`);

/** The first field of `expected` that differs in `found`. Fields that are not in `expected` are ignored. */
const difference = (expected: unknown, found: unknown, field = ""): Difference | undefined => {
  if (Array.isArray(expected) && Array.isArray(found) && expected.length === found.length) {
    for (let i = 0; i < expected.length; i++) {
      const inside = difference(expected[i], found[i], `${field}[${i}]`);
      if (inside !== undefined) return inside;
    }
    return undefined;
  }
  if (isObject(expected) && isObject(found)) {
    for (const [key, value] of Object.entries(expected)) {
      const inside = difference(value, found[key], joined(field, key));
      if (inside !== undefined) return inside;
    }
    return undefined;
  }
  return Object.is(expected, found) ? undefined : { field, expected, found };
};

/**
 * Refuses settings that differ from those a checkpoint was trained with: its parameters would mean something else.
 *
 * @param source the path of the checkpoint
 * @param stored the settings in the checkpoint
 * @throws CheckpointError naming the field and both values.
 */
export const checkSettings = (source: string, stored: Json, settings: Json): void => {
  const different = difference(stored, settings);
  if (different === undefined) return;
  const { field, expected, found } = different;
  throw new CheckpointError(
    `${source}: was trained with "${field}" ${shortJson(expected)}, but the settings of the run (config.json) say ${shortJson(found)}. ` +
      "Put the setting back, or train a new run",
  );
};

/**
 * The first field that was read but is missing from the parsed result. A parser drops fields that it does not know, and to drop a setting
 * is to change it.
 */
export const unknownField = (read: unknown, understood: unknown, field = ""): string | undefined => {
  if (Array.isArray(read) && Array.isArray(understood)) {
    for (let i = 0; i < read.length; i++) {
      const inside = unknownField(read[i], understood[i], `${field}[${i}]`);
      if (inside !== undefined) return inside;
    }
    return undefined;
  }
  if (!isObject(read) || !isObject(understood)) return undefined;
  for (const [key, value] of Object.entries(read)) {
    const name = joined(field, key);
    if (!Object.hasOwn(understood, key)) return name;
    const inside = unknownField(value, understood[key], name);
    if (inside !== undefined) return inside;
  }
  return undefined;
};
