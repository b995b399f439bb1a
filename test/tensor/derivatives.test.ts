import { describe, expect, test } from "vitest";
import { compileHost } from "../../src/compile/host.ts";
import { simplify } from "../../src/compile/simplify.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { isFloat } from "../../src/tensor/dtype.ts";
import { cast, constant, grad, mul, ops, parameter, sum, type Tensor, vjp } from "../../src/tensor/index.ts";
import { drawnCases } from "./cases.ts";

/** Evaluates one expression of the given leaves in float64. */
function evaluator(output: Tensor, leaves: readonly Tensor[]) {
  const program = compileHost(simplify([output]));
  const result = new Float64Array(output.size);
  return (values: readonly Float64Array[]): Float64Array => {
    program.bind(
      program.leaves.map((l) => values[leaves.indexOf(l)]),
      [result],
    )();
    return result.slice();
  };
}

/**
 * A fixed random weighting makes any output a scalar, so that one number tests the whole Jacobian.
 * Central differences with step h have error h²·f‴/6 + ε·|f|/h; at h = 1e-5 and values near 1 both are below 1e-9.
 */
function compareWithDifferences(
  scalar: Tensor,
  leaves: readonly Tensor[],
  values: readonly Float64Array[],
  tolerance: number,
) {
  const floats = leaves.filter((l) => isFloat(l.dtype));
  const f = evaluator(scalar, leaves);
  const gradients = grad(scalar, floats).map((g) => evaluator(g, leaves)(values));
  floats.forEach((leaf, n) => {
    const k = leaves.indexOf(leaf);
    for (let i = 0; i < leaf.size; i++) {
      const h = 1e-5;
      const moved = (delta: number) => f(values.map((v, j) => (j === k ? v.with(i, v[i] + delta) : v)))[0];
      const difference = (moved(h) - moved(-h)) / (2 * h);
      const error = Math.abs(gradients[n][i] - difference) / Math.max(1, Math.abs(difference));
      expect(error, `d/dx${k}[${i}]: ${gradients[n][i]} against ${difference}`).toBeLessThan(tolerance);
    }
  });
}

function weighted(output: Tensor, site: string): Tensor {
  const weights = new Float64Array(output.size);
  fillNormal(weights, stream(0, site));
  return sum(mul(cast(output, "float64"), constant(weights, output.shape, "float64")));
}

const differentiable = drawnCases("float64").filter(
  (c) => isFloat(c.output.dtype) && c.inputs.some((x) => isFloat(x.dtype)),
);

describe("derivatives against float64 central differences, for every op of the registry", () => {
  test.each(differentiable.map((c) => [c.name, c] as const))("%s", (_, c) => {
    compareWithDifferences(weighted(c.output, c.name), c.inputs, c.values, 1e-7);
  });
});

describe("second derivatives: the gradient's own gradient against differences", () => {
  test.each(differentiable.map((c) => [c.name, c] as const))("%s", (_, c) => {
    const floats = c.inputs.filter((x) => isFloat(x.dtype));
    const cotangent = new Float64Array(c.output.size).fill(0.7);
    const first = vjp(
      cast(c.output, "float64"),
      constant(cotangent, c.output.shape, "float64"),
      floats.filter((x) => x.dtype === "float64"),
    );
    const total = first.map((g, i) => weighted(g, `${c.name}/${i}`)).reduce((a, b) => a.add(b));
    compareWithDifferences(total, c.inputs, c.values, 1e-6);
  });
});

test("every op of the registry has cases, but for leaves, stopGradient and what an equation defines", () => {
  const without = [...ops.values()].filter((op) => op.cases.length === 0).map((op) => op.name);
  expect(without.sort()).toEqual(["constant", "implicit", "input", "noise", "parameter", "stopGradient"]);
});

test("stopGradient holds its argument constant: d/dx [x · stop(x)] = stop(x)", async () => {
  const { stopGradient, zeros } = await import("../../src/tensor/index.ts");
  const x = parameter([2], { name: "test", values: () => [3, 5] });
  const [g] = grad(sum(x.mul(stopGradient(x))), [x]);
  expect(evaluator(g, [x])([Float64Array.of(3, 5)])).toEqual(Float64Array.of(3, 5));
  const [none] = grad(sum(stopGradient(x)), [x]);
  expect(evaluator(none.add(zeros([2])), [x])([Float64Array.of(3, 5)])).toEqual(Float64Array.of(0, 0));
});

test("grad of a tensor that is no scalar says what to do", () => {
  const x = parameter([2, 3], { name: "zeros", values: () => new Float64Array(6) });
  expect(() => grad(x, [x])).toThrow(
    "grad: expected a scalar, found shape [2, 3]; reduce it (sum or mean) first.",
  );
});
