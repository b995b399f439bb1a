/**
 * A setting of a run is defined once: its value, default, help and flag. The schema of `config.json`, the flags of the command line, their
 * help and the defaults are made from tables of settings.
 */
import { z } from "zod";
import { UsageError } from "../../errors.ts";
import { nearest } from "../../options.ts";
import type { Value } from "./value.ts";

/** What a default can depend on. */
export interface DataFacts {
  /** Training rows. */
  readonly rows: number;
  /** Whether the data are a table with its own columns. */
  readonly table: boolean;
  /** Number of labels that the run sees. */
  readonly labels: number;
  /** Features of a row. Default: few. */
  readonly features?: number;
  /** Whether rows are pictures in colour. Default: they are not. */
  readonly colour?: boolean;
}

/** Options of a setting. */
export interface SettingOptions<T> {
  /** A short description, without a full stop: `learning rate`. */
  readonly help?: string;
  /** The flag, if it is not the setting's name in kebab case; `false` for none. */
  readonly flag?: string | false;
  /** The placeholder for the value in help: `<nats>`. */
  readonly placeholder?: string;
  /** Returns why it cannot be given together with the other given flags, or undefined if it can. */
  readonly refuse?: (given: ReadonlyMap<string, unknown>) => string | undefined;
  /** What happens if it is not set, when it has no default value: `one per core`. */
  readonly otherwise?: string;
  readonly default?: T | ((facts: DataFacts) => T);
}

/** One setting. `Optional`: it can be without a value. */
export class Setting<T, Optional extends boolean = boolean> {
  readonly value: Value<T>;
  readonly options: SettingOptions<T>;
  readonly optional: Optional;

  constructor(value: Value<T>, options: SettingOptions<T>, optional: Optional) {
    this.value = value;
    this.options = options;
    this.optional = optional;
  }

  /** The default for some data. */
  on(facts: DataFacts): T | undefined {
    const { default: value } = this.options;
    return typeof value === "function" ? (value as (facts: DataFacts) => T)(facts) : value;
  }

  /** The same setting with other options. */
  with(options: SettingOptions<T>): Setting<T, Optional> {
    return new Setting(this.value, { ...this.options, ...options }, this.optional);
  }
}

/** A setting that always has a value: the given one or its default. Without a default it must be given. */
export const setting = <T>(value: Value<T>, options: SettingOptions<NoInfer<T>>): Setting<T, false> =>
  new Setting(value, options, false);

/** A setting that can be without a value. */
export const optional = <T>(value: Value<T>, options: SettingOptions<NoInfer<T>> = {}): Setting<T, true> =>
  new Setting(value, options, true);

/** Settings nested as in `config.json`. */
export interface Table {
  readonly [key: string]: Setting<unknown> | Table;
}

type Required<T extends Table> = {
  [K in keyof T as T[K] extends Setting<unknown, true> ? never : K]: T[K] extends Setting<infer V>
    ? V
    : T[K] extends Table
      ? SettingsOf<T[K]>
      : never;
};
type Optionals<T extends Table> = {
  [K in keyof T as T[K] extends Setting<unknown, true> ? K : never]?: T[K] extends Setting<infer V>
    ? V
    : never;
};

/** The values of a table of settings. */
export type SettingsOf<T extends Table> = { readonly [K in keyof Required<T>]: Required<T>[K] } & {
  readonly [K in keyof Optionals<T>]?: Optionals<T>[K];
};

/** A setting and its place. */
export interface Placed {
  /** Its place in `config.json`: `train.lr`. */
  readonly path: string;
  readonly setting: Setting<unknown>;
  /** `--lr`; absent if it has no flag. */
  readonly flag?: string;
}

/** The flag of a setting at a path: its last name in kebab case, unless it has another. */
const flagAt = (path: string, { options }: Setting<unknown>): string | undefined => {
  const { flag, help } = options;
  if (flag === false || help === undefined) return undefined;
  const last = path.slice(path.lastIndexOf(".") + 1);
  return flag ?? `--${last.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
};

/** Every setting of a table, in its order. */
export function placed(table: Table, prefix = ""): readonly Placed[] {
  return Object.entries(table).flatMap(([key, entry]): readonly Placed[] => {
    const path = `${prefix}${key}`;
    if (!(entry instanceof Setting)) return placed(entry as Table, `${path}.`);
    const found = entry as Setting<unknown>;
    const flag = flagAt(path, found);
    return [{ path, setting: found, ...(flag !== undefined && { flag }) }];
  });
}

/** Nested plain objects. */
export interface Tree {
  [key: string]: unknown;
}

/** Sets the value at a path of a tree. */
export function put(tree: Tree, path: string, value: unknown): void {
  const keys = path.split(".");
  let part = tree;
  for (const key of keys.slice(0, -1)) {
    part[key] ??= {};
    part = part[key] as Tree;
  }
  part[keys[keys.length - 1]] = value;
}

/** The value at a path of a tree. */
export const at = (tree: unknown, path: string): unknown =>
  path
    .split(".")
    .reduce<unknown>(
      (part, key) =>
        typeof part === "object" && part !== null
          ? (part as Readonly<Record<string, unknown>>)[key]
          : undefined,
      tree,
    );

/** The defaults of a table for some data. */
export function defaultsOf(table: Table, facts: DataFacts): Tree {
  const tree: Tree = {};
  for (const { path, setting: one } of placed(table)) {
    const value = one.on(facts);
    if (value !== undefined) put(tree, path, value);
  }
  return tree;
}

/** Merges `over` into `under`, object by object; `over` wins. */
export function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isPlain(under) || !isPlain(over)) return over;
  const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(under[key], over[key])]));
}

const isPlain = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * The schema of a table. A setting missing from a file gets its default, if that is the same for all data, because older versions did not
 * have all settings. An unknown key is an error, which names the nearest setting.
 */
export function schemaOf<T extends Table>(table: T): z.ZodType<SettingsOf<T>> {
  const shape = Object.fromEntries(
    Object.entries(table).map(([key, entry]): [string, z.ZodType] => {
      if (!(entry instanceof Setting)) return [key, schemaOf(entry as Table).prefault({})];
      const { value, options, optional: may } = entry as Setting<unknown>;
      const { default: preset } = options;
      if (preset !== undefined && typeof preset !== "function") return [key, value.schema.default(preset)];
      return [key, may ? value.schema.optional() : value.schema];
    }),
  );
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    error: (issue) => (issue.code === "unrecognized_keys" ? unknownKeys(issue.keys, known) : undefined),
  }) as unknown as z.ZodType<SettingsOf<T>>;
}

const unknownKeys = (keys: readonly string[], known: readonly string[]): string => {
  const near = keys.length === 1 ? nearest(keys[0], known) : undefined;
  return `unknown ${keys.length === 1 ? "setting" : "settings"} ${keys.map((key) => `"${key}"`).join(", ")}${
    near === undefined ? "" : `; did you mean "${near}"?`
  }`;
};

/** Checks the settings that a caller passed, and fills in defaults. @throws UsageError when one is invalid; the message names it. */
export function parseSettings<T>(schema: z.ZodType<T>, input: unknown): T {
  const { success, data, error } = schema.safeParse(input);
  if (success) return data;
  throw new UsageError(`train: ${problems(error)}.`);
}

/** What is wrong with settings: each field, and what was expected. */
export const problems = ({ issues }: z.ZodError): string =>
  issues
    .map(({ path, message }) => (path.length === 0 ? message : `${path.join(".")}: ${message}`))
    .join("; ");
