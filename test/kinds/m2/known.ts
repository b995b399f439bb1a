/** Small models with known parameters, and what integrals over their latent variables need. */
import { ArrayValue, compile } from "../../../src/compile/index.ts";
import type { TrainedClassifier } from "../../../src/kinds/index.ts";
import type { NamedParameter } from "../../../src/nn/index.ts";
import type { Tensor } from "../../../src/tensor/index.ts";

/** Values of parameters between -size and size; those of `strong` names are four times as large. */
export const valuesOf = (parameters: readonly NamedParameter[], size = 2, strong = /^$/) =>
  new Map(
    parameters.map(({ name, tensor: leaf }, n) => [
      leaf,
      Float32Array.from(
        { length: leaf.size },
        (_, i) => (strong.test(name) ? 4 : 1) * size * Math.sin(5 * n + 3 * i + 1),
      ),
    ]),
  );

/** Points and weights of a Gaussian, by the trapezoidal rule, which is exact to float64 here. */
export const gaussian = (mean: number, scale: number) => {
  const [points, step] = [161, 0.1];
  return Array.from({ length: points }, (_, i) => {
    const t = (i - (points - 1) / 2) * step;
    return { z: mean + scale * t, weight: (step * Math.exp((-t * t) / 2)) / Math.sqrt(2 * Math.PI) };
  });
};

export type Rows = readonly (readonly number[])[];

/** A function of tensors, from rows to rows. */
export function ofRows(trained: TrainedClassifier, f: (...given: Tensor[]) => Tensor) {
  const compiled = compile(f, { parameters: trained.parameters });
  return async (...given: readonly Rows[]): Promise<number[][]> => {
    const feeds = given.map(
      (rows) => new ArrayValue([rows.length, rows[0].length], "float32", Float32Array.from(rows.flat())),
    );
    const { data, shape } = await compiled(...feeds);
    return Array.from({ length: shape[0] }, (_, i) =>
      Array.from(data.subarray(i * shape[1], (i + 1) * shape[1]), Number),
    );
  };
}
