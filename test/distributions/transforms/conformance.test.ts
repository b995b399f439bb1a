/** What every transform of the registry must satisfy. */
import { describe, expect, test } from "vitest";
import { ArrayValue } from "../../../src/compile/index.ts";
import { ClosedFormError, transforms } from "../../../src/distributions/index.ts";
import { grad, reshape, slice, stopGradient, sum, type Tensor } from "../../../src/tensor/index.ts";
import { testIf } from "../applicable.ts";
import { coordinates, evaluate, largestError, logAbsDet, symbolic, type Written } from "./cases.ts";
import { transformCases } from "./registry.ts";

const { withParameters } = transforms;

/** Sums of gradients are taken with weights that differ, so that errors of opposite signs do not cancel. */
const weighted = (x: Tensor): Tensor => {
  const flat = reshape(x, [x.size]);
  return Array.from({ length: x.size }, (_, i) =>
    slice(flat, { axis: 0, start: i, end: i + 1 }).mul(1 + (i % 5)),
  ).reduce((a, b) => a.add(b));
};

describe.each(transformCases.map((c) => [c.name, c] as const))("%s", (_, c) => {
  const { t, x: points } = symbolic(c);
  const batch = points.shape.slice(0, points.rank - t.eventRank);
  const event = t.forwardShape(points.shape).slice(batch.length);

  testIf(t.hasInverse)("the inverse of forward is where it started, and the other way round", async () => {
    const { x, again, y, yAgain } = await evaluate(c, (f, at) => {
      const y = f.forward(at);
      const again = f.inverse(y);
      return { x: at, y, again, yAgain: f.forward(again) };
    });
    // Where f flattens (1 − y² is 2.5e-5 at tanh 6), float64's 1e-16 becomes 1e-11 in x.
    expect(largestError(again, x)).toBeLessThan(1e-9);
    expect(largestError(yAgain, y)).toBeLessThan(1e-12);
  });

  testIf(!t.hasInverse)("its inverse is refused", () => {
    expect(() => t.inverse(points)).toThrow(ClosedFormError);
    expect(transforms.inverse(t).hasForward).toBe(false);
    expect(transforms.inverse(t).inverse(points).shape).toEqual(t.forwardShape(points.shape));
  });

  test("the log determinant is that of the Jacobian by automatic differentiation", async () => {
    const keep = coordinates(t, event);
    const n = keep.length;
    const found = await evaluate(c, (f, at) => {
      const { value, logDet } = f.forwardAndLogDet(at);
      const flat = reshape(value, [...batch, -1]);
      const rows = keep.map((k) => {
        const column = t.eventRank === 0 ? value : slice(flat, { axis: -1, start: k, end: k + 1 });
        return [`row${k}`, grad(sum(column), [at])[0]] as const;
      });
      return { logDet, ...Object.fromEntries(rows) };
    });
    const count = batch.reduce((a, b) => a * b, 1);
    const expected = Array.from({ length: count }, (_, b) => {
      const matrix = keep.flatMap((k) => found[`row${k}`].slice(b * n, (b + 1) * n));
      expect(matrix).toHaveLength(n * n);
      return logAbsDet(matrix, n);
    });
    expect(largestError(found.logDet, expected)).toBeLessThan(1e-9);
  });

  test("logDet, inverseAndLogDet and sums over the batch agree with forwardAndLogDet", async () => {
    const { both, value, alone, backward, total, expected, plain } = await evaluate(c, (f, at) => {
      const { value, logDet } = f.forwardAndLogDet(at);
      const n = batch.length;
      return {
        both: logDet,
        value,
        plain: f.forward(at),
        alone: f.logDet(at, value),
        backward: f.hasInverse ? f.inverseAndLogDet(value).logDet.neg() : logDet,
        total: f.forwardAndLogDet(at, n).logDet,
        expected: sum(logDet),
      };
    });
    expect(largestError(plain, value)).toBe(0);
    expect(largestError(alone, both)).toBeLessThan(1e-12);
    expect(largestError(backward, both)).toBeLessThan(1e-9);
    expect(largestError(total, expected)).toBeLessThan(1e-12);
  });

  test("values lie in the domain and the codomain", async () => {
    const { domain, codomain } = await evaluate(c, (f, at) => ({
      domain: f.domain.check(at),
      codomain: f.codomain.check(f.forward(at)),
    }));
    expect(domain).toEqual(domain.map(() => 1));
    expect(codomain).toEqual(codomain.map(() => 1));
  });

  test("shapes, with a larger batch too", () => {
    const wide = points.expand([5, ...points.shape]);
    const { value, logDet } = t.forwardAndLogDet(wide);
    expect(value.shape).toEqual([5, ...batch, ...event]);
    expect(value.shape).toEqual(t.forwardShape(wide.shape));
    expect(logDet.shape).toEqual([5, ...batch]);
    expect(t.codomain.eventRank).toBe(event.length);
    if (t.hasInverse) expect(t.inverseShape(value.shape)).toEqual(wide.shape);
  });

  test("gradients of the value and of the log determinant are finite", async () => {
    const found = await evaluate(c, (f, at, parameters) => {
      const { value, logDet } = f.forwardAndLogDet(at);
      const wrt = [at, ...Object.values(parameters)];
      return Object.fromEntries(
        [sum(value), sum(logDet)].flatMap((s, i) => grad(s, wrt).map((g, k) => [`${i}.${k}`, g] as const)),
      );
    });
    for (const [k, values] of Object.entries(found)) expect(values.every(Number.isFinite), k).toBe(true);
  });

  test("natively in float32 as on the host: both directions, log determinants and gradients", async () => {
    const start = await evaluate(c, (f, at) => ({ y: f.forward(at) }), { dtype: "float32" });
    // Both executors invert the same float32 numbers.
    const at = new ArrayValue(t.forwardShape(points.shape), "float32", Float32Array.from(start.y));
    const forward = (f: typeof t, x: Tensor, parameters: Written): Written => {
      const { value, logDet } = f.forwardAndLogDet(x);
      const wrt = [x, ...Object.values(parameters)];
      const gradients = grad(weighted(logDet).add(weighted(value)), wrt).map(
        (g, i) => [`gradient${i}`, g] as const,
      );
      return { value, logDet, ...Object.fromEntries(gradients) };
    };
    const inverse = (f: typeof t, y: Tensor): Written => {
      const { value, logDet } = f.inverseAndLogDet(y);
      return { inverse: value, inverseLogDet: logDet };
    };
    const native = { executor: "native", threads: 1 } as const;
    const pairs = [
      [
        await evaluate(c, forward, { dtype: "float32" }),
        await evaluate(c, forward, { dtype: "float32", ...native }),
      ],
    ];
    if (t.hasInverse) {
      const options = { dtype: "float32", at } as const;
      pairs.push([
        await evaluate(c, inverse, options),
        await evaluate(c, inverse, { ...options, ...native }),
      ]);
    }
    for (const [host, found] of pairs) {
      for (const k of Object.keys(host)) expect(largestError(found[k], host[k]), k).toBeLessThan(1e-4);
    }
  });

  test("with its parameters held constant it is the same map, without their gradients", async () => {
    const { value, held, gradients } = await evaluate(c, (f, at, parameters) => {
      const names = Object.keys(f.parameters);
      for (const p of Object.values(parameters)) expect(Object.values(f.parameters)).toContain(p);
      const fixed = withParameters(
        f,
        Object.fromEntries(names.map((k) => [k, stopGradient(f.parameters[k])])),
      );
      const pass = fixed.forwardAndLogDet(at);
      const back = fixed.hasInverse ? sum(fixed.inverse(pass.value)) : sum(pass.value);
      const wrt = Object.values(f.parameters).filter((p) => p.dtype === "float64");
      return {
        value: f.forward(at),
        held: pass.value,
        gradients: grad(sum(pass.value).add(sum(pass.logDet)).add(back), wrt).reduce(
          (a, g) => a.add(sum(g.mul(g))),
          sum(at).mul(0),
        ),
      };
    });
    expect(largestError(held, value)).toBe(0);
    expect(Math.abs(gradients[0])).toBe(0);
  });
});

/** What the module exports beside maps and their makers. */
const others = new Set([
  "Transform",
  "AffineTransform",
  "PowerTransform",
  "elementwise",
  "made",
  "withParameters",
]);
/** Parts of maps, which the cases of the maps that take them test. */
// Many-to-one: the window of angles is tested with the von Mises, the sphere with its area under `flat`. Correlation and positive definite matrices are
// products of a factor that has its case, and go back by an op of the host alone.
const parts = new Set([
  "angle",
  "unitVector",
  "correlation",
  "positiveDefinite",
  "affineTransformer",
  "splineTransformer",
  "coupling",
  "interval",
]);

test("every exported transform has a case", () => {
  const listed = transformCases.map((c) => c.name);
  const exported = Object.keys(transforms).filter((k) => !others.has(k) && !parts.has(k));
  expect(
    exported.filter((k) => !listed.some((name) => name.startsWith(k) || name.startsWith(`${k}(`))),
  ).toEqual([]);
});

test("cases have names of their own", () => {
  expect(new Set(transformCases.map((c) => c.name)).size).toBe(transformCases.length);
});
