/** The contents of `config.json`, checked with the tables of settings of its kind. */
import { z } from "zod";
import type { Device } from "../compile/index.ts";
import { decimals, readingSettings, tablePreprocessing } from "../data/index.ts";
import type { Json } from "../files/index.ts";
import type { Declaration } from "./kind.ts";
import { declarationOf, declarations, kindNames } from "./kinds.ts";
import { at, schemaOf, type Table, type Tree } from "./settings/setting.ts";

const whole = z.int().min(1);

/** Where the data came from, and what they were. */
export const dataSettings = z.strictObject({
  /** Path of the data, or `mnist`. */
  spec: z.string(),
  /** A file of class indices. */
  labels: z.string().optional(),
  /** The column of a table that holds the labels. */
  labelColumn: z.string().optional(),
  /** 0 if no rows are held out. */
  testFraction: z.number().min(0).lt(1).optional(),
  /** Whether only labelled rows were held out for testing. */
  labelledTest: z.boolean().optional(),
  /** Number of labelled rows held out for validation, and the seed that draws them. */
  validation: z.strictObject({ count: whole, seed: z.int().min(0).default(0) }).optional(),
  /** How its files are read, if the user said so. */
  reading: readingSettings.optional(),
  /** What stored pixels are multiplied by. Absent for a table, and in runs made before it was always written. */
  pixelScale: z.number().gt(0).optional(),
  /** Whether pixels with factor 1 were numbers from 0 to 1. */
  fractions: z.boolean().optional(),
  /** For a table: what the user said about its columns, and how cells become features. */
  table: z
    .strictObject({
      categorical: z.array(z.string()).default([]),
      ignore: z.array(z.string()).default([]),
      id: z.string().optional(),
      types: z.record(z.string(), z.string()).optional(),
      decimal: z.enum(decimals).optional(),
      preprocessing: tablePreprocessing,
    })
    .optional(),
  /** What reports call the data. */
  name: z.string(),
  /** Names of a table's columns. */
  columns: z.array(z.string()).optional(),
  /** Rows to train on. */
  trainRows: whole,
  /** Rows held out to test. */
  testRows: z.int().min(0),
  /** Fingerprint of the training rows: a resumed run refuses others. */
  fingerprint: z.string(),
});

/** A run's data, and how they are read and split: `data` in `config.json`. */
export type DataSettings = z.output<typeof dataSettings>;

/** Which labels a run sees. */
export interface LabelSettings {
  /** Number of labels to keep, the same for every class; absent: all. */
  readonly count?: number;
  /** Seed that draws the labels to keep. */
  readonly seed: number;
  /** Number of labels that the run sees; not recorded by the first version. */
  readonly shown?: number;
  /** The same by class. */
  readonly perClass?: readonly number[];
  /** Names of the classes. */
  readonly classes: readonly string[];
}

/** Settings of a run of any kind. Each kind adds its own. */
export interface RunSettings {
  /** The version of Tightbound that made it. */
  readonly version: string;
  /** ISO 8601. */
  readonly createdAt: string;
  /** The command line that made it. */
  readonly command: string;
  /** Which data, and how they are read and split. */
  readonly data: DataSettings;
  /** The model; a kind has more. */
  readonly model: {
    /** The kind. */
    readonly model: string;
    /** Shape of a row. */
    readonly shape: readonly number[];
    readonly latent: number;
  };
  /** How it is trained; a kind has more. */
  readonly train: {
    readonly epochs: number;
    readonly batch: number;
    readonly lr: number;
    readonly schedule: string;
    readonly patience?: number;
    readonly seed: number;
    readonly threads?: number;
    readonly device?: Device;
  };
  /** Present for a kind that learns from labels. */
  readonly labels?: LabelSettings;
}

/** Whether a run learns from labels. */
export const learnsFromLabels = <S extends RunSettings>(
  settings: S,
): settings is S & { readonly labels: LabelSettings } => settings.labels !== undefined;

const schemas = new Map<string, z.ZodType>();

function schemaOfKind({ name, settings, learnsFromLabels: learns }: Declaration): z.ZodType {
  const known = schemas.get(name);
  if (known !== undefined) return known;
  const partOf = (part: string, table: Table): z.ZodType =>
    part === "labels" && learns !== undefined ? schemaOf(table).optional() : schemaOf(table).prefault({});
  const shape = Object.fromEntries(
    Object.entries(settings).map(([part, table]) => [part, partOf(part, table)]),
  );
  const schema = z.strictObject({
    version: z.string(),
    createdAt: z.string(),
    command: z.string(),
    data: dataSettings,
    ...shape,
  });
  schemas.set(name, schema);
  return schema;
}

const named = z.object({ model: z.object({ model: z.string() }) });

/** Settings of an older version, without those that nothing reads any more. */
export function upgraded(config: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const kind = at(config, "model.model");
  const { retired = [] } = declarations.find(({ name }) => name === kind) ?? {};
  if (retired.length === 0) return config;
  const copy: Tree = structuredClone(config);
  for (const path of retired) {
    const [part, key] = path.split(".");
    const found = copy[part] as Tree | undefined;
    if (found !== undefined) delete found[key];
  }
  return copy;
}

/** The schema is chosen by the kind's name, so that a problem is reported in terms of that kind's settings. */
export const runSettings = z.unknown().transform((value, context): RunSettings => {
  const report = (path: PropertyKey[], message: string): never => {
    context.addIssue({ code: "custom", path, message });
    return z.NEVER;
  };
  const kind = named.safeParse(value);
  if (!kind.success) return report(["model", "model"], `expected one of ${kindNames.join(", ")}`);
  const declaration = declarations.find(({ name }) => name === kind.data.model.model);
  if (declaration === undefined) {
    return report(
      ["model", "model"],
      `expected one of ${kindNames.join(", ")}; found "${kind.data.model.model}"${madeBy(value)}`,
    );
  }
  const { success, data, error } = schemaOfKind(declaration).safeParse(value);
  if (!success) {
    for (const { path, message } of error.issues) {
      context.addIssue({
        code: "custom",
        path,
        message: message.startsWith("unknown setting") ? `${message}${madeBy(value)}` : message,
      });
    }
    return z.NEVER;
  }
  const settings = data as RunSettings;
  const broken = declaration.constraint?.(settings);
  if (broken === undefined) return settings;
  const [path, ...message] = broken.split(": ");
  return report(path.split("."), message.join(": "));
});

/** `; the run was made by version 0.9.0`, if that is recorded. */
const madeBy = (value: unknown): string => {
  const made = z.object({ version: z.string() }).safeParse(value);
  return made.success ? `; the run was made by version ${made.data.version} of tightbound` : "";
};

/** The declaration of a run's kind. */
export const declarationOfRun = ({ model }: Pick<RunSettings, "model">): Declaration =>
  declarationOf(model.model);

/**
 * The settings that a checkpoint depends on: the model's, and those of training except its length, threads and device, which may change when it
 * continues.
 */
export const identity = ({ model, train, data }: RunSettings): { readonly [key: string]: Json } => {
  const { epochs: _, threads: __, device: ___, ...how } = train;
  // Not the kind: a run can reuse another kind's training.
  const { model: ____, ...architecture } = model;
  return { model: architecture, train: how, data: { fingerprint: data.fingerprint } } as unknown as {
    readonly [key: string]: Json;
  };
};
