import { UsageError } from "../errors.ts";
import { alone, type Ranks } from "../mpi/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../options.ts";
import { drawBernoulli, fillNormal, permutation, stream } from "../random/index.ts";
import type { Binarization } from "./binarization.ts";
import { type Dataset, type RowIndices, rowSize } from "./dataset.ts";
import { rowsOf } from "./rows.ts";

/** The size of minibatches and the order of their rows. */
export interface RowOrderOptions {
  /** Rows per minibatch. If there are fewer rows in all, they are one minibatch. */
  readonly batch: number;
  /** Seed of the order of rows. */
  readonly seed: number;
  /** A name for the random streams of the order and the noise, if one program has several minibatches. Default "". */
  readonly site?: string;
  /** Only these rows. Default all. */
  readonly subset?: RowIndices;
  /** Ranks that share each minibatch of `batch` rows: this one fills its own rows. Default one process, which fills all. */
  readonly ranks?: Pick<Ranks, "rank" | "size">;
}

const orderRules: OptionRules<RowOrderOptions> = {
  batch: required(given("a whole number of at least 1")),
  seed: required(given("a whole number of at least 0")),
  site: anything,
  subset: anything,
  ranks: anything,
};

/** Options of {@link minibatches}. */
export interface MinibatchOptions extends RowOrderOptions {
  /** How grey pixels are binarised. For `fixed`, binarise the data beforehand (see `binarize`). Default `none`. */
  readonly binarize?: Binarization;
}

const minibatchRules: OptionRules<MinibatchOptions> = {
  batch: required(given("a whole number of at least 1")),
  seed: required(given("a whole number of at least 0")),
  site: anything,
  subset: anything,
  ranks: anything,
  binarize: anything,
};

/** Minibatches of a dataset, all of the full size, in a new order for each epoch. A pure function of the seed and the step. */
export interface Minibatches {
  /** Rows that `fill` writes: those of this rank. */
  readonly batch: number;
  readonly stepsPerEpoch: number;
  /**
   * Writes the minibatch of a step, [batch, …shape], and returns its row numbers. Rows left over at the end of an epoch are not used in it.
   */
  fill(step: number, out: Float32Array): RowIndices;
}

/** A new order of the rows for each epoch, cut into minibatches that `write` fills. */
function ordered(
  count: number,
  { seed, site = "", subset, batch: asked, ranks = alone }: RowOrderOptions,
  /** `first`: the place of the first row in the whole minibatch. */
  write: (rows: RowIndices, out: Float32Array, step: number, first: number) => void,
): Minibatches {
  if (!Number.isInteger(asked) || asked < 1) {
    throw new UsageError(`minibatches: batch must be a whole number of at least 1, found ${asked}.`);
  }
  const size = subset?.length ?? count;
  const whole = Math.min(asked, size);
  const stepsPerEpoch = Math.floor(size / whole);
  if (whole % ranks.size !== 0) {
    throw new UsageError(
      `minibatches: ${ranks.size} ranks cannot share ${whole} rows equally${whole < asked ? `, which is all there are` : ""}. Choose a ` +
        "`batch` that is a multiple of the number of ranks, or another number of ranks.",
    );
  }
  const batch = whole / ranks.size;
  const first = ranks.rank * batch;
  let order: { readonly epoch: number; readonly rows: Uint32Array } | undefined;
  return {
    batch,
    stepsPerEpoch,
    fill(step, out) {
      const epoch = Math.floor(step / stepsPerEpoch);
      const position = step % stepsPerEpoch;
      if (order?.epoch !== epoch) {
        const rows = permutation(size, seed, epoch, `${site}shuffle`);
        order = { epoch, rows: subset === undefined ? rows : rows.map((row) => subset[row]) };
      }
      const from = position * whole + first;
      const rows = order.rows.subarray(from, from + batch);
      write(rows, out, step, first);
      return rows;
    },
  };
}

/**
 * @example
 * const digits = minibatches(train, { batch: 100, seed: 0, binarize: "dynamic" });
 * await svi(model, guide).run([input("x", [100, 784])], { steps: 1000, feed: (step, i) => digits.fill(i, step.input("x")) });
 */
export function minibatches(dataset: Dataset, options: MinibatchOptions): Minibatches {
  checkOptions("minibatches", options, minibatchRules);
  const { seed, binarize = "none", site = "" } = options;
  const pixels = stream(seed, `${site}binarize`);
  const width = rowSize(dataset.shape);
  return ordered(dataset.rows, options, (rows, out, step, first) => {
    rowsOf(dataset, rows, out);
    if (binarize === "dynamic") drawBernoulli(out, pixels, { step, first: first * width });
  });
}

/** For each row a normal distribution with independent features, such as an encoder's posteriors. */
export interface GaussianRows {
  readonly rows: number;
  readonly features: number;
  /** [rows, features]. */
  readonly means: Float32Array;
  /** [rows, features], standard deviations. */
  readonly scales: Float32Array;
}

/** Minibatches of draws, [batch, features]. A row is drawn anew each time it occurs. */
export function gaussianMinibatches(gaussian: GaussianRows, options: RowOrderOptions): Minibatches {
  checkOptions("gaussianMinibatches", options, orderRules);
  const { features, means, scales, rows: count } = gaussian;
  const { seed, site = "" } = options;
  const source = stream(seed, `${site}draw`);
  let noise = new Float32Array();
  return ordered(count, options, (rows, out, step, first) => {
    if (noise.length !== rows.length * features) noise = new Float32Array(rows.length * features);
    fillNormal(noise, source, { step, first: first * features });
    for (let i = 0; i < rows.length; i++) {
      const from = rows[i] * features;
      for (let j = 0; j < features; j++) {
        const at = i * features + j;
        out[at] = means[from + j] + scales[from + j] * noise[at];
      }
    }
  });
}
