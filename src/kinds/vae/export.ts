/** Encoder and decoder as ONNX files. */
import { ArrayValue, compile, lowerToOnnx } from "../../compile/index.ts";
import { simplify } from "../../compile/simplify.ts";
import { input } from "../../tensor/leaf.ts";
import { mul } from "../../tensor/ops/arithmetic.ts";
import { log } from "../../tensor/ops/transcendental.ts";
import type { Tensor } from "../../tensor/tensor.ts";
import type { Exported } from "../kind.ts";
import type { Trained } from "./trained.ts";

/** Outputs of the encoder. The log variance comes from ln σ itself: the variance may be too small for float32 where its logarithm is not. */
function encoded({ model }: Trained, x: Tensor): Readonly<Record<string, Tensor>> {
  if (model.kind === "autoencoder") return { code: model.encode(x) };
  const q = model.encode(x);
  const { logScale } = q.parameters;
  return { mean: q.mean(), logVariance: logScale ? mul(logScale, 2) : log(q.variance()) };
}

/**
 * Encoder and decoder as ONNX models that any ONNX runtime runs, weights included, for minibatches of `batch` rows.
 * Encoder: `x` [batch, features] in model units → `mean` and `logVariance` [batch, latent] (an autoencoder: `code`).
 * Decoder: `z` [batch, latent] → `mean` [batch, features], the mean of p(x|z).
 */
export function exportOnnx(trained: Trained, batch = 1): readonly Exported[] {
  const { model, parameters } = trained;
  const names = new Map(model.parameters.map((p) => [p.tensor, p.name]));
  const graph = (
    name: string,
    [inputName, width]: readonly [string, number],
    of: (leaf: Tensor) => Readonly<Record<string, Tensor>>,
    tried: Exported["tried"],
  ): Exported => {
    const leaf = input(inputName, [batch, width]);
    const outputs = of(leaf);
    const { bytes } = lowerToOnnx(simplify(Object.values(outputs)), {
      outputNames: Object.keys(outputs),
      nameLeaf: (t, i) => (t === leaf ? inputName : (names.get(t) ?? `l${i}`)),
      weights: parameters,
    });
    const own = compile((t) => of(t), { parameters });
    return {
      name,
      bytes,
      input: { name: inputName, shape: leaf.shape },
      outputs: Object.entries(outputs).map(([key, t]) => ({ name: key, shape: t.shape })),
      tried,
      async compute(values) {
        const results: Readonly<Record<string, ArrayValue>> = await own(
          new ArrayValue(leaf.shape, "float32", values),
        );
        return Object.fromEntries(
          Object.entries(results).map(([key, { data }]) => [key, data as Float32Array]),
        );
      },
    };
  };
  return [
    graph("encoder", ["x", model.features], (x) => encoded(trained, x), "uniform"),
    graph("decoder", ["z", model.latent], (z) => ({ mean: model.decode(z).mean() }), "normal"),
  ];
}
