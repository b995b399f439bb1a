/** Gaussian processes against dense formulas and quadrature (gaussian-process.py). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import {
  kernels as families,
  GaussianProcess,
  hilbertSpaceFeatures,
  type Kernel,
  SparseGaussianProcess,
} from "../../src/distributions/index.ts";
import { grad, matmul, type Tensor, tensor } from "../../src/tensor/index.ts";

const { constant, linear, matern32, matern52, periodic, productOf, rbf, sumOf } = families;

interface Values {
  readonly mean: readonly number[];
}
const reference = JSON.parse(readFileSync(new URL("./gaussian-process.json", import.meta.url), "utf8")) as {
  readonly kernels: Record<string, readonly number[]>;
  readonly exact: Record<
    string,
    Values & { readonly logMarginal: number; readonly covariance: readonly number[] }
  >;
  readonly sparse: Record<
    "vfe" | "fitc" | "dtc",
    Values & { readonly logMarginal: number; readonly variance: readonly number[] }
  >;
  readonly spectra: Record<string, { readonly line: readonly number[]; readonly plane: readonly number[] }>;
};

const wide = (v: Parameters<typeof tensor>[0]): Tensor => tensor(v, { dtype: "float64" });
const x = wide([0, 0.4, 1.1, 1.9, 2.6, 3.3]);
const y = wide([0.2, 0.5, 1.1, 0.7, -0.3, -0.9]);
const xNew = wide([-0.5, 1.5, 3.3, 5]);
const plane = wide([
  [0, 1],
  [0.5, -0.3],
  [-1.2, 0.4],
  [0.9, 0.9],
]);
const kernels: Record<string, Kernel> = {
  rbf: rbf({ scale: 1.3, lengthScale: 0.8 }),
  matern32: matern32({ scale: 1.3, lengthScale: 0.8 }),
  matern52: matern52({ scale: 1.3, lengthScale: 0.8 }),
  periodic: periodic({ scale: 1.3, lengthScale: 0.8, period: 1.7 }),
  linear: linear({ scale: 1.3, offset: 0.5 }),
};
const values = async (t: Tensor, executor: "host" | "native" = "host"): Promise<number[]> =>
  Array.from((await t.value({ executor, threads: 1 })).data, Number);
async function near(t: Tensor, expected: readonly number[], tolerance = 1e-11): Promise<void> {
  for (const executor of ["host", "native"] as const) {
    const found = await values(t, executor);
    expect(found).toHaveLength(expected.length);
    found.forEach((v, i) => {
      expect(Math.abs(v - expected[i]) / Math.max(1, Math.abs(expected[i])), `${executor} ${i}`).toBeLessThan(
        tolerance,
      );
    });
  }
}

describe.each(Object.entries(kernels))("%s", (name, kernel) => {
  test("covariances and variances", async () => {
    await near(kernel.covariance(x, xNew), reference.kernels[name]);
    const own = await values(kernel.covariance(x, x));
    await near(
      kernel.variance(x),
      own.filter((_, i) => i % 7 === 0),
    );
  });
  test("the exact process: marginal likelihood, mean and covariance at new points", async () => {
    const gp = GaussianProcess(kernel, { mean: 0.1, noise: 0.25, jitter: 0 });
    const { logMarginal, mean, covariance } = reference.exact[name];
    await near(gp.at(x).logProb(y), [logMarginal]);
    const given = gp.given(x, y, xNew);
    await near(given.mean, mean);
    await near(given.covariance, covariance);
    await near(
      given.variance,
      covariance.filter((_, i) => i % 5 === 0),
    );
    const noisy = gp.given(x, y, xNew, { noisy: true });
    await near(noisy.variance.sub(given.variance), [0.0625, 0.0625, 0.0625, 0.0625]);
    await near(noisy.distribution.variance().sub(noisy.variance), [0, 0, 0, 0]);
  });
});

test.each(["rbf", "matern32", "matern52"] as const)(
  "%s in the plane, a length scale for each dimension",
  async (name) => {
    const make = { rbf, matern32, matern52 }[name];
    await near(
      make({ scale: 1.3, lengthScale: [0.8, 1.7] }).covariance(plane, plane),
      reference.kernels[`${name} plane`],
    );
  },
);

test.each(["rbf", "matern32", "matern52"] as const)(
  "%s: its spectral density is its Fourier transform",
  async (name) => {
    const at = [0, 0.7, 3.1];
    // To the accuracy of the quadrature.
    await near(kernels[name].spectralDensity(wide(at.map((w) => [w]))), reference.spectra[name].line, 1e-8);
    await near(
      kernels[name].spectralDensity(wide(at.map((w) => [w, 0]))),
      reference.spectra[name].plane,
      1e-6,
    );
  },
);

test("sums and products of kernels", async () => {
  const [a, b] = [kernels.rbf, kernels.linear];
  const [left, right] = [await values(a.covariance(x, xNew)), await values(b.covariance(x, xNew))];
  await near(
    sumOf(a, b, constant(2)).covariance(x, xNew),
    left.map((v, i) => v + right[i] + 4),
  );
  await near(productOf(a, b).variance(x), await values(a.variance(x).mul(b.variance(x))));
});

test("the slope of a kernel in its length scale, where points coincide too, against differences", async () => {
  for (const make of [rbf, matern32, matern52]) {
    const total = (length: Tensor): Tensor =>
      make({ lengthScale: length })
        .covariance(x, x)
        .mul(wide([1, 2, 3, 4, 5, 6]))
        .sum();
    const at = async (v: number) => (await values(total(wide(v))))[0];
    const length = wide(0.8);
    const [found] = await values(grad(total(length), [length])[0]);
    const difference = ((await at(0.8 + 1e-5)) - (await at(0.8 - 1e-5))) / 2e-5;
    expect(Math.abs(found - difference)).toBeLessThan(1e-7);
  }
});

describe("inducing points", () => {
  const z = wide([0.2, 1.6, 3]);
  test.each(["vfe", "fitc", "dtc"] as const)("%s against dense formulas", async (method) => {
    const gp = SparseGaussianProcess(kernels.matern52, z, { mean: 0.1, noise: 0.25, jitter: 0, method });
    const { logMarginal, mean, variance } = reference.sparse[method];
    await near(gp.logMarginal(x, y), [logMarginal]);
    const given = gp.given(x, y, xNew);
    await near(given.mean, mean);
    await near(given.variance, variance);
  });
  test("at the observed points all are exact", async () => {
    const { logMarginal, mean } = reference.exact.matern52;
    for (const method of ["vfe", "fitc", "dtc"] as const) {
      const gp = SparseGaussianProcess(kernels.matern52, x, { mean: 0.1, noise: 0.25, jitter: 0, method });
      await near(gp.logMarginal(x, y), [logMarginal], 1e-9);
      await near(gp.given(x, y, xNew).mean, mean, 1e-9);
    }
  });
  test("the variational bound is below the exact value, and rises with points", async () => {
    const bound = async (points: readonly number[]) =>
      (
        await values(
          SparseGaussianProcess(kernels.matern52, wide([...points]), { mean: 0.1, noise: 0.25 }).logMarginal(
            x,
            y,
          ),
        )
      )[0];
    const few = await bound([0.2, 3]);
    const more = await bound([0.2, 1.6, 3]);
    expect(few).toBeLessThan(more);
    expect(more).toBeLessThan(reference.exact.matern52.logMarginal);
  });
  test("what is refused", () => {
    expect(() => SparseGaussianProcess(kernels.rbf, z, { noise: 0 })).toThrow("need noise above 0");
    expect(() => SparseGaussianProcess(kernels.rbf, z, { noise: 1, method: "sor" as never })).toThrow(
      "there is no method 'sor'; use vfe, fitc or dtc",
    );
  });
});

describe("features on a box", () => {
  test("Φ Φᵀ comes to the covariance as functions are added: rbf to 1e-9, matern52 as their tail", async () => {
    const inner = wide([-0.5, 0, 0.3, 0.8]);
    for (const [name, tolerance] of [
      ["rbf", 1e-9],
      ["matern52", 1e-4],
    ] as const) {
      const kernel = { rbf, matern52 }[name]({ scale: 1.3, lengthScale: 0.4 });
      const features = hilbertSpaceFeatures(kernel, inner, { basis: 120, boundary: 4 });
      expect(features.shape).toEqual([4, 120]);
      await near(
        matmul(features, features, { transposeB: true }),
        await values(kernel.covariance(inner, inner)),
        tolerance,
      );
    }
  });
  test("in the plane: products of functions, a box with its own middle", async () => {
    const kernel = rbf({ scale: 0.7, lengthScale: [1, 1.5] });
    const features = hilbertSpaceFeatures(kernel, plane, {
      basis: [24, 20],
      boundary: [6, 7],
      centre: [0, 0.5],
    });
    expect(features.shape).toEqual([4, 480]);
    await near(
      matmul(features, features, { transposeB: true }),
      await values(kernel.covariance(plane, plane)),
      1e-6,
    );
  });
  test("what is refused", () => {
    expect(() => hilbertSpaceFeatures(kernels.rbf, x, { basis: 5, boundary: 3 })).toThrow(
      "the point 3.3 (row 5) is outside the box from -3 to 3",
    );
    expect(() => hilbertSpaceFeatures(kernels.periodic, x, { basis: 5, boundary: 4 })).toThrow(
      "no spectral density",
    );
    expect(() => hilbertSpaceFeatures(kernels.rbf, x, { basis: 0, boundary: 4 })).toThrow("at least 1");
  });
});

test("points and shapes", () => {
  expect(() => rbf().covariance(x, plane)).toThrow("points [6, 1] and [4, 2] have 1 and 2 dimensions");
  expect(() => rbf({ scale: [1, 2] }).covariance(x, x)).toThrow("scale must be one number");
});
