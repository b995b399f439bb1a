import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { build, type Executor } from "../../src/compile/compile.ts";
import { ShapeError } from "../../src/errors.ts";
import { convert, type DType } from "../../src/tensor/dtype.ts";
import {
  constant,
  exp,
  grad,
  input,
  mul,
  neg,
  type OdeintOptions,
  odeint,
  sin,
  stack,
  sum,
  type Tensor,
  tensor,
  vmap,
} from "../../src/tensor/index.ts";

// SciPy's DOP853 at 1e-13: odeint-reference.py.
const reference: { readonly lotkaVolterra: number[][]; readonly forced: number[][] } = JSON.parse(
  readFileSync(new URL("odeint-reference.json", import.meta.url), "utf8"),
);

async function numbers(
  outputs: readonly Tensor[],
  values: Readonly<Record<string, readonly number[]>> = {},
  executor: Executor = "host",
): Promise<number[][]> {
  const program = await build(outputs, { executor, threads: 1 });
  const out = outputs.map((t) =>
    convert(new Float64Array(t.size), executor === "host" ? "float64" : t.dtype),
  );
  await program.bind(
    program.leaves.map((l) => convert(values[String(l.attributes.name)] ?? [], l.dtype)),
    out,
  )();
  await program.release();
  return out.map((o) => Array.from(o, Number));
}

const rates = [0.55, 0.028, 0.8, 0.024];

/** Prey and predators over ten years, [11, 2], and the leaf that holds the rates. */
function lotkaVolterra(options: OdeintOptions = {}, dtype: DType = "float64") {
  const theta = input("theta", [4], dtype);
  const [alpha, beta, gamma, delta] = [0, 1, 2, 3].map((k) =>
    theta.slice({ axis: 0, start: k, end: k + 1 }).reshape([]),
  );
  const start = input("start", [2], dtype);
  const [u0, v0] = [0, 1].map((k) => start.slice({ axis: 0, start: k, end: k + 1 }).reshape([]));
  const { u, v } = odeint(
    (_, { u, v }) => ({ u: u.mul(alpha.sub(beta.mul(v))), v: v.mul(delta.mul(u).sub(gamma)) }),
    { u: u0, v: v0 },
    Array.from({ length: 11 }, (_, i) => i),
    options,
  );
  return { path: stack([u, v], 1), theta, start };
}
const given = { theta: rates, start: [30, 4] };

const relative = (found: readonly number[], expected: readonly number[]): number =>
  Math.max(...found.map((v, i) => Math.abs(v - expected[i]) / Math.max(1e-3, Math.abs(expected[i]))));

describe("solutions that SciPy gives", () => {
  test.each([
    ["host", "float64", {}, 2e-5],
    ["native", "float64", {}, 2e-5],
    ["native", "float32", {}, 1e-4],
    ["host", "float64", { relativeTolerance: 1e-10, absoluteTolerance: 1e-12, maxSteps: 200 }, 2e-9],
    ["host", "float64", { steps: 40 }, 1e-6],
  ] as const)("prey and predators, %s %s %o", async (executor, dtype, options, tolerance) => {
    const { path } = lotkaVolterra(options, dtype);
    const [found] = await numbers([path], given, executor);
    expect(relative(found, reference.lotkaVolterra.flat())).toBeLessThan(tolerance);
  });

  test("an oscillator that is driven, at uneven times; the slope reads the time", async () => {
    const path = odeint(
      (t, [x, v]) => [v, sin(t.mul(3)).sub(x).sub(v.mul(t).mul(0.2))],
      [constant([1], [], "float64"), constant([0], [], "float64")],
      tensor([0, 0.5, 2, 2.1, 6], { dtype: "float64" }),
    );
    const [found] = await numbers([stack(path, 1)]);
    found.forEach((v, i) => {
      expect(v).toBeCloseTo(reference.forced.flat()[i], 5);
    });
  });

  test("backwards in time", async () => {
    const y = odeint((_, s) => neg(s), tensor([1, 2], { dtype: "float64" }), [3, 1, 0]);
    const [found] = await numbers([y]);
    const expected = [1, 2, Math.exp(2), 2 * Math.exp(2), Math.exp(3), 2 * Math.exp(3)];
    expect(relative(found, expected)).toBeLessThan(1e-5);
  });
});

test("gradients by parameters and by the beginning, against central differences", async () => {
  const precise = { relativeTolerance: 1e-10, absoluteTolerance: 1e-12, maxSteps: 200 };
  const { path, theta, start } = lotkaVolterra(precise);
  const weight = tensor(
    Array.from({ length: 22 }, (_, i) => Math.cos(i)),
    { dtype: "float64" },
  ).reshape([11, 2]);
  const total = sum(mul(path, weight));
  const gradients = await numbers(grad(total, [theta, start]), given);
  for (const [k, name] of (["theta", "start"] as const).entries()) {
    for (let i = 0; i < given[name].length; i++) {
      const h = 1e-5 * given[name][i];
      const at = async (d: number) =>
        (
          await numbers([total], { ...given, [name]: given[name].map((v, j) => (i === j ? v + d : v)) })
        )[0][0];
      const expected = ((await at(h)) - (await at(-h))) / (2 * h);
      expect(Math.abs(gradients[k][i] / expected - 1)).toBeLessThan(1e-5);
    }
  }
});

test("over a batch, each element has steps of its own", async () => {
  const rate = input("rate", [], "float64");
  const y = odeint((_, s) => s.mul(rate), constant([1], [], "float64"), [0, 1, 2]);
  const all = input("all", [3], "float64");
  const [found] = await numbers(vmap([y], new Map([[rate, all]])), { all: [-3, 0.1, 2] });
  const expected = [-3, 0.1, 2].flatMap((r) => [1, Math.exp(r), Math.exp(2 * r)]);
  expect(relative(found, expected)).toBeLessThan(1e-4);
});

test("where the steps are not enough, or the solution ends, it is NaN from there on", async () => {
  const fast = odeint((_, s) => s.mul(-400).add(exp(s)), constant([1], [], "float64"), [0, 0.001, 30], {
    maxSteps: 6,
  });
  const [found] = await numbers([fast]);
  expect(found[0]).toBe(1);
  expect(found[1]).toBeGreaterThan(0);
  expect(found[2]).toBeNaN();
  // y' = y² from 1 is infinite at 1.
  const [pole] = await numbers([odeint((_, s) => s.mul(s), constant([1], [], "float64"), [0, 0.5, 2])]);
  expect(pole[1]).toBeCloseTo(2, 4);
  expect(pole[2]).toBeNaN();
});

test("what does not fit is refused", () => {
  const y = tensor([1, 2]);
  expect(() => odeint((_, s) => s, y, [0, 2, 1])).toThrow(/number 2 is 1 after 2/);
  expect(() => odeint((_, s) => s.sum(), y, [0, 1])).toThrow(ShapeError);
  expect(() => odeint((_, s) => s, y, [])).toThrow(/at least one/);
  expect(() => odeint((_, s) => s, y, [0, 1], { step: 3 } as never)).toThrow(/steps/);
  expect(odeint((_, s) => s, y, [0]).shape).toEqual([1, 2]);
});
