/**
 * A setting of a run is defined once: its value, default, help and flag. From a table of settings come the schema of `config.json`, the
 * flags of the command line, their help, and the defaults.
 */
import { z } from "zod";
import { UsageError } from "../../errors.ts";
import { nearest } from "../../options.ts";
import type { Value } from "./value.ts";

/** What a default may depend on. */
export interface DataFacts {
  /** Training rows. */
  readonly rows: number;
  /** The data are a table with columns of its own. */
  readonly table: boolean;
  /** Labels that are seen. */
  readonly labels: number;
}

/** What is said of a setting. */
export interface SettingOptions<T> {
  /** One sentence fragment, in the units of the value: `learning rate`. */
  readonly help?: string;
  /** The flag, where it is not its name in kebab case; `false`: there is none. */
  readonly flag?: string | false;
  /** What stands for the value in the flag: `<nats>`. */
  readonly placeholder?: string;
  /** Why it cannot be given beside the other settings that were given, by path; undefined where it can. */
  readonly refuse?: (given: ReadonlyMap<string, unknown>) => string | undefined;
  /** What it is without being set, where that is no value: `one a core`. */
  readonly otherwise?: string;
  readonly default?: T | ((facts: DataFacts) => T);
}

/** One setting. `Optional`: it may have no value. */
export class Setting<T, Optional extends boolean = boolean> {
  readonly value: Value<T>;
  readonly options: SettingOptions<T>;
  readonly optional: Optional;

  constructor(value: Value<T>, options: SettingOptions<T>, optional: Optional) {
    this.value = value;
    this.options = options;
    this.optional = optional;
  }

  /** The default on data. */
  on(facts: DataFacts): T | undefined {
    const { default: value } = this.options;
    return typeof value === "function" ? (value as (facts: DataFacts) => T)(facts) : value;
  }

  /** The same setting with something else said of it. */
  with(options: SettingOptions<T>): Setting<T, Optional> {
    return new Setting(this.value, { ...this.options, ...options }, this.optional);
  }
}

/** A setting that always has a value: what was given, or its default. Without a default it must be given. */
export const setting = <T>(value: Value<T>, options: SettingOptions<NoInfer<T>>): Setting<T, false> =>
  new Setting(value, options, false);

/** A setting that may have no value. */
export const optional = <T>(value: Value<T>, options: SettingOptions<NoInfer<T>> = {}): Setting<T, true> =>
  new Setting(value, options, true);

/** Settings as they lie in `config.json`: objects within objects. */
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

/** A setting and where it is. */
export interface Placed {
  /** Its place in `config.json`: `train.lr`. */
  readonly path: string;
  readonly setting: Setting<unknown>;
  /** `--lr`; absent where it has none. */
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

/** Plain objects within objects. */
export interface Tree {
  [key: string]: unknown;
}

/** Puts a value at a path of a tree. */
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

/** The defaults of a table on data. */
export function defaultsOf(table: Table, facts: DataFacts): Tree {
  const tree: Tree = {};
  for (const { path, setting: one } of placed(table)) {
    const value = one.on(facts);
    if (value !== undefined) put(tree, path, value);
  }
  return tree;
}

/** `over` laid on `under`, object by object. */
export function merge(under: unknown, over: unknown): unknown {
  if (over === undefined) return under;
  if (!isPlain(under) || !isPlain(over)) return over;
  const keys = new Set([...Object.keys(under), ...Object.keys(over)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(under[key], over[key])]));
}

const isPlain = (value: unknown): value is Tree =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

/**
 * The schema of a table. A setting that a file leaves out has its default, where that is the same for all data: older versions did not
 * write what they did not have. A key that is no setting is an error, which names the nearest one.
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

/** Settings as a caller writes them, checked, with defaults filled in. @throws UsageError naming the field. */
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
