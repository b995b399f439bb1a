/** A row as every class: what it would look like with its style kept, and how well each class explains it. */
import { ArrayValue, compile } from "../../compile/index.ts";
import { type Dataset, rowSize, rowsOf } from "../../data/index.ts";
import type { ParameterValues } from "../../models/index.ts";
import { concat, expand, tensor } from "../../tensor/index.ts";
import type { TrainedClassifier } from "./trained.ts";

/** A row as every class. */
export interface ByClass {
  /** Means of p(x|y, z) for every y, with z the mean of q(z|x, y) at the predicted class: [classes, features]. */
  readonly drawn: Float32Array;
  /** log p(x|y) of every class, in nats, from importance samples. */
  readonly logLikelihoods: readonly number[];
  /** log p(x), in nats: the same, summed over the classes with their shares p(y). */
  readonly logEvidence: number;
}

/** Importance samples of each class in one call, times the classes. */
const PER_CALL = 500;

/**
 * Shows one row as every class.
 *
 * @param row one row; densities see it binarised if the model was trained on binary draws
 * @param samples importance samples of each class
 */
export async function asEveryClass(
  trained: TrainedClassifier,
  row: Dataset,
  samples: number,
  options: { readonly parameters: ParameterValues; readonly seed: number; readonly threads?: number },
): Promise<ByClass> {
  const { model } = trained;
  const { classes } = model;
  const seen = trained.prepare(row);
  const width = rowSize(row.shape);
  const x = new ArrayValue([1, width], "float32", rowsOf(seen, [0], new Float32Array(width)));
  const { predicted } = await trained.classify(row);
  const own = tensor([Array.from({ length: classes }, (_, k) => Number(k === predicted[0]))]);
  const each = concat(
    Array.from({ length: classes }, (_, k) =>
      tensor([Array.from({ length: classes }, (__, i) => Number(i === k))]),
    ),
    0,
  );
  const draw = compile((given) => {
    const style = trained.styleOf(given, own).mean();
    return model.decode(each, expand(style, [classes, model.latent])).mean();
  }, options);
  const perCall = Math.max(1, Math.min(samples, Math.floor(PER_CALL / classes)));
  const joint = compile((given) => model.logJoint(given, perCall), options);
  const shares = await trained.classShares();
  const logs: number[][] = shares.map(() => []);
  for (let done = 0; done < samples; done += perCall) {
    // Every call has noise of its own.
    const { data } = await joint(x);
    for (const [k, found] of logs.entries()) found.push(Number(data[k]));
  }
  const logJoints = logs.map((found) => logSumExp(found) - Math.log(found.length));
  return {
    drawn: (await draw(x)).data as Float32Array,
    logLikelihoods: logJoints.map((value, k) => value - Math.log(shares[k])),
    logEvidence: logSumExp(logJoints),
  };
}

function logSumExp(values: readonly number[]): number {
  const most = Math.max(...values);
  return most + Math.log(values.reduce((sum, value) => sum + Math.exp(value - most), 0));
}
