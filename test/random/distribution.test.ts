import { describe, expect, test } from "vitest";
import { stream } from "../../src/random/keys.ts";
import { fillNormal, fillUniform } from "../../src/random/streams.ts";
import { erfc, normalCdf } from "./erfc.ts";

const N = 1_000_000;

// Seeds are fixed, so nothing here can fail by chance tomorrow; the false-alarm rates say how improbable a failure
// was when the seed was chosen. Five standard errors: 6e-7 for each moment.
const STANDARD_ERRORS = 5;
// Kolmogorov: P(√n D > x) ≈ 2 exp(-2x²) = 1e-6 at x = 2.694.
const KOLMOGOROV = 2.694;

const mean = (values: Float32Array | Float64Array, f: (x: number) => number): number => {
  let sum = 0;
  for (const x of values) sum += f(x);
  return sum / values.length;
};

/** sup |F_n - F|. */
const kolmogorov = (values: Float32Array | Float64Array, cdf: (x: number) => number): number => {
  const sorted = values.slice().sort();
  let worst = 0;
  for (const [i, x] of sorted.entries()) {
    const p = cdf(x);
    worst = Math.max(worst, p - i / N, (i + 1) / N - p);
  }
  return worst;
};

const correlation = (a: Float32Array | Float64Array, b: Float32Array | Float64Array): number => {
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum / b.length;
};

test("the oracle: erfc against mpmath", () => {
  // mpmath 1.2.1, 20 digits: erfc(0.5), erfc(1.99), erfc(2), erfc(-1), erfc(5).
  for (const [x, y] of [
    [0.5, 0.4795001221869535],
    [1.99, 0.004888586800383],
    [2, 0.004677734981047266],
    [-1, 1.8427007929497148],
    [5, 1.537459794428035e-12],
  ] as const) {
    expect(Math.abs(erfc(x) / y - 1)).toBeLessThan(1e-12);
  }
});

describe.each([
  ["float32", () => new Float32Array(N)],
  ["float64", () => new Float64Array(N)],
] as const)("a million %s", (dtype, make) => {
  describe("uniforms", () => {
    const u = make();
    fillUniform(u, stream(7, `uniform/${dtype}`));

    test("moments to fourth order", () => {
      for (const k of [1, 2, 3, 4]) {
        const error = Math.sqrt((1 / (2 * k + 1) - 1 / (k + 1) ** 2) / N);
        expect(Math.abs(mean(u, (x) => x ** k) - 1 / (k + 1))).toBeLessThan(STANDARD_ERRORS * error);
      }
    });

    test("Kolmogorov-Smirnov distance", () => {
      expect(kolmogorov(u, (x) => x)).toBeLessThan(KOLMOGOROV / Math.sqrt(N));
    });

    test("strictly inside (0, 1)", () => {
      expect(u.every((x) => x > 0 && x < 1)).toBe(true);
    });
  });

  describe("normals", () => {
    const z = make();
    fillNormal(z, stream(7, `normal/${dtype}`));

    test("moments to fourth order", () => {
      // E z^k and Var z^k = E z^2k - (E z^k)²: 1; 3 - 1; 15; 105 - 9.
      for (const [k, expected, variance] of [
        [1, 0, 1],
        [2, 1, 2],
        [3, 0, 15],
        [4, 3, 96],
      ] as const) {
        const error = Math.sqrt(variance / N);
        expect(Math.abs(mean(z, (x) => x ** k) - expected)).toBeLessThan(STANDARD_ERRORS * error);
      }
    });

    test("Kolmogorov-Smirnov distance", () => {
      expect(kolmogorov(z, normalCdf)).toBeLessThan(KOLMOGOROV / Math.sqrt(N));
    });

    test("the tails", () => {
      // Counts beyond 3 and 4: binomial quantiles at 5e-7 and 1 - 5e-7, so 1e-6 a count.
      // scipy 1.10.1: binom.ppf(5e-7, 10**6, 2 * norm.sf(t)), binom.isf(5e-7, 10**6, 2 * norm.sf(t)).
      for (const [t, least, most] of [
        [3, 2450, 2957],
        [4, 29, 106],
      ] as const) {
        const beyond = N * mean(z, (x) => Number(Math.abs(x) > t));
        expect(beyond).toBeGreaterThanOrEqual(least);
        expect(beyond).toBeLessThanOrEqual(most);
      }
      // P(max |z| < 4.35) = (1 - 2Q(4.35))^n = 1.2e-6; above, n·2Q(7.1) = 1.2e-6.
      let largest = 0;
      for (const x of z) largest = Math.max(largest, Math.abs(x));
      expect(largest).toBeGreaterThan(4.35);
      expect(largest).toBeLessThan(dtype === "float32" ? 6.34 : 7.1);
    });

    test("no correlation between neighbours, lanes, blocks, steps or sites", () => {
      const otherStep = make();
      fillNormal(otherStep, stream(7, `normal/${dtype}`), { step: 1 });
      const otherSite = make();
      fillNormal(otherSite, stream(7, `normal/${dtype}'`));
      const pairs = [1, 2, 3, 4, 16, 4096].map((lag) => correlation(z, z.subarray(lag)));
      // The product of two independent standard normals has variance 1.
      for (const r of [...pairs, correlation(z, otherStep), correlation(z, otherSite)]) {
        expect(Math.abs(r)).toBeLessThan(STANDARD_ERRORS / Math.sqrt(N - 4096));
      }
    });
  });
});
