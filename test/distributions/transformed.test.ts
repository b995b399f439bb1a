import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import {
  Bernoulli,
  ClosedFormError,
  constraints,
  type Distribution,
  Normal,
  Transformed,
  transforms,
  Uniform,
} from "../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { grad, input, type Nested, sum, type Tensor, tensor } from "../../src/tensor/index.ts";
import { arrayOf, largestError, numbersOf } from "./transforms/cases.ts";
import { transformCases } from "./transforms/registry.ts";

const { affine, affineCoupling, exp, inverse, planar, reverse, sigmoid, stickBreaking } = transforms;
const double = (values: Nested): Tensor => tensor(values, { dtype: "float64" });
const standard = (shape: readonly number[] = []): Distribution => Normal(double(0), double(1)).expand(shape);

const logProbs = (d: Distribution, x: Nested): Promise<number[]> => numbersOf(() => d.logProb(double(x)));

describe("known densities", () => {
  test("exp of a normal is log-normal", async () => {
    const [mu, s] = [0.3, 0.7];
    const points = [1e-3, 0.2, 1, 5, 300];
    const expected = points.map(
      (y) => -0.5 * ((Math.log(y) - mu) / s) ** 2 - Math.log(y * s) - 0.5 * Math.log(2 * Math.PI),
    );
    const d = Transformed(Normal(double(mu), double(s)), exp);
    expect(largestError(await logProbs(d, points), expected)).toBeLessThan(1e-13);
  });

  test("the logit of a uniform is logistic", async () => {
    const points = [-30, -2, 0, 1, 25];
    // −y − 2 ln(1 + e^−y); at 25 the uniform value is 1 − 1.4e-11.
    const expected = points.map((y) => -Math.abs(y) - 2 * Math.log1p(Math.exp(-Math.abs(y))));
    const d = Transformed(Uniform(double(0), double(1)), inverse(sigmoid));
    expect(largestError(await logProbs(d, points), expected)).toBeLessThan(1e-13);
    expect(await numbersOf(() => d.support.check(double(points)))).toEqual([1, 1, 1, 1, 1]);
  });

  test("an affine map of a normal is normal, with its moments and entropy", async () => {
    const d = Transformed(Normal(double([1, -2]), double([0.5, 2])), affine(double(3), double(-4)));
    // 3 − 4 · loc, 4 · scale.
    const n = Normal(double([-1, 11]), double([2, 8]));
    const points = [
      [0, 0],
      [-7, 30],
    ];
    expect(largestError(await logProbs(d, points), await logProbs(n, points))).toBeLessThan(1e-13);
    for (const form of ["mean", "variance", "mode", "entropy"] as const) {
      expect(d.has(form)).toBe(true);
      expect(
        largestError(await numbersOf(() => d[form]()), await numbersOf(() => n[form]())),
        form,
      ).toBeLessThan(1e-13);
    }
    expect(Transformed(standard(), exp).has("mean")).toBe(false);
  });

  test("an affine map of a joint normal has its entropy, summed", async () => {
    const d = Transformed(standard([3]).toEvent(1), affine(double([1, 2, 3]), double([1, 2, 4])));
    // 3 · ½ ln 2πe + ln 8.
    expect((await numbersOf(() => d.entropy()))[0]).toBeCloseTo(
      1.5 * Math.log(2 * Math.PI * Math.E) + Math.log(8),
      13,
    );
  });

  test("stick-breaking of one normal: the density on the simplex is that of its first coordinate", async () => {
    const d = Transformed(standard([1]).toEvent(1), stickBreaking);
    // One coordinate: y = σ(x), so the density is that of a logit-normal.
    const y = [0.2, 0.7];
    const expected = y.map(
      (v) => -0.5 * Math.log(v / (1 - v)) ** 2 - 0.5 * Math.log(2 * Math.PI) - Math.log(v * (1 - v)),
    );
    const found = await logProbs(
      d,
      y.map((v) => [v, 1 - v]),
    );
    expect(largestError(found, expected)).toBeLessThan(1e-13);
  });
});

describe("shapes", () => {
  test("an element-wise map of a joint distribution sums over the event", async () => {
    const joint = Transformed(standard([4, 3]).toEvent(1), exp);
    expect([joint.batchShape, joint.eventShape, joint.reinterpreted]).toEqual([[4], [3], 1]);
    const parts = Transformed(standard([4, 3]), exp);
    const { value, logProb } = joint.sampleAndLogProb("x", [5]);
    expect([value.shape, logProb.shape]).toEqual([
      [5, 4, 3],
      [5, 4],
    ]);
    const [a, b, c] = [
      await numbersOf(() => joint.logProb(value)),
      await numbersOf(() => sum(parts.logProb(value), -1)),
      await numbersOf(() => logProb),
    ];
    expect(largestError(a, b)).toBeLessThan(1e-12);
    expect(largestError(a, c)).toBeLessThan(1e-12);
  });

  test("the event may change its size", () => {
    const d = Transformed(standard([7, 3]).toEvent(1), stickBreaking);
    expect([d.batchShape, d.eventShape, d.sample("x", [2]).shape]).toEqual([[7], [4], [2, 7, 4]]);
    const matrix = Transformed(standard([6]).toEvent(1), transforms.lowerCholesky());
    expect([matrix.eventShape, matrix.logProb(matrix.sample("x", [2])).shape]).toEqual([[3, 3], [2]]);
    expect(matrix.support.eventRank).toBe(2);
  });

  test("the transform's batch gives each element draws of its own", async () => {
    const d = Transformed(standard(), affine(double([0, 0, 0]), double(1)));
    expect([d.batchShape, d.sample("x").shape]).toEqual([[3], [3]]);
    const x = await numbersOf(() => d.sample("x"));
    expect(new Set(x).size).toBe(3);
    const outer = Transformed(standard([2]).toEvent(1), affine(double([[0], [1], [2]]), double([1, 2])));
    expect([outer.batchShape, outer.eventShape]).toEqual([[3], [2]]);
    expect(outer.sampleAndLogProb("x", [4]).logProb.shape).toEqual([4, 3]);
  });

  test("expansion and toEvent", () => {
    const d = Transformed(standard(), exp).expand([5, 2]);
    expect(d.sample("x", [3]).shape).toEqual([3, 5, 2]);
    expect(d.sampleAndLogProb("x", [3]).logProb.shape).toEqual([3, 5, 2]);
    const joint = d.toEvent(1);
    expect(joint.logProb(joint.sample("x")).shape).toEqual([5]);
  });
});

describe.each(
  transformCases.filter((c) => Object.keys(c.parameters).length === 0).map((c) => [c.name, c] as const),
)("a density through %s", (_, c) => {
  const t = c.make({}, "float64");
  const positiveDomain = t.domain.name === "positive";
  const shape = (c.points as readonly Nested[])[0];
  const base = (): Distribution => {
    const event = Array.isArray(shape) ? [shape.length] : [];
    const d = positiveDomain ? Transformed(standard(event), exp) : standard(event);
    return d.toEvent(event.length);
  };

  test("sampleAndLogProb gives the density of what it drew, which is in the support", async () => {
    const d = Transformed(base(), t);
    const { value, logProb } = d.sampleAndLogProb("x", [20]);
    // Networks draw their first values anew in each graph: one graph for both.
    const both = await numbersOf(() => d.logProb(value).sub(logProb));
    expect(
      largestError(
        both,
        both.map(() => 0),
      ),
    ).toBeLessThan(1e-9);
    expect(await numbersOf(() => d.support.check(value))).toEqual(both.map(() => 1));
  });
});

describe("gradients", () => {
  test("draws are differentiable in the base's and the transform's parameters", async () => {
    const build = (loc: Tensor, scale: Tensor) =>
      Transformed(Normal(loc, double(1)), affine(double(0), scale));
    const d = build(input("loc", [], "float64"), input("scale", [], "float64"));
    expect(d.reparameterised).toBe(true);
    expect(Object.keys(d.parameters)).toEqual(["base.loc", "base.scale", "transform.loc", "transform.scale"]);
    const f = compile(
      (loc: Tensor, scale: Tensor) => {
        const y = build(loc, scale).sample("x");
        const [byLoc, byScale] = grad(y, [loc, scale]);
        return { y, byLoc, byScale };
      },
      { executor: "host" },
    );
    const found = await f(arrayOf(0.5, "float64"), arrayOf(3, "float64"));
    // y = scale · (loc + ε): dy/dloc = scale, dy/dscale = y / scale.
    expect(found.byLoc.data[0]).toBe(3);
    expect(found.byScale.data[0]).toBeCloseTo(Number(found.y.data[0]) / 3, 14);
  });

  test("detached, it is the same density without gradients", async () => {
    const flow = affineCoupling({ size: 2, hidden: [3], dtype: "float64" });
    const loc = double([0.5, 0]);
    const d = Transformed(Normal(loc, double([1, 1])).toEvent(1), flow);
    const x = double([0.3, -1]);
    const wrt = [loc, ...Object.values(flow.parameters)];
    const norm = (e: Tensor): Tensor => grad(e, wrt).reduce((a, g) => a.add(sum(g.mul(g))), double(0));
    const [held] = await numbersOf(() => norm(d.detach().logProb(x)));
    const [free] = await numbersOf(() => norm(d.logProb(x)));
    expect(held).toBe(0);
    expect(free).toBeGreaterThan(0);
    expect(await numbersOf(() => d.detach().logProb(x).sub(d.logProb(x)))).toEqual([0]);
  });
});

describe("support", () => {
  test("that of the base shows through, where it is not all of the domain", async () => {
    const d = Transformed(Uniform(double(0), double(1)), affine(double(2), double(3)));
    expect(await numbersOf(() => d.support.check(double([1.9, 2.5, 4.9, 5.1])))).toEqual([0, 1, 1, 0]);
    expect(Transformed(standard(), exp).support).toBe(constraints.positive);
    expect(Transformed(standard([2]).toEvent(1), reverse).support).toBe(constraints.realVector);
  });
});

describe("what is refused", () => {
  const two = (): Distribution => standard([2]).toEvent(1);

  test("the density of given values through a flow without an inverse", () => {
    const d = Transformed(two(), planar({ size: 2, dtype: "float64" }));
    expect(() => d.logProb(double([0, 0]))).toThrow(
      new ClosedFormError(
        "Transformed(Independent(Normal, 1), planar).logProb: the transform planar has no inverse in closed form, so the " +
          "density of a given value is not known. Draw with sampleAndLogProb, which gives the density of what it draws; or " +
          "use a flow that can be inverted (affineCoupling, splineCoupling, maskedAutoregressive).",
      ),
    );
    expect(d.sampleAndLogProb("x", [3]).logProb.shape).toEqual([3]);
  });

  test("draws through the inverse of one", () => {
    const d = Transformed(two(), inverse(planar({ size: 2, dtype: "float64" })));
    expect(d.logProb(double([0, 0])).shape).toEqual([]);
    expect(() => d.sample("x")).toThrow("planar: the inverse has no closed form. Draw with sampleAndLogProb");
  });

  test("a discrete base", () => {
    expect(() => Transformed(Bernoulli({ probs: 0.5 }), exp)).toThrow(
      new UsageError(
        "Transformed(Bernoulli, exp): the base is discrete and has no density to transform; transform a continuous distribution.",
      ),
    );
  });

  test("a base with too few event dimensions", () => {
    expect(() => Transformed(standard([2]), reverse)).toThrow(
      new ShapeError(
        "Transformed(Normal, reverse): the transform takes events of 1 dimension, the base has event shape [] (batch [2]); " +
          "say which of its batch belongs to one draw with base.toEvent(1), after expand if the batch is too small.",
      ),
    );
  });

  test("parameters that would enlarge the event", () => {
    expect(() => Transformed(standard([1]).toEvent(1), affine(double([0, 1, 2]), double(1)))).toThrow(
      new ShapeError(
        "Transformed(Independent(Normal, 1), affine): the transform's parameters have batch shape [3], which would enlarge " +
          "the base's event shape [1]; expand the base before toEvent, so that its event has the full shape.",
      ),
    );
  });

  test("a map of values with redundant numbers", () => {
    const onSimplex = Transformed(two(), stickBreaking);
    expect(() => Transformed(onSimplex, exp)).toThrow(
      "values of 'simplex' meet a transform whose domain is 'real'",
    );
    expect(Transformed(onSimplex, inverse(stickBreaking)).eventShape).toEqual([2]);
  });
});
