/** Sites in the body of a scan: their densities, draws and inference, against the steps written out and against closed forms. */
import { describe, expect, test } from "vitest";
import { build } from "../../src/compile/compile.ts";
import {
  Bernoulli,
  Categorical,
  Gamma,
  HalfNormal,
  Normal,
  StudentT,
  Uniform,
} from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { autoNormal } from "../../src/inference/guides/auto-normal.ts";
import { laplace } from "../../src/inference/laplace.ts";
import { nuts } from "../../src/inference/mcmc/nuts.ts";
import { predictive } from "../../src/inference/predictive.ts";
import { svi } from "../../src/inference/svi.ts";
import { unconstrainedDensity } from "../../src/inference/unconstrained-density.ts";
import { logDensity, model, type Program, trace } from "../../src/program/index.ts";
import {
  add,
  cast,
  exp,
  input,
  isNoise,
  mul,
  nodesOf,
  scan,
  sqrt,
  square,
  stack,
  sub,
  type Tensor,
  tensor,
  zeros,
} from "../../src/tensor/index.ts";

const data = [0.3, -0.2, 0.9, 1.4, 0.8, 2.1, 1.7, 2.6];
const T = data.length;
const y = tensor(data);

/** A level that walks, seen with noise. */
const level = model(({ sample, observe, scan: loop }) => {
  const drift = sample("drift", HalfNormal(1));
  const { carry, outputs } = loop("time", tensor(0), y, (before, seen) => {
    const z = sample("z", Normal(before, drift));
    observe("y", Normal(z, 0.5), seen);
    return { carry: z, output: z };
  });
  return { carry, outputs };
});

const levelWritten = model(({ sample, observe }) => {
  const drift = sample("drift", HalfNormal(1));
  let before: Tensor = tensor(0);
  data.forEach((seen, t) => {
    const z = sample(`z${t}`, Normal(before, drift));
    observe(`y${t}`, Normal(z, 0.5), seen);
    before = z;
  });
});

async function valueAndGradient(program: Program<[]>, q: readonly number[], options = {}) {
  const density = await unconstrainedDensity(program, [], options);
  const gradient = new Float64Array(density.dimension);
  const value = await density.logDensityAndGradient(Float64Array.from(q), gradient);
  return [value, ...gradient];
}

const close = (found: readonly number[], expected: readonly number[], digits = 10): void => {
  expect(found.length).toBe(expected.length);
  found.forEach((v, i) => {
    expect(v, `number ${i}`).toBeCloseTo(expected[i], digits);
  });
};

const point = (n: number): number[] => Array.from({ length: n }, (_, i) => 0.4 * Math.sin(1.7 * i + 0.3));

/** A variance that follows the squares of what was seen: what is seen decides the carry. */
const garch = (looped: boolean): Program<[]> =>
  model(({ sample, observe, scan: loop }) => {
    const mu = sample("mu", Normal(0, 1));
    const [omega, alpha, beta] = ["omega", "alpha", "beta"].map((name) => sample(name, Gamma(2, 4)));
    const next = (v: Tensor, seen: Tensor): Tensor =>
      add(add(omega, mul(alpha, square(sub(seen, mu)))), mul(beta, v));
    if (looped) {
      loop("time", tensor(0.4), y, (v, given) => {
        const seen = observe("y", Normal(mu, sqrt(v)), given);
        return { carry: next(v, seen) };
      });
      return;
    }
    let v: Tensor = tensor(0.4);
    data.forEach((given, t) => {
      observe(`y${t}`, Normal(mu, sqrt(v)), given);
      v = next(v, tensor(given));
    });
  });

/** Two lags, heavy tails. */
const autoregression = (looped: boolean): Program<[]> =>
  model(({ sample, observe, scan: loop }) => {
    const [a, b] = ["a", "b"].map((name) => sample(name, Normal(0, 0.5)));
    const noise = sample("noise", HalfNormal(1));
    const mean = (one: Tensor, two: Tensor): Tensor => add(mul(a, one), mul(b, two));
    if (looped) {
      loop("time", [tensor(0), tensor(0)], y, ([one, two], given) => ({
        carry: [observe("y", StudentT(4, mean(one, two), noise), given), one],
      }));
      return;
    }
    data.forEach((given, t) => {
      const [one, two] = [1, 2].map((lag) => tensor(data[t - lag] ?? 0));
      observe(`y${t}`, StudentT(4, mean(one, two), noise), given);
    });
  });

describe("log densities and gradients are those of the steps written out", () => {
  test.each([
    ["a level that walks", level, levelWritten, 1 + T],
    ["a variance that follows squares", garch(true), garch(false), 4],
    ["an autoregression", autoregression(true), autoregression(false), 3],
  ] as const)("%s", async (_, looped, written, n) => {
    const expected = await valueAndGradient(written, point(n), { executor: "host" });
    close(await valueAndGradient(looped, point(n), { executor: "host" }), expected);
    close(await valueAndGradient(looped, point(n), { executor: "native", threads: 1 }), expected);
  });

  test("side by side in chains, each has its own", async () => {
    const chains = 3;
    for (const program of [level, garch(true)]) {
      const one = await unconstrainedDensity(program, []);
      const many = await unconstrainedDensity(program, [], { chains });
      const q = point(many.dimension);
      const gradient = new Float64Array(many.dimension);
      const total = await many.logDensityAndGradient(Float64Array.from(q), gradient);
      let sum = 0;
      for (let c = 0; c < chains; c++) {
        const own: number[] = [];
        const places: number[] = [];
        for (const { start, end } of many.sites) {
          const size = (end - start) / chains;
          for (let i = 0; i < size; i++) {
            places.push(start + c * size + i);
            own.push(q[start + c * size + i]);
          }
        }
        const g = new Float64Array(one.dimension);
        sum += await one.logDensityAndGradient(Float64Array.from(own), g);
        close(
          [...g],
          places.map((k) => gradient[k]),
        );
      }
      expect(total).toBeCloseTo(sum, 10);
    }
  });
});

test("a carry that is drawn leaves no loop in the density; a recursive one leaves a loop", () => {
  const hasLoop = (program: Program<[]>): boolean => {
    const { sites } = trace(
      program,
      [],
      [
        (m, next) =>
          m.kind === "sample" && m.name === "z" ? next({ ...m, value: input("z", [T]) }) : next(m),
      ],
    );
    const density = [...sites.values()].flatMap((s) =>
      s.kind === "observe" ? [s.distribution.logProb(s.value)] : [],
    );
    return density.some((t) => [...nodesOf(t)].some((n) => scan.is(n)));
  };
  expect(hasLoop(level)).toBe(false);
  expect(hasLoop(garch(true))).toBe(true);
});

test("one site for all steps: its name, shape and value", async () => {
  const { sites, result } = trace(level, []);
  expect([...sites].map(([name, { kind, value }]) => [name, kind, value.shape])).toEqual([
    ["drift", "sample", []],
    ["z", "sample", [T]],
    ["y", "observe", [T]],
  ]);
  const z = sites.get("z")?.value ?? zeros([]);
  const outputs = [z, result.outputs, result.carry, sites.get("y")?.value ?? zeros([])];
  const [own, returned, last, seen] = await numbers(outputs);
  expect(returned).toEqual(own);
  expect(last[0]).toBe(own[T - 1]);
  seen.forEach((v, i) => {
    expect(v).toBeCloseTo(data[i], 6);
  });
});

/** Values of expressions, noise being 0.1, 0.2, … . */
async function numbers(outputs: readonly Tensor[]): Promise<number[][]> {
  const program = await build(outputs, { executor: "host" });
  const out = outputs.map((t) => new Float64Array(t.size));
  const leaves = program.leaves.map((l) =>
    Float64Array.from({ length: l.size }, (_, i) => (isNoise(l) ? 0.1 * (i + 1) : 0)),
  );
  await program.bind(leaves, out)();
  return out.map((o) => [...o]);
}

test("draws follow the recursion, step by step, with noise of each step", async () => {
  const walk = model(({ sample, scan: loop }) => {
    loop("time", tensor(1), undefined, (before) => ({ carry: sample("z", Normal(mul(before, 0.5), 2)) }), {
      length: 4,
    });
  });
  const { sites } = trace(walk, []);
  const [z] = await numbers([sites.get("z")?.value ?? zeros([])]);
  let expected = 1;
  z.forEach((v, t) => {
    expected = 0.5 * expected + 2 * 0.1 * (t + 1);
    expect(v).toBeCloseTo(expected, 12);
  });
  // The density of a trace is that of its own draws: each noise number is a standard normal's.
  const [[density]] = await numbers([logDensity(trace(walk, []))]);
  const byHand = [0.1, 0.2, 0.3, 0.4].map((e) => -0.5 * e * e - Math.log(2) - 0.5 * Math.log(2 * Math.PI));
  expect(density).toBeCloseTo(
    byHand.reduce((a, b) => a + b),
    10,
  );
});

test("replicated data of an autoregression build on replicated data, not on what was seen", async () => {
  const ar = model(({ observe, scan: loop }) => {
    loop("time", tensor(0), y, (before, given) => ({
      carry: observe("y", Normal(add(mul(before, 0.9), 5), 0.001), given),
    }));
  });
  const draws = await predictive(ar, [], { draws: 3, seed: 1 });
  const values = draws.get("y")?.data ?? new Float64Array(0);
  let expected = 0;
  for (let t = 0; t < T; t++) {
    expected = 0.9 * expected + 5;
    for (let d = 0; d < 3; d++) expect(Math.abs(Number(values[d * T + t]) - expected)).toBeLessThan(0.05);
  }
});

test("in a plate, each row has a course of its own", async () => {
  const rows = tensor([
    [0.1, 0.4, -0.2],
    [1.1, 0.7, 0.9],
  ]);
  const many = model(({ sample, observe, plate, scan: loop, deterministic }) => {
    plate("row", 2, () => {
      const scale = sample("scale", HalfNormal(1));
      // Inputs have the steps first.
      loop("time", zeros([2]), rows.transpose(), (before, seen) => {
        const z = sample("z", Normal(before, scale));
        deterministic("twice", mul(z, 2));
        observe("y", Normal(z, 0.3), seen);
        return { carry: z };
      });
    });
  });
  const { sites } = trace(many, []);
  expect([...sites].map(([name, { value }]) => [name, value.shape])).toEqual([
    ["scale", [2]],
    ["z", [2, 3]],
    ["twice", [2, 3]],
    ["y", [2, 3]],
  ]);
  const written = model(({ sample, observe }) => {
    const scales = [0, 1].map((r) => sample(`scale${r}`, HalfNormal(1)));
    [
      [0.1, 0.4, -0.2],
      [1.1, 0.7, 0.9],
    ].forEach((row, r) => {
      let before: Tensor = tensor(0);
      row.forEach((seen, t) => {
        before = sample(`z${r}${t}`, Normal(before, scales[r]));
        observe(`y${r}${t}`, Normal(before, 0.3), seen);
      });
    });
  });
  const q = point(8);
  close(await valueAndGradient(many, q), await valueAndGradient(written, q));
  const inference = svi(many, autoNormal(many));
  const { elbo } = await inference.step(await inference.init([], { seed: 0 }));
  expect(elbo).toBeLessThan(0);
});

/** Mean and variance of a walk's levels given the data, by the normal equations: a tridiagonal system, solved densely. */
function smoothed(drift: number, noise: number) {
  const precision = Array.from({ length: T }, (_, i) =>
    Array.from({ length: T }, (_, j) => {
      if (i === j) return 1 / noise ** 2 + (i < T - 1 ? 2 : 1) / drift ** 2;
      return Math.abs(i - j) === 1 ? -1 / drift ** 2 : 0;
    }),
  );
  // Gauss–Jordan on [P | I].
  const rows = precision.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < T; i++) {
    const pivot = rows[i][i];
    rows[i] = rows[i].map((v) => v / pivot);
    for (let k = 0; k < T; k++) {
      if (k === i) continue;
      const factor = rows[k][i];
      rows[k] = rows[k].map((v, j) => v - factor * rows[i][j]);
    }
  }
  const covariance = rows.map((row) => row.slice(T));
  const mean = covariance.map((row) => row.reduce((s, v, j) => s + (v * data[j]) / noise ** 2, 0));
  return { mean, sd: covariance.map((row, i) => Math.sqrt(row[i])) };
}

describe("posteriors of a level that walks", () => {
  const known = model(({ sample, observe, scan: loop }) => {
    loop("time", tensor(0), y, (before, seen) => {
      const z = sample("z", Normal(before, 0.7));
      observe("y", Normal(z, 0.5), seen);
      return { carry: z };
    });
  });
  const { mean, sd } = smoothed(0.7, 0.5);

  test("Laplace's approximation is exact", async () => {
    const fit = await laplace(known).run([], { seed: 0 });
    const mode = fit.mode.get("z")?.data ?? [];
    mean.forEach((m, t) => {
      expect(Number(mode[t])).toBeCloseTo(m, 4);
    });
  });

  // 8 means within 5 standard errors of at least 400 effective draws each: a false alarm in 200,000 runs; the seed is fixed.
  test("NUTS and SVI find its means", async () => {
    const chains = await nuts(known).run([], { chains: 2, draws: 500, warmUp: 300, seed: 3 });
    const z = chains.values.get("z");
    const count = (z?.data.length ?? 0) / T;
    mean.forEach((m, t) => {
      let total = 0;
      for (let i = 0; i < count; i++) total += Number(z?.data[i * T + t]);
      expect(Math.abs(total / count - m)).toBeLessThan((5 * sd[t]) / Math.sqrt(400));
    });
    const guide = autoNormal(known);
    const fit = await svi(known, guide).run([], { steps: 1500, seed: 0 });
    const draws = await predictive(known, [], { guide, parameters: fit.parameters, draws: 800, seed: 2 });
    const values = draws.get("z")?.data ?? [];
    mean.forEach((m, t) => {
      let total = 0;
      for (let i = 0; i < 800; i++) total += Number(values[i * T + t]);
      expect(Math.abs(total / 800 - m)).toBeLessThan(0.2);
    });
  });
});

describe("what a scan of a program cannot do is refused, with the site and the way out", () => {
  const inScan = (
    body: (context: Parameters<Parameters<typeof model>[0]>[0], before: Tensor) => Tensor,
  ): Program<[]> =>
    model((context) => {
      context.scan("time", tensor(0), undefined, (before) => ({ carry: body(context, before) }), {
        length: 3,
      });
    });

  test("plates inside", () => {
    const program = inScan(({ plate, sample }, before) => {
      plate("p", 2, () => sample("z", Normal(0, 1)));
      return before;
    });
    expect(() => trace(program, [])).toThrow(/site 'z' is in plate 'p', which was opened inside a scan/);
  });

  test("a scan in a scan", () => {
    const program = inScan(
      ({ scan: again }, before) =>
        again("inner", before, undefined, (b) => ({ carry: b }), { length: 2 }).carry,
    );
    expect(() => trace(program, [])).toThrow(/'inner' is inside another scan/);
  });

  test("supports that change from step to step", () => {
    const program = inScan(({ sample }, before) => sample("z", Uniform(before, add(before, 1))));
    expect(() => trace(program, [])).toThrow(/site 'z' \(Uniform\) is in a scan and its support is computed/);
  });

  test("states that would have to be summed out", async () => {
    const program = model(({ sample, observe, scan: loop }) => {
      const p = sample("p", Uniform(0, 1));
      loop("time", tensor(0), y, (before, seen) => {
        const k = sample("k", Bernoulli({ probs: mul(p, exp(mul(before, -0.1))) }));
        const state = cast(k, "float32");
        observe("y", Normal(state, 1), seen);
        return { carry: state };
      });
    });
    await expect(unconstrainedDensity(program, [])).rejects.toThrow(/site 'k'.*HiddenMarkov/s);
    const categories = model(({ sample, scan: loop }) => {
      const p = sample("p", Normal(0, 1));
      loop(
        "time",
        p,
        undefined,
        (c) => ({ carry: add(c, cast(sample("k", Categorical({ probs: [0.5, 0.5] })), "float32")) }),
        {
          length: 3,
        },
      );
    });
    await expect(unconstrainedDensity(categories, [])).rejects.toThrow(UsageError);
  });

  test("guides whose sites are in one", async () => {
    const guide = model(({ param, sample, scan: loop }) => {
      const loc = param("loc", [], { name: "zero", values: () => [0] });
      sample("drift", Gamma(2, 2));
      loop("time", loc, undefined, (before) => ({ carry: sample("z", Normal(before, 1)) }), { length: T });
    });
    await expect(svi(level, guide).run([], { steps: 2, seed: 0 })).rejects.toThrow(
      /site 'z' of the guide is in a scan/,
    );
  });

  test("observed values outside the support", () => {
    const program = model(({ observe, scan: loop }) => {
      loop("time", tensor(0), tensor([1, 2, -3]), (before, seen) => {
        observe("y", Gamma(2, 1), seen);
        return { carry: before };
      });
    });
    expect(() => trace(program, [])).toThrow(/site 'y'.*-3/s);
  });
});

test("steps computed from a stack of sites outside agree", async () => {
  const both = model(({ sample, scan: loop }) => {
    const e = sample("e", Normal(0, 1).expand([3]).toEvent(1));
    const { outputs } = loop("time", tensor(0), e, (before, step) => {
      const next = add(mul(before, 0.5), step);
      return { carry: next, output: next };
    });
    return outputs;
  });
  const { result, sites } = trace(both, []);
  const [outputs, e] = await numbers([result, sites.get("e")?.value ?? stack([])]);
  close(outputs, [e[0], 0.5 * e[0] + e[1], 0.25 * e[0] + 0.5 * e[1] + e[2]]);
});
