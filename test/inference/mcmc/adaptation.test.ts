import { describe, expect, test } from "vitest";
import { UsageError } from "../../../src/errors.ts";
import { averageStepSize, startDualAveraging } from "../../../src/inference/mcmc/dual-averaging.ts";
import {
  metricFrom,
  metricOf,
  noMoments,
  roughMetric,
  toMomentum,
  unitMetric,
  velocity,
  withDraw,
} from "../../../src/inference/mcmc/metric.ts";
import { schedule } from "../../../src/inference/mcmc/windows.ts";
import { fillNormal, stream } from "../../../src/random/index.ts";
import { factorRows, solveRows } from "../../../src/tensor/ops/linalg.ts";

describe("Stan's windows", () => {
  test("1000: 75 fast, 25, 50, 100, 200, 500 slow, 50 fast", () => {
    // As CmdStan prints for num_warmup = 1000 with its defaults: adaptation window ends.
    expect(schedule(1000)).toMatchObject({ start: 75, end: 950, ends: [99, 149, 249, 449, 949] });
  });

  test("shorter than 150: 15 %, 75 %, 10 %; below 20 none", () => {
    expect(schedule(1000).early).toEqual([14, 29, 74]);
    expect(schedule(100)).toMatchObject({ start: 15, end: 90, ends: [89] });
    expect(schedule(10).ends).toEqual([]);
  });

  test("the last window takes what is left", () => {
    for (const warmUp of [150, 200, 333, 700, 2000]) {
      const { start, end, ends } = schedule(warmUp);
      expect([start, end, ends.at(-1)]).toEqual([75, warmUp - 50, warmUp - 51]);
    }
  });
});

test("dual averaging finds the step size of an acceptance rate", () => {
  // Acceptance exp(−ε): 0.8 at ε = −ln 0.8.
  let state = startDualAveraging(1);
  for (let i = 0; i < 2000; i++) state = averageStepSize(state, Math.exp(-Math.exp(state.logStepSize)), 0.8);
  expect(Math.exp(state.logAverage)).toBeCloseTo(-Math.log(0.8), 2);
});

/** The largest over the smallest eigenvalue of a positive definite matrix with its Cholesky factor, by power iteration. */
function conditionOf(matrix: Float64Array, root: Float64Array, size: number): number {
  const largest = (apply: (v: Float64Array) => Float64Array): number => {
    let v = new Float64Array(size).fill(1);
    let length = 0;
    for (let i = 0; i < 100; i++) {
      v = Float64Array.from(apply(v));
      length = Math.hypot(...v);
      v = v.map((x) => x / length);
    }
    return length;
  };
  const ofInverse = largest((v) => {
    solveRows(root, size, v, false);
    solveRows(root, size, v, true);
    return v;
  });
  return largest((v) => v.map((_, i) => v.reduce((s, x, j) => s + matrix[i * size + j] * x, 0))) * ofInverse;
}

describe("the metric of some draws", () => {
  const draws = [
    [1, 2],
    [3, -1],
    [0, 5],
    [2, 2],
  ];
  // Gradients of a normal with variances 4 and 0.25.
  const slopes = draws.map(([a, b]) => [-a / 4, -b / 0.25]);
  const gathered = (kind: "diagonal" | "dense") =>
    draws.reduce((m, q, i) => withDraw(m, q, slopes[i]), noMoments(kind, 2));
  const mean = [1.5, 2];
  const covariance = (i: number, j: number): number =>
    draws.reduce((s, d) => s + (d[i] - mean[i]) * (d[j] - mean[j]), 0) / 3;
  // Four draws, and five that the scales from the slopes count for.
  const variances = [(4 * covariance(0, 0) + 5 * 4) / 9, (4 * covariance(1, 1) + 5 * 0.25) / 9];

  test("variances, and the scales that slopes show", () => {
    const { inverse } = metricOf(gathered("diagonal"), unitMetric("diagonal", 2));
    expect([...inverse]).toEqual(variances.map((v) => expect.closeTo(v, 13)));
    const rough = roughMetric(gathered("diagonal"), unitMetric("diagonal", 2));
    expect([...rough.inverse]).toEqual([expect.closeTo(4, 13), expect.closeTo(0.25, 13)]);
  });

  test.each([1, 2, 3, 4, 5])(
    "dense: the S with S C S = A, of covariances A of draws and C of gradients (drawn case %d)",
    (seed) => {
      const [size, count] = [2 + seed, 4 * seed];
      const random = (step: number): number[] => {
        const z = new Float64Array(2 * size);
        fillNormal(z, stream(seed, "pairs"), { step });
        // Scales from 0.01 to 1000, and gradients that have little to do with the draws: of no density at all.
        return [...z].map((v, i) => v * 10 ** ((i % 6) - 2));
      };
      const pairs = Array.from({ length: count }, (_, step) => random(step));
      const moments = pairs.reduce(
        (m, pair) => withDraw(m, pair.slice(0, size), pair.slice(size)),
        noMoments("dense", size),
      );
      const { inverse } = metricOf(moments, unitMetric("dense", size));
      const shrunk = (from: number): number[][] => {
        const mean = Array.from(
          { length: size },
          (_, i) => pairs.reduce((s, x) => s + x[from + i], 0) / count,
        );
        const by = (0.02 * size) / (size + count);
        return mean.map((mi, i) =>
          mean.map(
            (mj, j) =>
              pairs.reduce((s, x) => s + (x[from + i] - mi) * (x[from + j] - mj), 0) * (i === j ? 1 : 1 - by),
          ),
        );
      };
      const [A, C] = [shrunk(0), shrunk(size)];
      for (let i = 0; i < size; i++) {
        for (let j = 0; j < size; j++) {
          let product = 0;
          for (let k = 0; k < size; k++)
            for (let l = 0; l < size; l++) product += inverse[i * size + k] * C[k][l] * inverse[l * size + j];
          expect((product - A[i][j]) / Math.sqrt(A[i][i] * A[j][j])).toBeCloseTo(0, 8);
        }
      }
    },
  );

  test.each([0, 1, 2, 3])(
    "dense: a normal's covariance from a walk that has not yet reached it (drawn case %d)",
    (seed) => {
      const size = 12;
      const normals = (length: number, name: string, step: number): Float64Array => {
        const z = new Float64Array(length);
        fillNormal(z, stream(seed, name), { step });
        return z;
      };
      // Precision F Fᵀ, whose condition is some hundreds to some ten thousands.
      const F = normals(size * size, "factor", 0);
      const P = Array.from({ length: size }, (_, i) =>
        Array.from({ length: size }, (_, j) => {
          let v = 0;
          for (let k = 0; k < size; k++) v += F[i * size + k] * F[j * size + k];
          return v;
        }),
      );
      let metric = unitMetric("dense", size);
      let q = new Array<number>(size).fill(30);
      let step = 0;
      for (const window of [25, 50, 100, 200]) {
        let moments = noMoments("dense", size);
        for (let i = 0; i < window; i++) {
          // Steps of a tenth of what the metric takes for the posterior's width.
          const z = normals(size, "walk", step);
          const { root } = metric;
          q = q.map((v, k) => v + 0.1 * z.reduce((sum, u, l) => sum + root[k * size + l] * u, 0));
          step++;
          moments = withDraw(
            moments,
            q,
            P.map((row) => -row.reduce((s, v, k) => s + v * q[k], 0)),
          );
        }
        metric = metricOf(moments, metric);
      }
      // With M⁻¹ = L Lᵀ, Lᵀ P L is the identity for the right metric.
      const { root } = metric;
      const times = (i: number, j: number): number => {
        let v = 0;
        for (let k = 0; k < size; k++)
          for (let l = 0; l < size; l++) v += root[k * size + i] * P[k][l] * root[l * size + j];
        return v;
      };
      const whitened = Float64Array.from({ length: size * size }, (_, at) =>
        times(Math.floor(at / size), at % size),
      );
      const factor = new Float64Array(size * size);
      factorRows(factor, whitened, 0, size);
      expect(conditionOf(whitened, factor, size)).toBeLessThan(6);
    },
  );

  test.each([1e-9, 1e-3, 1e3, 1e9])("in units of %d it is the same metric", (unit) => {
    for (const kind of ["diagonal", "dense"] as const) {
      const plain = metricOf(gathered(kind), unitMetric(kind, 2)).inverse;
      const scaled = draws.reduce(
        (m, q, i) =>
          withDraw(
            m,
            q.map((v) => v * unit),
            slopes[i].map((g) => g / unit),
          ),
        noMoments(kind, 2),
      );
      metricOf(scaled, unitMetric(kind, 2)).inverse.forEach((v, i) => {
        expect(v / unit ** 2).toBeCloseTo(plain[i], 9);
      });
    }
  });

  test("a coordinate that did not move keeps what was known", () => {
    const still = [1, 2, 3].reduce((m, v) => withDraw(m, [v, 5], [-v, 0]), noMoments("diagonal", 2));
    const before = metricFrom("diagonal", Float64Array.of(1, 7));
    expect(roughMetric(still, before).inverse[1]).toBe(7);
  });

  test.each([0.99, 0.9999, 0.999999])(
    "a correlation of %d is resolved across its width, window by window",
    (r) => {
      // Two coordinates that are correlated, three that are not: those give shrinkage its noise.
      const size = 5;
      const spread = Math.sqrt(1 - r * r);
      let metric = unitMetric("dense", size);
      let at = 0;
      for (const window of [25, 50, 100, 200, 500]) {
        let moments = noMoments("dense", size);
        for (let i = 0; i < window; i++) {
          const z = new Float64Array(size);
          fillNormal(z, stream(3, "correlated"), { step: at++ });
          const across = z[1] / spread;
          const q = [z[0], r * z[0] + spread * z[1], ...z.subarray(2)];
          const slope = [r * across - z[0], -across, ...z.subarray(2).map((v) => -v)];
          moments = withDraw(moments, q, slope);
        }
        metric = metricOf(moments, metric);
      }
      const { inverse } = metric;
      const form = (a: readonly number[]): number =>
        a.reduce((s, u, i) => s + a.reduce((t, v, j) => t + u * v * inverse[i * size + j], 0), 0);
      // Variances along x₂ − r x₁, which has 1 − r², and along x₁: 500 draws know each to 6 %.
      expect(form([-r, 1, 0, 0, 0]) / (1 - r * r)).toBeGreaterThan(0.75);
      expect(form([-r, 1, 0, 0, 0]) / (1 - r * r)).toBeLessThan(1.3);
      expect(form([1, 0, 0, 0, 0])).toBeGreaterThan(0.75);
      expect(form([1, 0, 0, 0, 0])).toBeLessThan(1.3);
    },
  );

  test("fewer draws than dimensions: conditioning as good as with the diagonal alone, where all is independent", () => {
    // 40 draws of 120 independent normals: their covariance has rank 39. The eigenvalues of what is taken instead are near 1.
    const [size, count] = [120, 40];
    let moments = noMoments("dense", size);
    for (let i = 0; i < count; i++) {
      const q = new Float64Array(size);
      fillNormal(q, stream(3, "draws"), { step: i });
      moments = withDraw(
        moments,
        [...q],
        [...q].map((v) => -v),
      );
    }
    const { inverse, root } = metricOf(moments, unitMetric("dense", size));
    expect(conditionOf(inverse, root, size)).toBeLessThan(10);
  });
});

test("a dense momentum has covariance M: p = L⁻ᵀ z, so pᵀ M⁻¹ p = zᵀ z", () => {
  const metric = metricFrom("dense", Float64Array.of(2, 0.6, 0.3, 0.6, 1, -0.2, 0.3, -0.2, 0.5));
  const z = [0.7, -1.1, 2.3];
  const p = Float64Array.from(z);
  toMomentum(metric, p);
  const v = new Float64Array(3);
  velocity(metric, p, v);
  expect(p.reduce((s, x, i) => s + x * v[i], 0)).toBeCloseTo(
    z.reduce((s, x) => s + x * x, 0),
    12,
  );
});

test("a dense metric that is not positive definite is refused", () => {
  expect(() => metricFrom("dense", Float64Array.of(1, 2, 2, 1))).toThrow(
    new UsageError(
      'metric "dense": the covariance of the warm-up draws is not positive definite in double precision: coordinates differ too much in ' +
        'scale. Use metric "diagonal", or units in which the sites are of comparable size.',
    ),
  );
});
