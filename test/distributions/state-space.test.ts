/** The Kalman filter and its smoothers against the joint normal of all states and values, built by hand. */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { ARMA, LinearGaussianStateSpace, type StateSpaceOptions } from "../../src/distributions/index.ts";
import { grad, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

type Matrix = number[][];
const times = (a: Matrix, b: Matrix): Matrix =>
  a.map((row) => b[0].map((_, j) => row.reduce((t, v, k) => t + v * b[k][j], 0)));
const flip = (a: Matrix): Matrix => a[0].map((_, j) => a.map((row) => row[j]));
const plus = (a: Matrix, b: Matrix, sign = 1): Matrix =>
  a.map((row, i) => row.map((v, j) => v + sign * b[i][j]));
const outer = (a: Matrix): Matrix => times(a, flip(a));

/** The inverse and ln |A| by Gauss–Jordan. */
function inverse(a: Matrix): { readonly inverse: Matrix; readonly logdet: number } {
  const n = a.length;
  const rows = a.map((row, i) => [...row, ...row.map((_, j) => Number(i === j))]);
  let logdet = 0;
  for (let i = 0; i < n; i++) {
    let best = i;
    for (let k = i; k < n; k++) if (Math.abs(rows[k][i]) > Math.abs(rows[best][i])) best = k;
    [rows[i], rows[best]] = [rows[best], rows[i]];
    logdet += Math.log(Math.abs(rows[i][i]));
    const pivot = rows[i][i];
    rows[i] = rows[i].map((v) => v / pivot);
    for (let k = 0; k < n; k++) {
      if (k === i) continue;
      const factor = rows[k][i];
      rows[k] = rows[k].map((v, j) => v - factor * rows[i][j]);
    }
  }
  return { inverse: rows.map((row) => row.slice(n)), logdet };
}

/** Numbers that look random and are the same every time. */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state * 48271) % 2147483647;
    return (state / 2147483647) * 2 - 1;
  };
}

interface Plain {
  readonly length: number;
  readonly transition: Matrix[];
  readonly transitionOffset: number[][];
  readonly transitionScale: Matrix[];
  readonly emission: Matrix[];
  readonly emissionOffset: number[][];
  readonly emissionScale: Matrix[];
  readonly initialMean: number[];
  readonly initialScale: Matrix;
}

/** A model of n states and m values, whose parts differ from step to step if `varies`. The second state gets no noise of its own. */
function draw(seed: number, length: number, n: number, m: number, varies: boolean): Plain {
  const next = numbers(seed);
  const matrix = (rows: number, columns: number): Matrix =>
    Array.from({ length: rows }, () => Array.from({ length: columns }, next));
  const each = <T>(make: () => T, count: number): T[] => {
    const one = make();
    return Array.from({ length: count }, () => (varies ? make() : one));
  };
  const steps = Math.max(1, length - 1);
  return {
    length,
    transition: each(() => matrix(n, n), steps),
    transitionOffset: each(() => matrix(1, n)[0], steps),
    transitionScale: each(() => matrix(n, 1), steps),
    emission: each(() => matrix(m, n), length),
    emissionOffset: each(() => matrix(1, m)[0], length),
    emissionScale: each(
      () =>
        plus(
          matrix(m, m),
          matrix(m, m).map((row, i) => row.map((_, j) => Number(i === j))),
        ),
      length,
    ),
    initialMean: matrix(1, n)[0],
    initialScale: matrix(n, n),
  };
}

const names = [
  "transition",
  "transitionOffset",
  "transitionScale",
  "emission",
  "emissionOffset",
  "emissionScale",
] as const;

function optionsOf(p: Plain, varies: boolean, rest: Partial<StateSpaceOptions> = {}): StateSpaceOptions {
  const f = (v: unknown): Tensor => tensor(v as Matrix, { dtype: "float64" });
  const parts = Object.fromEntries(names.map((k) => [k, f(varies ? p[k] : p[k][0])]));
  return {
    ...(parts as unknown as StateSpaceOptions),
    length: p.length,
    initialMean: f(p.initialMean),
    initialScale: f(p.initialScale),
    ...(varies && { varying: names }),
    ...rest,
  };
}

/** Means and covariances of all states and of all values together. */
function joint(p: Plain) {
  const n = p.initialMean.length;
  const m = p.emission[0].length;
  // Each state as a map of the first state and all noises.
  let mean = p.initialMean.map((v) => [v]);
  const sizes = [p.initialScale[0].length, ...p.transitionScale.map((g) => g[0].length)];
  const total = sizes.reduce((a, b) => a + b, 0);
  let map: Matrix = p.initialScale.map((row) => [...row, ...new Array(total - row.length).fill(0)]);
  const states = [map];
  const means = [mean];
  let at = sizes[0];
  for (let t = 0; t + 1 < p.length; t++) {
    map = times(p.transition[t], map);
    p.transitionScale[t].forEach((row, i) => {
      row.forEach((v, j) => {
        map[i][at + j] += v;
      });
    });
    at += sizes[t + 1];
    mean = plus(
      times(p.transition[t], mean),
      p.transitionOffset[t].map((v) => [v]),
    );
    states.push(map);
    means.push(mean);
  }
  const x = states.flat();
  const h: Matrix = p.emission.flatMap((e, t) =>
    e.map((row) =>
      Array.from({ length: n * p.length }, (_, j) => (Math.floor(j / n) === t ? row[j % n] : 0)),
    ),
  );
  const stateCovariance = outer(x);
  const noise: Matrix = Array.from({ length: m * p.length }, () => new Array(m * p.length).fill(0));
  p.emissionScale.forEach((e, t) => {
    outer(e).forEach((row, i) => {
      row.forEach((v, j) => {
        noise[t * m + i][t * m + j] = v;
      });
    });
  });
  const stateMean = means.flat();
  return {
    stateMean,
    stateCovariance,
    valueMean: plus(
      times(h, stateMean),
      p.emissionOffset.flat().map((v) => [v]),
    ),
    valueCovariance: plus(times(times(h, stateCovariance), flip(h)), noise),
    cross: times(stateCovariance, flip(h)),
  };
}

/** ln p of the values at some places, and the states given them. */
function conditioned(p: Plain, y: number[], places: number[]) {
  const all = joint(p);
  const pick = (a: Matrix): Matrix => places.map((i) => a[i]);
  const s = pick(all.valueCovariance).map((row) => places.map((j) => row[j]));
  const { inverse: precision, logdet } = inverse(s);
  const r = places.map((i) => [y[i] - all.valueMean[i][0]]);
  const e = times(precision, r);
  const cross = all.cross.map((row) => places.map((j) => row[j]));
  return {
    logProb: -0.5 * (times(flip(r), e)[0][0] + logdet + places.length * Math.log(2 * Math.PI)),
    mean: plus(all.stateMean, times(cross, e)),
    covariance: plus(all.stateCovariance, times(times(cross, precision), flip(cross)), -1),
  };
}

const data = async (t: Tensor, options = {}): Promise<number[]> =>
  Array.from((await t.value({ executor: "host", ...options })).data, Number);
const close = (found: number[], expected: number[], digits = 9): void => {
  expect(found.length).toBe(expected.length);
  found.forEach((v, i) => {
    expect(v).toBeCloseTo(expected[i], digits);
  });
};

/** The blocks of a covariance on its diagonal. */
const blocks = (c: Matrix, n: number): number[] =>
  Array.from({ length: c.length / n }, (_, t) =>
    c.slice(t * n, (t + 1) * n).flatMap((row) => row.slice(t * n, (t + 1) * n)),
  ).flat();

describe.each([
  [1, 5, 2, 1, false],
  [2, 5, 2, 2, true],
  [3, 4, 3, 2, false],
  [4, 1, 2, 1, false],
  [5, 6, 1, 3, true],
] as const)("drawn model %d: %d steps, %d states, %d values, varying: %s", (seed, length, n, m, varies) => {
  const p = draw(seed, length, n, m, varies);
  const next = numbers(seed + 100);
  const y = Array.from({ length: length * m }, () => 2 * next());
  const value = tensor(y, { dtype: "float64" }).reshape([length, m]);
  const everything = y.map((_, i) => i);

  test("density, filtered and smoothed states", async () => {
    const d = LinearGaussianStateSpace(optionsOf(p, varies));
    const right = conditioned(p, y, everything);
    close(await data(d.logProb(value)), [right.logProb]);
    const smooth = d.smoothedStates(value);
    close(await data(smooth.mean), right.mean.flat());
    close(await data(smooth.covariance), blocks(right.covariance, n));
    const filtered = d.filteredStates(value);
    const [means, covariances] = [await data(filtered.mean), await data(filtered.covariance)];
    for (let t = 0; t < length; t++) {
      const upTo = conditioned(p, y, everything.slice(0, (t + 1) * m));
      close(means.slice(t * n, (t + 1) * n), upTo.mean.flat().slice(t * n, (t + 1) * n));
      close(
        covariances.slice(t * n * n, (t + 1) * n * n),
        blocks(upTo.covariance, n).slice(t * n * n, (t + 1) * n * n),
      );
    }
    const all = joint(p);
    close(await data(d.mean()), all.valueMean.flat());
    close(
      await data(d.variance()),
      all.valueCovariance.map((row, i) => row[i]),
    );
    const size = length * m;
    close(await data(d.entropy()), [
      (inverse(all.valueCovariance).logdet + size * Math.log(2 * Math.PI * Math.E)) / 2,
    ]);
  });

  test("missing values", async () => {
    const mask = y.map((_, i) => (i + seed) % 3 !== 0);
    const d = LinearGaussianStateSpace(
      optionsOf(p, varies, { mask: tensor(mask.map(Number), { dtype: "float64" }).reshape([length, m]) }),
    );
    // What stands where nothing was seen is not read.
    const holes = y.map((v, i) => (mask[i] ? v : 1e6));
    const at = tensor(holes, { dtype: "float64" }).reshape([length, m]);
    const right = conditioned(
      p,
      y,
      everything.filter((i) => mask[i]),
    );
    close(await data(d.logProb(at)), [right.logProb]);
    const smooth = d.smoothedStates(at);
    close(await data(smooth.mean), right.mean.flat());
    close(await data(smooth.covariance), blocks(right.covariance, n));
  });

  test("gradients are those of the joint normal, natively too", async () => {
    const build = (f: Tensor, g: Tensor, v: Tensor) => {
      const d = LinearGaussianStateSpace({ ...optionsOf(p, varies), transition: f, emissionScale: g });
      const l = d.logProb(v);
      const [g0, g1, g2] = grad(sum(l), [f, g, v]);
      return { l, g0, g1, g2 };
    };
    const run = compile(build, { executor: "host" });
    const shape = (k: "transition" | "emissionScale"): Tensor =>
      tensor((varies ? p[k] : p[k][0]) as Matrix, { dtype: "float64" });
    const [f, g] = [await shape("transition").value(), await shape("emissionScale").value()];
    const v = await value.value();
    const out = await run(f, g, v);
    const h = 1e-5;
    const moved = (k: "transition" | "emissionScale", i: number, by: number): Plain => {
      let count = 0;
      const changed = p[k].map((a, t) =>
        a.map((row) => row.map((w) => ((varies || t === 0) && count++ === i ? w + by : w))),
      );
      return { ...p, [k]: varies ? changed : changed.map(() => changed[0]) };
    };
    for (const [k, name] of [
      ["transition", "g0"],
      ["emissionScale", "g1"],
    ] as const) {
      if (k === "transition" && length === 1) continue;
      Array.from(out[name].data, Number).forEach((found, i) => {
        const [up, down] = [h, -h].map((by) => conditioned(moved(k, i, by), y, everything).logProb);
        // Rounding of the difference: 1e-13/1e-5.
        expect(Math.abs(found - (up - down) / (2 * h)) / Math.max(1, Math.abs(found))).toBeLessThan(1e-6);
      });
    }
    close(
      Array.from(out.g2.data, Number),
      y.map((_, i) => {
        const [up, down] = [h, -h].map(
          (by) =>
            conditioned(
              p,
              y.map((w, j) => (j === i ? w + by : w)),
              everything,
            ).logProb,
        );
        return (up - down) / (2 * h);
      }),
      5,
    );
    const native = await compile(build, { threads: 1 })(f, g, v);
    for (const k of ["l", "g0", "g1", "g2"] as const)
      close(Array.from(native[k].data, Number), Array.from(out[k].data, Number), 8);
  });
});

describe("what follows the values", () => {
  const p = draw(6, 7, 2, 1, false);
  const next = numbers(77);
  const y = Array.from({ length: 7 }, () => next());
  const first = {
    ...p,
    length: 4,
    emission: p.emission.slice(0, 4),
    emissionOffset: p.emissionOffset.slice(0, 4),
    emissionScale: p.emissionScale.slice(0, 4),
    transitionScale: p.transitionScale.slice(0, 3),
  };
  const value = tensor(y.slice(0, 4), { dtype: "float64" }).reshape([4, 1]);

  test("a forecast is the distribution of the next values", async () => {
    const d = LinearGaussianStateSpace(optionsOf(first, false)).forecast(value, 3);
    const later = tensor(y.slice(4), { dtype: "float64" }).reshape([3, 1]);
    const all = conditioned(p, y, [0, 1, 2, 3, 4, 5, 6]).logProb;
    const known = conditioned(p, y, [0, 1, 2, 3]).logProb;
    close(await data(d.logProb(later)), [all - known]);
  });

  test("draws of states have the moments of the smoother", async () => {
    const d = LinearGaussianStateSpace(optionsOf(first, false));
    const count = 4000;
    const many = value.expand([count, 4, 1]);
    const drawn = await data(d.sampleStates("x", many), { seed: 3 });
    const right = conditioned(first, y, [0, 1, 2, 3]);
    for (let i = 0; i < 8; i++) {
      for (let j = 0; j <= i; j++) {
        const m = [i, j].map((k) => right.mean[k][0]);
        const products = Array.from(
          { length: count },
          (_, s) => (drawn[8 * s + i] - m[0]) * (drawn[8 * s + j] - m[1]),
        );
        const found = products.reduce((a, b) => a + b, 0) / count;
        const expected = right.covariance[i][j];
        // Variance of a product of normals; 6 standard errors: a false alarm below 2e-9 each.
        const spread = Math.sqrt((right.covariance[i][i] * right.covariance[j][j] + expected ** 2) / count);
        expect(Math.abs(found - expected)).toBeLessThan(6 * spread + 1e-12);
      }
      const mean =
        Array.from({ length: count }, (_, s) => drawn[8 * s + i]).reduce((a, b) => a + b, 0) / count;
      expect(Math.abs(mean - right.mean[i][0])).toBeLessThan(
        6 * Math.sqrt(right.covariance[i][i] / count) + 1e-12,
      );
    }
  });

  test("a batch of models, each with its own missing values", async () => {
    const other = {
      ...p,
      transition: p.transition.map((f) =>
        times(f, [
          [0.5, 0],
          [0.25, 1],
        ]),
      ),
    };
    const transition = tensor([p.transition[0], other.transition[0]], { dtype: "float64" });
    const mask = [
      [1, 1, 0, 1, 1, 1, 0],
      [0, 1, 1, 1, 0, 1, 1],
    ];
    const d = LinearGaussianStateSpace({
      ...optionsOf(p, false),
      transition,
      mask: tensor(mask, { dtype: "float64" }).reshape([2, 7, 1]),
    });
    expect(d.batchShape).toEqual([2]);
    const samples = tensor([y, y.map((v) => v + 1), y.map((v) => 2 * v)], { dtype: "float64" }).reshape([
      3, 1, 7, 1,
    ]);
    const found = await data(d.logProb(samples));
    const expected = [y, y.map((v) => v + 1), y.map((v) => 2 * v)].flatMap((v) =>
      [p, other].map(
        (q, b) =>
          conditioned(
            q,
            v,
            [0, 1, 2, 3, 4, 5, 6].filter((i) => mask[b][i] === 1),
          ).logProb,
      ),
    );
    close(found, expected);
    expect(d.smoothedStates(samples).mean.shape).toEqual([3, 2, 7, 2]);
    expect(d.smoothedStates(samples).covariance.shape).toEqual([2, 7, 2, 2]);
    expect(d.sampleStates("x", samples).shape).toEqual([3, 2, 7, 2]);
    expect(d.sample("y", [5]).shape).toEqual([5, 2, 7, 1]);
  });

  test("parts that do not fit are refused", () => {
    const options = optionsOf(p, false);
    expect(() => LinearGaussianStateSpace({ ...options, emission: [[1, 2, 3]] })).toThrow(
      /'emission' of shape \[..., m, n\]/,
    );
    expect(() => LinearGaussianStateSpace({ ...options, varying: ["emission"] })).toThrow(/7 steps, m, n/);
    expect(() => LinearGaussianStateSpace({ ...options, mask: [true, false] })).toThrow(
      /mask of shape \[..., 7, 1\]/,
    );
    expect(() =>
      LinearGaussianStateSpace(optionsOf(draw(9, 4, 2, 1, true), true)).forecast(value, 2),
    ).toThrow(/mask the values to come/);
  });
});

describe("ARMA", () => {
  test("its covariances are those of the moving average of infinite order", async () => {
    const [phi, theta, scale] = [[0.6, -0.3], [0.5, 0.2, -0.4], 0.7];
    // ψⱼ of y = Σ ψⱼ ε: the roots of 1 − φz − … lie at 1.83, so that 0.3^100 of them is left.
    const psi: number[] = [];
    for (let j = 0; j < 400; j++)
      psi.push(
        (j === 0 ? 1 : (theta[j - 1] ?? 0)) +
          phi.reduce((t, f, i) => t + (j > i ? f * psi[j - 1 - i] : 0), 0),
      );
    const gamma = (lag: number): number =>
      scale ** 2 * psi.reduce((t, v, j) => t + v * (psi[j + lag] ?? 0), 0);
    const length = 6;
    const covariance = Array.from({ length }, (_, i) =>
      Array.from({ length }, (_, j) => gamma(Math.abs(i - j))),
    );
    const f = (v: number[]): Tensor => tensor(v, { dtype: "float64" });
    const d = ARMA({ ar: f(phi), ma: f(theta), scale: tensor(scale, { dtype: "float64" }), mean: 2, length });
    const y = [2.5, 1, 3, 2, 0.5, 2.25];
    const { inverse: precision, logdet } = inverse(covariance);
    const r = y.map((v) => [v - 2]);
    const right =
      -0.5 * (times(times(flip(r), precision), r)[0][0] + logdet + length * Math.log(2 * Math.PI));
    close(await data(d.logProb(f(y))), [right], 10);
    close(
      await data(d.variance()),
      covariance.map((row, i) => row[i]),
      10,
    );
    close(await data(d.entropy()), [(logdet + length * Math.log(2 * Math.PI * Math.E)) / 2], 10);
  });

  test("without a stationary covariance there is no density", async () => {
    expect(await data(ARMA({ ar: [1.1], scale: 1, length: 3 }).logProb([0, 1, 2]))).toEqual([Number.NaN]);
    expect(() => ARMA({ scale: 1, length: 3 })).toThrow(/give `ar`, `ma` or both/);
    expect(() => ARMA({ ar: [], scale: 1, length: 3 })).toThrow(/at least one/);
  });
});
