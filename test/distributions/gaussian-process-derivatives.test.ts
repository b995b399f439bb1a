/** First and second derivatives of kernels in points and length scales, also where points coincide or nearly do, against their formulas. */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { type Kernel, kernels } from "../../src/distributions/index.ts";
import { grad, sum, type Tensor } from "../../src/tensor/index.ts";

/** k of r in length scales, and its first two derivatives in r. */
type Profile = (r: number) => readonly [k: number, first: number, second: number];
const a3 = Math.sqrt(3);
const a5 = Math.sqrt(5);
const profiles: Readonly<Record<"rbf" | "matern32" | "matern52", Profile>> = {
  rbf: (r) => [1, -r, r * r - 1].map((c) => c * Math.exp(-r * r * 0.5)) as [number, number, number],
  matern32: (r) =>
    [1 + a3 * r, -3 * r, 3 * (a3 * r - 1)].map((c) => c * Math.exp(-a3 * r)) as [number, number, number],
  matern52: (r) =>
    [1 + a5 * r + (5 / 3) * r * r, (-5 / 3) * r * (1 + a5 * r), (-5 / 3) * (1 + a5 * r - 5 * r * r)].map(
      (c) => c * Math.exp(-a5 * r),
    ) as [number, number, number],
};

const distances = [0, 1e-12, 1e-7, 1e-4, 0.01, 0.3, 0.8, 2, 9];
const LENGTH = 0.75;
const SCALE = 1.5;

describe.each([
  ["host", Float64Array, 1e-12],
  ["native", Float64Array, 1e-12],
  ["native", Float32Array, 2e-5],
] as const)("on %s (%#)", (executor, Numbers, tolerance) => {
  test.each(["rbf", "matern32", "matern52"] as const)("%s", async (name) => {
    const make: (options: { lengthScale: Tensor; scale: number }) => Kernel = kernels[name];
    // The points lie at 0 and at the distances, so that these are exact.
    const run = compile(
      (x: Tensor, y: Tensor, length: Tensor) => {
        const k = sum(make({ lengthScale: length, scale: SCALE }).covariance(x, y), 0);
        const [inX, inY, inLength] = grad(sum(k), [x, y, length]);
        return {
          k,
          inX,
          inY,
          inLength,
          mixed: grad(sum(inX), [y])[0],
          twiceX: grad(sum(inY), [y])[0],
          twiceLength: grad(inLength, [length])[0],
          lengthAndPoint: grad(inLength, [y])[0],
        };
      },
      { executor, threads: 1 },
    );
    const sums = { inX: 0, inLength: 0, twiceLength: 0 };
    const size = SCALE * SCALE;
    const out = await run(Numbers.of(0), Numbers.from(distances), Numbers.of(LENGTH));
    const near = (found: number | bigint, right: number, what: string) =>
      expect(Math.abs(Number(found) - right), `${what}: ${found}, not ${right}`).toBeLessThan(
        tolerance * Math.max(1, Math.abs(right)),
      );
    distances.forEach((distance, i) => {
      const r = Number(Numbers.of(distance)[0]) / LENGTH;
      const [k, first, second] = profiles[name](r).map((v) => v * size);
      near(out.k.data[i], k, `k at ${r}`);
      near(out.inY.data[i], first / LENGTH, `slope at ${r}`);
      near(out.mixed.data[i], -second / LENGTH ** 2, `covariance of slopes at ${r}`);
      near(out.twiceX.data[i], second / LENGTH ** 2, `curvature at ${r}`);
      near(out.lengthAndPoint.data[i], -(first + r * second) / LENGTH ** 2, `length and point at ${r}`);
      sums.inX -= first / LENGTH;
      sums.inLength -= (r * first) / LENGTH;
      sums.twiceLength += (r * r * second + 2 * r * first) / LENGTH ** 2;
    });
    near(out.inX.data[0], sums.inX, "slope in the other point");
    near(out.inLength.data[0], sums.inLength, "slope in the length scale");
    near(out.twiceLength.data[0], sums.twiceLength, "curvature in the length scale");
  });
});
