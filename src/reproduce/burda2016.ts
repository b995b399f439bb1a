/** Table 1 of Burda, Grosse and Salakhutdinov (2016) for one stochastic layer on MNIST: VAEs and IWAEs of 1, 5 and 50 samples. */
import { join } from "node:path";
import { BusyError, UsageError } from "../errors.ts";
import { loadCheckpoint, readMetricsLog, runFolder } from "../files/index.ts";
import {
  type DataSource,
  describeData,
  type GivenSettings,
  loadRunData,
  newRun,
  openRun,
  type RunHooks,
  testPart,
} from "../runs/index.ts";
import { completeRun, keptFigures } from "./runs.ts";

/** The bound of a row of the table: the ELBO averaged over k draws, or the importance-weighted bound of k draws. */
export type DensityBound = "elbo" | "iwae";

/** How grey pixels become binary: drawn anew at each step, or once. */
export type DensityBinarization = "dynamic" | "fixed";

/**
 * Negative log-likelihoods in nats and active units, from Table 1 of "Importance weighted autoencoders" (ICLR 2016, arXiv 1509.00519),
 * MNIST, one stochastic layer, after 3,280 epochs. Its pixels are drawn anew at each step; there are no figures for fixed pixels.
 */
const PUBLISHED: readonly (readonly [DensityBound, number, number, number])[] = [
  ["elbo", 1, 86.76, 19],
  ["elbo", 5, 86.47, 20],
  ["elbo", 50, 86.35, 20],
  ["iwae", 1, 86.76, 19],
  ["iwae", 5, 85.54, 22],
  ["iwae", 50, 84.78, 25],
];

/** Stages of 3^i epochs, i from 0 to 7, with learning rates 10^(−3 − i/7): 3,280 epochs. */
const STAGES = 8;

/** Which part of the table to reproduce, with which data, and where. */
export interface Burda2016Options {
  /** Folder of the benchmark. It contains a run's folder for each row of the table. */
  readonly out: string;
  /** Numbers of samples k. Default [1, 5, 50]. */
  readonly samples?: readonly number[];
  /** Bounds to train with. Default `["iwae"]`. */
  readonly bounds?: readonly DensityBound[];
  /** How pixels are binarised. Default `["dynamic"]`. */
  readonly binarize?: readonly DensityBinarization[];
  /**
   * Whether to use doubly reparameterised gradients for the importance-weighted bound (Tucker et al. 2019); the paper did not have them.
   * Default true.
   */
  readonly doublyReparameterised?: boolean;
  /** Importance samples of the log-likelihood. Default 5,000, as in the paper. */
  readonly importanceSamples?: number;
  /** Number of test rows for the log-likelihood, from the first. Default all. */
  readonly rows?: number;
  /** The data. Default MNIST. */
  readonly source?: DataSource;
  /** Fraction of the paper's epochs. Below 1 every stage is shorter. Default 1. */
  readonly length?: number;
  /** Threads within an operation. Default: one per core. */
  readonly threads?: number;
  /** The version of Tightbound, for the results. */
  readonly version: string;
  /** The command line, for the results. */
  readonly command: string;
}

/** A row of the table: the published figures, and those found here. */
export type DensityRow = {
  readonly bound: DensityBound;
  readonly samples: number;
  readonly binarize: DensityBinarization;
  readonly folder: string;
  /** The paper's figures; absent if it has none. */
  readonly published?: { readonly negativeLogLikelihood: number; readonly activeUnits: number };
  readonly found?: DensityFigures;
};

/** The figures of a finished run. */
export type DensityFigures = {
  /** Nats per row. */
  readonly negativeLogLikelihood: number;
  readonly standardError: number;
  readonly importanceSamples: number;
  /** Number of test rows that it is a mean over. */
  readonly rows: number;
  readonly elbo: number;
  readonly activeUnits: number;
  readonly epochs: number;
  readonly seconds: number;
};

/** The part of the table that was reproduced. */
export interface Burda2016Results {
  readonly benchmark: "burda2016";
  readonly version: string;
  readonly command: string;
  readonly data: { readonly name: string; readonly trainRows: number; readonly testRows: number };
  /** Settings of each run, by its folder's name. */
  readonly settings: Readonly<Record<string, GivenSettings>>;
  readonly table: readonly DensityRow[];
  /** Runs that are missing: another process trains them, or a signal stopped this one. */
  readonly missing: readonly string[];
}

/** Callbacks of the reproduction. */
export interface Burda2016Hooks {
  /** Returns the callbacks for the training of a row's run. */
  readonly training?: (row: DensityRow, path: string) => RunHooks;
  /** Called while test rows are measured. */
  readonly onProgress?: (line: string) => void;
  /** Stops after the current step; finished work is kept. */
  readonly signal?: AbortSignal;
}

/** The paper's learning rates for a fraction of its epochs: the first rate, the changes, and the number of epochs. */
export function rateStages(length: number): {
  readonly lr: number;
  readonly lrSteps: readonly { readonly epoch: number; readonly lr: number }[];
  readonly epochs: number;
} {
  const ends: number[] = [];
  let total = 0;
  for (let i = 0; i < STAGES; i++) {
    total += length * 3 ** i;
    ends.push(Math.round(total));
  }
  const steps = ends
    .slice(0, -1)
    .map((epoch, i) => ({ epoch, lr: Number((10 ** (-3 - (i + 1) / 7)).toPrecision(6)) }))
    .filter(({ epoch }, i) => epoch > 0 && epoch < ends[i + 1]);
  return { lr: 1e-3, lrSteps: steps, epochs: Math.max(1, ends[STAGES - 1]) };
}

/** The settings of a row: 784–200–200–50, tanh, minibatches of 20, as in the paper. Its Adam had ε = 1e-4; here it is the usual one. */
export function densitySettings(
  { bound, samples, binarize }: Pick<DensityRow, "bound" | "samples" | "binarize">,
  { length = 1, threads, doublyReparameterised = true }: Partial<Burda2016Options>,
): GivenSettings {
  const { lr, lrSteps, epochs } = rateStages(length);
  return {
    model: { latent: 50, hidden: [200, 200], activation: "tanh", likelihood: "bernoulli" },
    train: {
      batch: 20,
      epochs,
      lr,
      ...(lrSteps.length > 0 ? { schedule: "piecewise", lrSteps } : { schedule: "constant" }),
      binarize,
      samples,
      ...(bound === "iwae"
        ? {
            bound: "iwae",
            // With one sample the bound is the ELBO.
            estimator: doublyReparameterised && samples > 1 ? "doubly-reparameterised" : "pathwise",
          }
        : { bound: "elbo" }),
      ...(threads !== undefined && { threads }),
    },
  };
}

/**
 * Trains the runs that are not trained yet, measures them, and returns the table with the published figures beside it. A run that was stopped
 * is continued; a finished run is only read; a run that another process is training is left to it.
 *
 * @example
 * const { table } = await reproduceBurda2016({ out: "runs/burda2016", samples: [50], version: "0.1.0", command: "" });
 *
 * @throws UsageError when options are out of range, or a folder contains runs with other settings.
 */
export async function reproduceBurda2016(
  options: Burda2016Options,
  hooks: Burda2016Hooks = {},
): Promise<Burda2016Results> {
  const { out, samples = [1, 5, 50], bounds = ["iwae"], binarize = ["dynamic"], length = 1 } = options;
  const { version, command } = options;
  if (!(length > 0 && length <= 1)) {
    throw new UsageError(`reproduce: \`length\` must be a fraction above 0 and at most 1, found ${length}.`);
  }
  const source = options.source ?? { spec: "mnist" };
  const data = await loadRunData(source);
  const described = describeData(source, data);
  const settings: Record<string, GivenSettings> = {};
  const missing: string[] = [];
  const table: DensityRow[] = [];
  for (const how of binarize) {
    for (const bound of bounds) {
      for (const k of samples) {
        const row = rowOf(bound, k, how);
        const path = join(out, row.folder);
        const given = densitySettings(row, options);
        settings[row.folder] = given;
        const run = newRun("vae", given, data.train, described, { version, command });
        const training = { ...hooks.training?.(row, path), ...(hooks.signal && { signal: hooks.signal }) };
        const done = hooks.signal?.aborted !== true && (await complete(path, run, data, training));
        if (!done) missing.push(path);
        table.push(done ? { ...row, found: await figuresOf(path, data, options, hooks) } : row);
      }
    }
  }
  const { name, trainRows, testRows } = described;
  return {
    benchmark: "burda2016",
    version,
    command,
    data: { name, trainRows, testRows },
    settings,
    table,
    missing,
  };
}

function rowOf(bound: DensityBound, samples: number, binarize: DensityBinarization): DensityRow {
  const figures = PUBLISHED.find(([name, k]) => name === bound && k === samples);
  return {
    bound,
    samples,
    binarize,
    folder: `${bound}-${samples}-${binarize}`,
    ...(figures !== undefined &&
      binarize === "dynamic" && {
        published: { negativeLogLikelihood: figures[2], activeUnits: figures[3] },
      }),
  };
}

/** Trains a run to its end. Returns false when a signal stopped it, or another process trains it. */
async function complete(...run: Parameters<typeof completeRun>): Promise<boolean> {
  try {
    return await completeRun(...run);
  } catch (error) {
    if (error instanceof BusyError) return false;
    throw error;
  }
}

function figuresOf(
  path: string,
  data: Parameters<typeof testPart>[0],
  { importanceSamples = 5000, rows }: Burda2016Options,
  { onProgress }: Burda2016Hooks,
): Promise<DensityFigures> {
  const test = testPart(data);
  const wanted = Math.min(rows ?? test.rows, test.rows);
  const { epoch } = loadCheckpoint(runFolder(path).checkpoint);
  return keptFigures(
    path,
    async (): Promise<DensityFigures> => {
      const { kind, trained } = await openRun(path);
      const { bound, likelihood } = await kind.measure(trained, test, {
        samples: importanceSamples,
        rows: wanted,
        ...(onProgress && { onProgress }),
      });
      return {
        negativeLogLikelihood: -(likelihood?.logLikelihood.value ?? Number.NaN),
        standardError: likelihood?.logLikelihood.standardError ?? Number.NaN,
        importanceSamples,
        rows: wanted,
        elbo: bound.elbo?.value ?? Number.NaN,
        activeUnits: bound.activeUnits ?? 0,
        epochs: epoch,
        seconds: Number(readMetricsLog(runFolder(path).metrics).at(-1)?.seconds ?? 0),
      };
    },
    (kept) => kept.importanceSamples === importanceSamples && kept.rows === wanted && kept.epochs === epoch,
  );
}
