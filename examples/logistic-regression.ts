/**
 * Which results to trust: Bayesian logistic regression of 569 breast tumours on 30 measurements that say much the same, so their weights are
 * correlated in the posterior. One program is fitted by its mode, a normal at the mode, four guides, and the no-U-turn sampler. For each, the
 * table gives the estimate of the log evidence, whether k̂ trusts it, its cost, the distance of its weights from those of a long run of
 * Hamiltonian Monte Carlo, and the five weights that are most certain.
 */
import { readFileSync, writeFileSync } from "node:fs";
import {
  type ArrayValue,
  adam,
  autoNormal,
  Bernoulli,
  importance,
  laplace,
  map,
  model,
  Normal,
  nuts,
  type Program,
  predictive,
  schedules,
  svi,
  tensor,
  withChainBars,
} from "tightbound";
import { readCsv } from "tightbound/data";
import { autoFlow, autoFullRankNormal, autoLowRankNormal } from "tightbound/inference";
import { momentsOf } from "./support/moments.ts";
import { table } from "./table.ts";

export const guides = ["mean-field", "low-rank", "full-rank", "flow"] as const;
export type GuideName = (typeof guides)[number];
export const methods = ["map", "laplace", ...guides, "nuts"] as const;
export type Method = (typeof methods)[number];

export interface Settings {
  readonly methods: readonly Method[];
  /** Steps of a guide's training. */
  readonly steps: number;
  /** Draws in each step. */
  readonly particles: number;
  /** Number of draws of each method, for k̂ and the moments of the weights: new draws of a trained guide, all chains of NUTS. */
  readonly draws: number;
  readonly seed: number;
}

export interface Weight {
  /** The mode, for MAP. */
  readonly mean: number;
  /** NaN for MAP, which has none. */
  readonly sd: number;
}

export interface Row {
  readonly method: Method;
  /** Nats: a guide's bound with its standard error, or Laplace's estimate; the other methods give none. */
  readonly evidence?: number;
  readonly error?: number;
  readonly paretoK?: number;
  /** Seconds of training or sampling, including compilation. */
  readonly seconds: number;
  /** Moments of the method's own draws, by column; `intercept` is the last. */
  readonly weights: ReadonlyMap<string, Weight>;
}

/** The reference posterior: see `data/README.md`. */
export interface Reference {
  readonly logEvidence: number;
  readonly weights: ReadonlyMap<string, Weight>;
}

export function loadReference(path = "examples/data/wdbc-posterior.json"): Reference {
  const { logEvidence, weights } = JSON.parse(readFileSync(path, "utf8")) as {
    readonly logEvidence: number;
    readonly weights: Readonly<Record<string, Weight>>;
  };
  return { logEvidence, weights: new Map(Object.entries(weights)) };
}

export interface Tumours {
  readonly columns: readonly string[];
  /** Standardised columns, a row for each tumour. */
  readonly measurements: readonly (readonly number[])[];
  readonly malignant: readonly number[];
}

export function loadTumours(path = "examples/data/wdbc.csv"): Tumours {
  const { x, rows, columns = [], labels = [], classes = [] } = readCsv(path, { labelColumn: "diagnosis" });
  const standardised = columns.map((_, c) => {
    const values = Float64Array.from({ length: rows }, (_, r) => x[r * columns.length + c]);
    const { mean, sd } = momentsOf(values);
    return values.map((v) => (v - mean) / sd);
  });
  return {
    columns,
    measurements: Array.from({ length: rows }, (_, r) => standardised.map((column) => column[r])),
    malignant: Array.from(labels, (label) => Number(classes[label] === "malignant")),
  };
}

/** Weights w ~ N(0, I), intercept b ~ N(0, 1), y ~ Bernoulli(σ(xᵀ w + b)). */
export function regression({ measurements, malignant, columns }: Tumours): Program<[]> {
  const x = tensor(measurements);
  return model(
    ({ sample, observe, plate }) => {
      const weights = sample("weights", Normal(0, 1).expand([columns.length]).toEvent(1));
      const intercept = sample("intercept", Normal(0, 1));
      const logits = x.mul(weights).sum(-1).add(intercept);
      plate("tumour", malignant.length, () => observe("malignant", Bernoulli({ logits }), tensor(malignant)));
    },
    { name: "regression" },
  );
}

function guideOf(name: GuideName, target: Program<[]>): Program<[]> {
  switch (name) {
    case "mean-field":
      return autoNormal(target);
    case "low-rank":
      return autoLowRankNormal(target);
    case "full-rank":
      return autoFullRankNormal(target);
    case "flow":
      return autoFlow(target);
  }
}

/** The result of a method, before it is put into words. */
type Fit = Omit<Row, "method" | "weights"> & {
  readonly sites: ReadonlyMap<string, ArrayValue>;
  readonly draws: number;
};

async function timed<T>(run: () => Promise<T>): Promise<{ readonly result: T; readonly seconds: number }> {
  const start = performance.now();
  const result = await run();
  return { result, seconds: (performance.now() - start) / 1000 };
}

async function fitGuide(name: GuideName, target: Program<[]>, settings: Settings): Promise<Fit> {
  const { steps, particles, draws, seed } = settings;
  const guide = guideOf(name, target);
  const { result, seconds } = await timed(() =>
    svi(target, guide).run([], {
      steps,
      particles,
      seed,
      // The low-rank density factors a matrix, which only the host can do. Native is five times as fast, and a graph this small is
      // faster still on one thread.
      ...(name === "low-rank" ? { executor: "host" } : { executor: "native", threads: 1 }),
      optimizer: adam({ learningRate: schedules.cosine({ peak: 0.01, steps }) }),
    }),
  );
  const fresh = { parameters: result.parameters, draws, seed: seed + 1 };
  const { logWeights, paretoK } = await importance(target, guide, [], fresh);
  const { mean: evidence, sd } = momentsOf(logWeights);
  const sites = await predictive(target, [], { guide, ...fresh });
  return { evidence, error: sd / Math.sqrt(draws), paretoK, seconds, sites, draws };
}

async function runMethod(method: Method, target: Program<[]>, settings: Settings): Promise<Fit> {
  const { draws, seed } = settings;
  switch (method) {
    case "map": {
      const { result, seconds } = await timed(() => map(target).run([], { seed }));
      return { seconds, sites: result.values, draws: 1 };
    }
    case "laplace": {
      const { result, seconds } = await timed(() => laplace(target).run([], { draws, seed }));
      return { evidence: result.logEvidence, paretoK: result.paretoK, seconds, sites: result.values, draws };
    }
    case "nuts": {
      const chains = 4;
      // The weights are correlated: with the full covariance in its metric, a trajectory needs a third of the steps.
      const options = {
        chains,
        draws: Math.ceil(draws / chains),
        seed,
        metric: "dense",
        threads: 1,
      } as const;
      const { result, seconds } = await timed(() =>
        withChainBars(process.stderr, (onProgress) => nuts(target).run([], { ...options, onProgress })),
      );
      return { seconds, sites: result.values, draws: chains * result.draws };
    }
    default:
      return fitGuide(method, target, settings);
  }
}

/** Runs each method and computes the evidence, k̂ and the weights. */
export async function logisticRegression(
  settings: Settings,
  log: (line: string) => void = () => undefined,
): Promise<Row[]> {
  const tumours = loadTumours();
  const target = regression(tumours);
  const names = [...tumours.columns, "intercept"];
  const rows: Row[] = [];
  for (const method of settings.methods) {
    const { sites, draws, ...row } = await runMethod(method, target, settings);
    log(`${method}: ${row.seconds.toFixed(1)} s`);
    const columns = ["weights", "intercept"].flatMap((site) => columnsOf(sites.get(site), draws));
    const weights = columns.map((column) =>
      draws === 1 ? { mean: column[0], sd: Number.NaN } : momentsOf(column),
    );
    rows.push({ method, ...row, weights: new Map(names.map((name, i) => [name, weights[i]])) });
  }
  return rows;
}

/** Each element of a site, over its draws. */
function columnsOf(site: ArrayValue | undefined, draws: number): Float64Array[] {
  const values = Array.from(site?.data ?? [], Number);
  const size = values.length / draws;
  return Array.from({ length: size }, (_, j) =>
    Float64Array.from({ length: draws }, (_, i) => values[i * size + j]),
  );
}

/** The distance of a method's weights from the posterior's, over all of them. */
export function errorsOf({ weights }: Pick<Row, "weights">, reference: Reference) {
  const pairs = [...reference.weights].flatMap(([column, exact]) => {
    const found = weights.get(column);
    return found === undefined ? [] : [{ found, exact }];
  });
  const ratios = pairs.map(({ found, exact }) => found.sd / exact.sd);
  return {
    /** The largest distance between means, in standard deviations of the posterior. */
    mean: Math.max(...pairs.map(({ found, exact }) => Math.abs(found.mean - exact.mean) / exact.sd)),
    /** Standard deviations relative to the posterior's: the smallest and the largest. */
    smallest: Math.min(...ratios),
    largest: Math.max(...ratios),
  };
}

/** The columns whose weights are the most standard deviations away from 0. */
const surest = (weights: ReadonlyMap<string, Weight>, count: number): string[] =>
  [...weights]
    .sort(([, a], [, b]) => Math.abs(b.mean / b.sd) - Math.abs(a.mean / a.sd))
    .slice(0, count)
    .map(([column]) => column);

export function asTable(rows: readonly Row[], reference: Reference): string {
  const columns = surest(reference.weights, 5);
  const cells = (weights: ReadonlyMap<string, Weight>) =>
    columns.map((column) => {
      const { mean, sd } = weights.get(column) ?? { mean: Number.NaN, sd: Number.NaN };
      return mean.toFixed(2) + (Number.isNaN(sd) ? "" : ` ± ${sd.toFixed(2)}`);
    });
  const evidenceOf = ({ evidence, error }: Row): string =>
    evidence === undefined ? "" : evidence.toFixed(3) + (error === undefined ? "" : ` ± ${error.toFixed(3)}`);
  return table(
    ["method", "evidence, nats", "k̂", "seconds", "worst mean, sds", "sd / posterior's", ...columns],
    [
      ...rows.map((row) => {
        const { mean, smallest, largest } = errorsOf(row, reference);
        return [
          row.method,
          evidenceOf(row),
          row.paretoK?.toFixed(2) ?? "",
          row.seconds.toFixed(1),
          mean.toFixed(2),
          Number.isNaN(smallest) ? "" : `${smallest.toFixed(2)} to ${largest.toFixed(2)}`,
          ...cells(row.weights),
        ];
      }),
      ["posterior", reference.logEvidence.toFixed(3), "", "", "", "", ...cells(reference.weights)],
    ],
  );
}

/** All weights: one line for each weight of each method. */
export function asCsv(rows: readonly Row[], reference: Reference): string {
  const lines = [...rows, { method: "posterior", weights: reference.weights }].flatMap(
    ({ method, weights }) =>
      [...weights].map(([column, { mean, sd }]) => `${method},${column},${mean},${sd}`),
  );
  return `${["method,column,mean,sd", ...lines].join("\n")}\n`;
}

/** `npm run example -- logistic-regression [steps] [weights.csv]` */
export async function main([steps = "5000", path]: readonly string[]): Promise<void> {
  const reference = loadReference();
  const rows = await logisticRegression(
    { methods, steps: Number(steps), particles: 10, draws: 4000, seed: 0 },
    console.log,
  );
  console.log(`\n${asTable(rows, reference)}`);
  if (path !== undefined) writeFileSync(path, asCsv(rows, reference));
}
