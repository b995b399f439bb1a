/** The benchmark of Kingma et al. 2014: M1, M2 and M1+M2 on MNIST with few labels, over several draws of the labels. */
import { join, relative, resolve } from "#platform/paths";
import { BusyError, UsageError } from "../errors.ts";
import { readMetricsLog, runFolder } from "../files/index.ts";
import { declarationOf, merge, put, type RunData, type RunSettings, type Tree } from "../kinds/index.ts";
import type { ErrorFigures, Measured } from "../report/index.ts";
import {
  type DataSource,
  describeData,
  type GivenSettings,
  loadRunData,
  newRun,
  openRun,
  type RunHooks,
  readRun,
  testPart,
} from "../runs/index.ts";
import {
  folderOf,
  isBuiltOnShared,
  type Method,
  m1Of,
  methods,
  protocols,
  type SharedM1,
  takesTraining,
  VALIDATION,
} from "./protocol.ts";
import { completeRun, isToTrain, keptFigures } from "./runs.ts";
import { type BenchmarkRow, rowsOf } from "./table.ts";

/** Which part of the paper's table to reproduce, with which data, and where. */
export interface Kingma2014Options {
  /** Folder of the benchmark. It contains a run's folder for M1 and for each method, number of labels and draw. */
  readonly out: string;
  /** Numbers of labels. Default [100]. */
  readonly labels?: readonly number[];
  /** Draws of the labels: seeds 0, 1, …. Default 5. */
  readonly draws?: number;
  /** Methods to reproduce. Default all. */
  readonly methods?: readonly Method[];
  /** The data. Default MNIST, with 10,000 of its training images held out for validation. */
  readonly source?: DataSource;
  /** Fraction of the protocol's epochs. Below 1 it is a trial whose figures cannot be compared with the protocol's. Default 1. */
  readonly length?: number;
  /** Threads within an operation. Default: one per core. */
  readonly threads?: number;
  /** The version of Tightbound, for the results. */
  readonly version: string;
  /** The command line, for the results. */
  readonly command: string;
}

/** One run of the benchmark. */
export interface Part {
  readonly path: string;
  readonly method: Method;
  /** The shared VAE, if this part trains it; there are no labels then. */
  readonly shared?: SharedM1;
  readonly labels?: number;
  readonly labelSeed?: number;
  /** Its number among all parts, from 1. */
  readonly index: number;
  readonly of: number;
}

/** Callbacks of the reproduction. */
export interface Kingma2014Hooks {
  /** Returns the callbacks for the training of a part. */
  readonly training?: (part: Part) => RunHooks;
  /** Has parts trained by other processes. Default: everything is trained here. */
  readonly elsewhere?: {
    /** Threads of a run that is trained elsewhere, one `of` those, if the options do not say. Default: one per core. */
    threads?(part: Part, of: readonly Part[]): number;
    /**
     * Called once, when the shared VAEs are done, with the parts that are not; each is a run whose settings are in its folder. What it leaves
     * undone is trained here.
     * @param onDone to be called when a part is trained: it is measured while others are still being trained
     */
    train(parts: readonly Part[], onDone: (part: Part) => void): Promise<void>;
  };
  /** Called when a part is done, was done before, or is left to another process. */
  readonly onPart?: (part: Part, state: "done" | "busy") => void;
  /** Stops after the current step; finished parts are kept. */
  readonly signal?: AbortSignal;
}

/** The result of a run. Errors are shares of rows, for each way to classify. */
export type DrawFigures = {
  readonly method: Method;
  readonly labels: number;
  readonly labelSeed: number;
  readonly testErrors: Readonly<Record<string, number>>;
  readonly validationErrors: Readonly<Record<string, number>>;
  readonly calibrationError: number | null;
  readonly elbo: number;
  /** Wall time of training; absent for M1, because its VAE is the shared one. */
  readonly seconds: number;
  readonly steps: number;
};

/** The result of a shared VAE. */
export interface M1Figures {
  /** Name of its folder. */
  readonly folder: string;
  /** The bound on test rows, nats. */
  readonly elbo: number;
  readonly activeUnits: number;
  readonly seconds: number;
}

/** The part of the paper's table that was reproduced. */
export interface Kingma2014Results {
  readonly benchmark: "kingma2014";
  readonly version: string;
  readonly command: string;
  readonly data: { readonly name: string; readonly trainRows: number; readonly testRows: number };
  /** The VAEs that M1 and M1+M2 share: one for few labels and one for many. */
  readonly m1: readonly M1Figures[];
  /** Settings of each run, by its folder's name. Settings not listed have the model's defaults; M1 is the shared VAE. */
  readonly settings: Readonly<Record<string, GivenSettings>>;
  /** The result of each draw of each method. */
  readonly draws: readonly DrawFigures[];
  readonly table: readonly BenchmarkRow[];
  /** Runs that are missing: another process trains them, or a signal stopped this one. */
  readonly missing: readonly string[];
}

/** Settings with the number of epochs multiplied by `length`. */
const shortened = (given: GivenSettings, length: number, threads: number | undefined): GivenSettings => {
  const { epochs } = given.train ?? {};
  return {
    ...given,
    train: {
      ...given.train,
      ...(typeof epochs === "number" && { epochs: Math.max(1, Math.round(length * epochs)) }),
      ...(threads !== undefined && { threads }),
    },
  };
};

function checkOptions({ draws = 5, length = 1, labels = [100] }: Kingma2014Options): void {
  if (!Number.isInteger(draws) || draws < 1) {
    throw new UsageError(`reproduce: draws must be a whole number of at least 1, found ${draws}.`);
  }
  if (!(length > 0 && length <= 1)) {
    throw new UsageError(`reproduce: length must be a share above 0 and at most 1, found ${length}.`);
  }
  if (labels.length === 0 || labels.some((n) => !Number.isInteger(n) || n < 1)) {
    throw new UsageError(
      `reproduce: labels must be whole numbers of at least 1, found ${labels.join(", ") || "none"}.`,
    );
  }
}

/**
 * Trains the runs that are not trained yet, evaluates them, and returns the table with the published figures beside it. A run that was
 * stopped is continued; a finished run is only read; a run that another process is training is left to it, so the same call in two processes
 * shares the work. Nothing is chosen by test error: lengths are fixed, and the protocol's widths were chosen on validation rows.
 *
 * @example
 * const { table } = await reproduceKingma2014({ out: "runs/kingma2014", labels: [100], draws: 5, version: "0.1.0", command: "" });
 *
 * @throws UsageError when options are out of range, or a folder contains runs with other settings.
 */
export async function reproduceKingma2014(
  options: Kingma2014Options,
  hooks: Kingma2014Hooks = {},
): Promise<Kingma2014Results> {
  checkOptions(options);
  const { out, labels = [100], draws = 5, length = 1, threads, version, command } = options;
  const source = options.source ?? { spec: "mnist", validation: VALIDATION };
  const wanted = methods.filter((m) => (options.methods ?? methods).includes(m));
  const data = await loadRunData(source);
  const described = describeData(source, data);
  const origin = { version, command };
  const shared = wanted.some(isBuiltOnShared) ? [...new Set(labels.map(m1Of))] : [];
  const settings: Record<string, GivenSettings> = {};
  const jobs: readonly Omit<Part, "index" | "of">[] = [
    ...shared.map((m1) => ({ path: join(out, m1.folder), method: "m1" as const, shared: m1 })),
    ...Array.from({ length: draws }, (_, labelSeed) => labelSeed).flatMap((labelSeed) =>
      labels.flatMap((count) =>
        wanted.map((method) => ({
          path: join(out, folderOf(method, count, labelSeed)),
          method,
          labels: count,
          labelSeed,
        })),
      ),
    ),
  ];
  const parts: readonly Part[] = jobs.map((job, i) => ({ ...job, index: i + 1, of: jobs.length }));

  const own = parts.filter(({ shared: vae }) => vae === undefined);

  const settingsFor = (part: Part): RunSettings => {
    const { method, shared: vae, labels: count = 0, labelSeed: seed = 0, path } = part;
    const given: GivenSettings = vae
      ? shortened(vae.settings, length, threads)
      : {
          ...shortened(
            protocols[method].settings(count),
            length,
            threads ?? hooks.elsewhere?.threads?.(part, own),
          ),
          labels: { count, seed },
        };
    settings[relative(out, path)] = given;
    const kind = vae ? vae.kind : protocols[method].kind;
    const built = vae ? given : builtOn(kind, join(out, m1Of(count).folder), given);
    return newRun(kind, built, data.train, described, origin);
  };

  /** Trains a part, and returns how it ended. */
  const attempt = async (part: Part): Promise<"done" | "stopped" | "busy"> => {
    if (hooks.signal?.aborted) return "stopped";
    const training = { ...hooks.training?.(part), ...(hooks.signal && { signal: hooks.signal }) };
    try {
      return (await completeRun(part.path, settingsFor(part), data, training)) ? "done" : "stopped";
    } catch (error) {
      // Without M1, no run that is built on it can continue.
      if (!(error instanceof BusyError) || part.shared !== undefined) throw error;
      return "busy";
    }
  };
  const states = new Map<Part, "done" | "stopped" | "busy">();
  const figures = new Map<Part, DrawFigures>();
  const visit = async (part: Part): Promise<void> => {
    const state = await attempt(part);
    states.set(part, state);
    if (state === "done" && part.shared === undefined) figures.set(part, await figuresOf(part, data));
    if (state !== "stopped") hooks.onPart?.(part, state);
  };
  for (const part of parts.filter((one) => one.shared !== undefined)) await visit(part);
  if (hooks.elsewhere !== undefined && hooks.signal?.aborted !== true) {
    const open: Part[] = [];
    for (const part of own) if (await isToTrain(part.path, settingsFor(part), data)) open.push(part);
    let measured = Promise.resolve();
    await hooks.elsewhere.train(open, (part) => {
      measured = measured.then(() => visit(part));
      // A failure is thrown below, when all are trained.
      measured.catch(() => undefined);
    });
    await measured;
  }
  for (const part of own) if (!states.has(part)) await visit(part);
  // Runs of another process may be finished by now.
  for (const part of parts) if (states.get(part) === "busy") await visit(part);
  const found = parts.flatMap((part) => figures.get(part) ?? []);
  const missing = parts.filter((part) => states.get(part) !== "done").map(({ path }) => path);
  return {
    benchmark: "kingma2014",
    version,
    command,
    data: { name: described.name, trainRows: described.trainRows, testRows: described.testRows },
    m1: await Promise.all(
      shared
        .filter(({ folder }) => !missing.includes(join(out, folder)))
        .map(async ({ folder }) => ({ folder, ...(await m1Figures(join(out, folder), data)) })),
    ),
    settings,
    draws: found,
    table: rowsOf(found),
    missing,
  };
}

/** The settings of a kind that is built on a trained run; for other kinds, the given settings. */
function builtOn(kind: string, path: string, given: GivenSettings): GivenSettings {
  const { base } = declarationOf(kind);
  if (base === undefined) return given;
  const settings = merge(base.settingsFrom(readRun(path).settings), given) as Tree;
  put(settings, base.from, resolve(path));
  return settings as GivenSettings;
}

/** Seconds and number of updates of a run's training. */
const effort = (path: string): { readonly seconds: number; readonly steps: number } => {
  const last = readMetricsLog(runFolder(path).metrics).at(-1);
  return { seconds: Number(last?.seconds ?? 0), steps: Number(last?.step ?? 0) };
};

/** Errors, for each way to classify. */
function errorsOf({ errors = [], choices }: Measured): Pick<DrawFigures, "testErrors" | "validationErrors"> {
  const ways = choices?.flatMap((name) => errors.find(({ by }) => by === name) ?? []) ?? errors;
  const shares = (of: (figures: ErrorFigures) => number | undefined): Readonly<Record<string, number>> =>
    Object.fromEntries(
      ways.flatMap((figures) => {
        const value = of(figures);
        return value === undefined ? [] : [[figures.by, value]];
      }),
    );
  return {
    testErrors: shares(({ error }) => error.value),
    validationErrors: shares(({ validation }) => validation),
  };
}

function figuresOf({ path, method, labels = 0, labelSeed = 0 }: Part, data: RunData): Promise<DrawFigures> {
  const { paper } = protocols[method];
  const compute = async (): Promise<DrawFigures> => {
    const { kind, trained } = await openRun(path);
    const { validation } = data;
    const measured = await kind.measure(trained, testPart(data), { ...(validation && { validation }) });
    // The shared VAE is trained once for all draws.
    const { seconds, steps } = takesTraining(method) ? { seconds: 0, steps: 0 } : effort(path);
    return {
      method,
      labels,
      labelSeed,
      ...errorsOf(measured),
      calibrationError: measured.errors?.[0]?.calibration?.error ?? null,
      elbo: measured.bound.elbo?.value ?? Number.NaN,
      seconds,
      steps,
    };
  };
  return keptFigures(path, compute, ({ testErrors }) => paper.by in testErrors);
}

const m1Figures = (path: string, data: RunData): Promise<Omit<M1Figures, "folder">> =>
  keptFigures(path, async () => {
    const { kind, trained } = await openRun(path);
    const { bound } = await kind.measure(trained, testPart(data), { samples: 1, rows: 1 });
    return {
      elbo: bound.elbo?.value ?? Number.NaN,
      activeUnits: bound.activeUnits ?? 0,
      seconds: effort(path).seconds,
    };
  });
