import { expect, test } from "vitest";
import { batchNorm, countParameters, dense, initializers, mlp, parametersOf } from "../../src/nn/index.ts";
import { parameter } from "../../src/tensor/index.ts";
import { isParameter } from "../../src/tensor/leaf.ts";

const names = (module: unknown, prefix?: string) => parametersOf(module, prefix).map((p) => p.name);

test("paths follow the module's keys, in the order they were written", () => {
  const model = {
    encoder: mlp({ inputs: 4, hidden: [3], outputs: 2, activation: "relu" }),
    heads: [dense(2, 1), dense(2, 1, { bias: false })],
    note: "not a tensor",
    nothing: undefined,
  };
  expect(names(model)).toEqual([
    "encoder.layers.0.weight",
    "encoder.layers.0.bias",
    "encoder.layers.2.weight",
    "encoder.layers.2.bias",
    "heads.0.weight",
    "heads.0.bias",
    "heads.1.weight",
  ]);
  expect(names(model.encoder, "vae.encoder")[0]).toBe("vae.encoder.layers.0.weight");
  expect(countParameters(model)).toBe(4 * 3 + 3 + 3 * 2 + 2 + 2 + 1 + 2);
});

test("a shared parameter is listed once, under its first path; a cycle ends", () => {
  const shared = dense(2, 2);
  const model: Record<string, unknown> = { first: shared, second: { again: shared, tied: shared.weight } };
  model.self = model;
  expect(names(model)).toEqual(["first.weight", "first.bias"]);
  expect(countParameters(model)).toBe(6);
});

test("buffers are listed and not counted; computed tensors are not listed", () => {
  const norm = batchNorm(3);
  expect(
    parametersOf({ norm, doubled: norm.scale.mul(2) }).map(({ name, tensor }) => [
      name,
      isParameter(tensor) && tensor.attributes.trainable,
    ]),
  ).toEqual([
    ["norm.scale", true],
    ["norm.bias", true],
    ["norm.runningMean", false],
    ["norm.runningVariance", false],
  ]);
  expect(countParameters(norm)).toBe(6);
});

test("a parameter by itself has a name too", () => {
  const theta = parameter([2], initializers.zeros);
  expect(names(theta)).toEqual(["parameter"]);
  expect(names(theta, "theta")).toEqual(["theta"]);
});

test("two parameters with one name are refused", () => {
  const two = () => parameter([1], initializers.zeros);
  expect(() => parametersOf({ "a.b": two(), a: { b: two() } })).toThrow(
    "parameters: two of them would be named 'a.b', because a key of the module contains a dot; rename it.",
  );
});
