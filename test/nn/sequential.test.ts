import { describe, expect, test } from "vitest";
import { topological } from "../../src/compile/graph.ts";
import { type CompileOptions, compile } from "../../src/compile/index.ts";
import {
  type ActivationName,
  activation,
  activationNames,
  batchNorm,
  convolution2d,
  convolutionTranspose2d,
  dense,
  flattenLayer,
  mlp,
  parametersOf,
  reshapeLayer,
  sequential,
  trainingContext,
} from "../../src/nn/index.ts";
import { grad, input, sum, tensor } from "../../src/tensor/index.ts";
import { isNoise } from "../../src/tensor/leaf.ts";
import { evaluate, largestDifference } from "./evaluate.ts";

const names = (module: unknown) => parametersOf(module).map((p) => p.name);

test.each<[ActivationName, number[]]>([
  // At −1 and 2, by the definitions.
  ["relu", [0, 2]],
  ["tanh", [Math.tanh(-1), Math.tanh(2)]],
  ["sigmoid", [1 / (1 + Math.E), 1 / (1 + Math.exp(-2))]],
  ["softplus", [Math.log(1 + Math.exp(-1)), Math.log(1 + Math.exp(2))]],
  ["leakyRelu", [-0.01, 2]],
  ["elu", [Math.exp(-1) - 1, 2]],
  ["silu", [-1 / (1 + Math.E), 2 / (1 + Math.exp(-2))]],
  ["identity", [-1, 2]],
])("activation %s", (name, expected) => {
  const y = activation(name).apply(tensor([-1, 2], { dtype: "float64" }));
  const [values] = evaluate([y]);
  expect(largestDifference(values, expected)).toBeLessThan(1e-15);
  expect(activationNames).toContain(name);
});

test("an unknown activation lists the known ones", () => {
  expect(() => activation("toString" as ActivationName)).toThrow(
    "activation: expected one of relu, tanh, sigmoid, softplus, leakyRelu, elu, silu, identity; found 'toString'.",
  );
});

describe("sequential", () => {
  test("a convolutional autoencoder: shapes and paths", () => {
    const network = sequential(
      reshapeLayer([1, 28, 28]),
      convolution2d(1, 8, 3, { strides: 2, padding: "same" }),
      flattenLayer,
      dense(8 * 14 * 14, 5),
      dense(5, 8 * 14 * 14),
      reshapeLayer([8, 14, 14]),
      convolutionTranspose2d(8, 1, 3, { strides: 2, padding: "same" }),
    );
    expect(network.apply(input("x", [2, 784])).shape).toEqual([2, 1, 28, 28]);
    expect(names(network)).toEqual([
      "layers.1.weight",
      "layers.1.bias",
      "layers.3.weight",
      "layers.3.bias",
      "layers.4.weight",
      "layers.4.bias",
      "layers.6.weight",
      "layers.6.bias",
    ]);
  });

  test("a fault names the place, through nesting", () => {
    const network = sequential(dense(4, 3), sequential(activation("relu"), dense(5, 2)));
    expect(() => network.apply(input("x", [8, 4]))).toThrow(
      /^layers\.1\.layers\.1: dense: expected last axis 5, found \[8, 3\];/,
    );
  });

  test("reshapeLayer keeps the batch and counts the rest", () => {
    expect(() => reshapeLayer([1, 28, 28]).apply(input("x", [8, 700]))).toThrow(
      "reshapeLayer: expected examples of 784 elements for [1, 28, 28], found [8, 700].",
    );
  });
});

describe("mlp", () => {
  const sizes = { inputs: 4, hidden: [3, 5], outputs: 2, activation: "tanh" } as const;

  test("dense, activation, …, dense", () => {
    const network = mlp(sizes);
    expect(names(network)).toEqual([0, 2, 4].flatMap((i) => [`layers.${i}.weight`, `layers.${i}.bias`]));
    expect(parametersOf(network).map((p) => p.tensor.shape)).toEqual([[4, 3], [3], [3, 5], [5], [5, 2], [2]]);
    expect(network.apply(input("x", [7, 4])).shape).toEqual([7, 2]);
    expect(mlp({ ...sizes, hidden: [] }).layers).toHaveLength(1);
  });

  test("with everything: normalised layers have no bias of their own, dropout has a site a layer", () => {
    const network = mlp({
      ...sizes,
      batchNorm: true,
      dropout: 0.1,
      site: "encoder",
      outputActivation: "sigmoid",
    });
    expect(names(network).filter((n) => n.startsWith("layers.0") || n.startsWith("layers.1"))).toEqual([
      "layers.0.weight",
      "layers.1.scale",
      "layers.1.bias",
      "layers.1.runningMean",
      "layers.1.runningVariance",
    ]);
    expect(network.layers).toHaveLength(2 * 4 + 2);
    const context = trainingContext();
    const y = network.apply(input("x", [7, 4]), context);
    expect(context.updates.size).toBe(4);
    const sites = topological([y])
      .filter(isNoise)
      .map((t) => t.attributes.site);
    expect(sites).toEqual(["encoder/dropout.0", "encoder/dropout.1"]);
    const evaluated = network.apply(input("x", [7, 4]));
    expect(topological([evaluated]).filter(isNoise)).toEqual([]);
  });

  test("dropout needs a site", () => {
    expect(() => mlp({ ...sizes, dropout: 0.1 })).toThrow(
      'mlp: dropout needs a name for its noise, as in { dropout: 0.1, site: "encoder" }.',
    );
  });
});

test("the gradients of a convolutional network are alike on both executors, batch normalisation included", async () => {
  const network = sequential(
    convolution2d(1, 4, 3, { strides: 2, padding: "same", weightInit: { name: "ramp", values: ramp } }),
    batchNorm(4),
    activation("elu"),
    flattenLayer,
    dense(4 * 9, 3, { weightInit: { name: "ramp", values: ramp } }),
  );
  const parameters = parametersOf(network)
    .filter((p) => !p.name.includes("running"))
    .map((p) => p.tensor);
  const gradients = (options: CompileOptions) =>
    compile((x) => {
      const y = network.apply(x, trainingContext());
      return grad(sum(y.mul(y)), parameters);
    }, options);
  const image = Array.from({ length: 2 }, (_, n) => [
    Array.from({ length: 6 }, (_, i) => Array.from({ length: 6 }, (_, j) => Math.sin(n + i * 6 + j))),
  ]);
  const host = await gradients({ executor: "host" })(image);
  const native = await gradients({ threads: 1 })(image);
  host.forEach((g, k) => {
    const [a, b] = [g, native[k]].map((v) => Array.from(v.data, Number));
    // Some tens of float32 roundings, relative to the gradient's size.
    expect(largestDifference(a, b)).toBeLessThan(1e-5 * Math.max(1, ...a.map(Math.abs)));
  });
});

function ramp(shape: readonly number[]): Float64Array {
  return Float64Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, k) => Math.cos(k) / 4);
}
