/** How the parts of a fit are stored: numbers as float64, so that they are restored bit for bit, and arrays in their own dtype. */
import { ArrayValue } from "../compile/index.ts";
import type { FittedProgram, FittedSite } from "../inference/index.ts";
import type { Codec } from "./file.ts";

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && !Array.isArray(value);
const isStrings = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((v) => typeof v === "string");
const isNumbers = (value: unknown): value is readonly number[] =>
  Array.isArray(value) && value.every((v) => typeof v === "number");

/** One number, NaN and the infinities included. */
export const number: Codec<number> = {
  write: (at, value, file) => file.put(at, new ArrayValue([], "float64", Float64Array.of(value))),
  read: (at, file) => file.get(at, "float64", []).item(),
};

export const boolean: Codec<boolean> = {
  write: (at, value, file) => file.note(at, value),
  read: (at, file) => file.noted(at, "true or false", (v) => typeof v === "boolean"),
};

/** One of a list of words. */
export const word = <const W extends string>(...words: readonly W[]): Codec<W> => ({
  write: (at, value, file) => file.note(at, value),
  read: (at, file) => file.noted(at, words.join(" or "), (v): v is W => words.some((w) => w === v)),
});

export const optional = <T>(codec: Codec<T>): Codec<T | undefined> => ({
  write(at, value, file) {
    file.note(`${at}?`, value !== undefined);
    if (value !== undefined) codec.write(at, value, file);
  },
  read: (at, file) => (boolean.read(`${at}?`, file) ? codec.read(at, file) : undefined),
});

/** A flat array of float64. */
export const floats: Codec<Float64Array> = {
  write: (at, value, file) => file.put(at, new ArrayValue([value.length], "float64", value)),
  read: (at, file) => Float64Array.from(file.get(at, "float64").data, Number),
};

export const array: Codec<ArrayValue> = {
  write: (at, value, file) => file.put(at, value),
  read: (at, file) => file.get(at),
};

/** Values by name, in their order. */
export const mapOf = <T>(codec: Codec<T>): Codec<ReadonlyMap<string, T>> => ({
  write(at, values, file) {
    file.note(at, [...values.keys()]);
    for (const [name, value] of values) codec.write(`${at}/${name}`, value, file);
  },
  read: (at, file) =>
    new Map(
      file.noted(at, "a list of names", isStrings).map((name) => [name, codec.read(`${at}/${name}`, file)]),
    ),
});

export const listOf = <T>(codec: Codec<T>): Codec<readonly T[]> => ({
  write(at, values, file) {
    file.note(at, values.length);
    values.forEach((value, i) => {
      codec.write(`${at}/${i}`, value, file);
    });
  },
  read(at, file) {
    const length = file.noted(at, "a length", (v): v is number => Number.isSafeInteger(v) && Number(v) >= 0);
    return Array.from({ length }, (_, i) => codec.read(`${at}/${i}`, file));
  },
});

/** A codec for each field. A new field of a fit does not compile until it has one here. */
export type Fields<T> = { readonly [K in keyof T]-?: Codec<T[K]> };

/** An object with known fields. */
export function objectOf<T extends object>(fields: Fields<T>): Codec<T> {
  const keys = Object.keys(fields) as (keyof T & string)[];
  return {
    write(at, value, file) {
      for (const key of keys) fields[key].write(join(at, key), value[key], file);
    },
    read: (at, file) =>
      Object.fromEntries(keys.map((key) => [key, fields[key].read(join(at, key), file)])) as T,
  };
}

const join = (at: string, key: string): string => (at === "" ? key : `${at}/${key}`);

/** A site as stored in a file. Numbers are strings, because JSON has neither NaN nor −0. */
type StoredSite = Omit<FittedSite, "constants"> & {
  readonly constants: Readonly<Record<string, readonly string[]>>;
};

const isSite = (value: unknown): value is StoredSite =>
  isObject(value) &&
  typeof value.name === "string" &&
  typeof value.latent === "boolean" &&
  typeof value.distribution === "string" &&
  isNumbers(value.eventShape) &&
  isObject(value.constants) &&
  Object.values(value.constants).every(isStrings);

const spelled = (numbers: readonly number[]): string[] =>
  numbers.map((v) => (Object.is(v, -0) ? "-0" : String(v)));

export const fittedProgram: Codec<FittedProgram> = {
  write: (at, { name, sites }, file) =>
    file.note(at, {
      name,
      sites: sites.map((site) => ({
        ...site,
        constants: Object.fromEntries(Object.entries(site.constants).map(([k, v]) => [k, spelled(v)])),
      })),
    }),
  read(at, file) {
    const { name, sites } = file.noted(
      at,
      "a program's name and sites",
      (v): v is { readonly name: string; readonly sites: readonly StoredSite[] } =>
        isObject(v) && typeof v.name === "string" && Array.isArray(v.sites) && v.sites.every(isSite),
    );
    return {
      name,
      sites: sites.map((site) => ({
        ...site,
        constants: Object.fromEntries(Object.entries(site.constants).map(([k, v]) => [k, v.map(Number)])),
      })),
    };
  },
};
