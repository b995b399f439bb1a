import { UsageError } from "../errors.ts";
import { drawBernoulli, permutation, stream } from "../random/index.ts";
import type { Binarization } from "./binarize.ts";
import type { Dataset, RowIndices } from "./dataset.ts";
import { rowsOf } from "./rows.ts";

export interface MinibatchOptions {
  /** Rows of a minibatch; a dataset with fewer is one minibatch. */
  readonly batch: number;
  readonly seed: number;
  /** Of grey pixels; `fixed` ones are drawn beforehand (see `binarize`). Default none. */
  readonly binarize?: Binarization;
  /** Names the streams of order and pixels, where one program has several minibatches. Default "". */
  readonly site?: string;
}

/** Whole minibatches of a dataset, in an order of its own for each epoch. A pure function of the seed and the step. */
export interface Minibatches {
  readonly batch: number;
  readonly stepsPerEpoch: number;
  /** Writes the minibatch of a step, [batch, …shape], and returns its row numbers. A remainder is left for the next epoch's order. */
  fill(step: number, out: Float32Array): RowIndices;
}

/**
 * @example
 * const digits = minibatches(train, { batch: 100, seed: 0, binarize: "dynamic" });
 * await svi(model, guide).run([input("x", [100, 784])], { steps: 1000, feed: (step, i) => digits.fill(i, step.input("x")) });
 */
export function minibatches(dataset: Dataset, options: MinibatchOptions): Minibatches {
  const { seed, binarize = "none", site = "" } = options;
  if (!Number.isInteger(options.batch) || options.batch < 1) {
    throw new UsageError(`minibatches: batch must be a whole number of at least 1, found ${options.batch}.`);
  }
  const batch = Math.min(options.batch, dataset.rows);
  const stepsPerEpoch = Math.floor(dataset.rows / batch);
  const pixels = stream(seed, `${site}binarize`);
  let order: { readonly epoch: number; readonly rows: Uint32Array } | undefined;
  return {
    batch,
    stepsPerEpoch,
    fill(step, out) {
      const epoch = Math.floor(step / stepsPerEpoch);
      const position = step % stepsPerEpoch;
      if (order?.epoch !== epoch)
        order = { epoch, rows: permutation(dataset.rows, seed, epoch, `${site}shuffle`) };
      const rows = order.rows.subarray(position * batch, (position + 1) * batch);
      rowsOf(dataset, rows, out);
      if (binarize === "dynamic") drawBernoulli(out, pixels, { step });
      return rows;
    },
  };
}
