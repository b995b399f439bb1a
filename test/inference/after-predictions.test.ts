/** What follows a fit: sensitivity to the prior, checks of replicated data, predictions for new arguments. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ArrayValue } from "../../src/compile/index.ts";
import {
  Bernoulli,
  Categorical,
  GaussianRandomWalk,
  HalfNormal,
  Normal,
  Poisson,
} from "../../src/distributions/index.ts";
import {
  autoNormal,
  importance,
  laplace,
  map,
  nuts,
  pathfinder,
  predict,
  predictiveCheck,
  priorSensitivity,
  svi,
} from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { ndtri, type Tensor, tensor, zeros } from "../../src/tensor/index.ts";

interface Row {
  readonly s: number;
  readonly n: number;
  readonly m: number;
  readonly prior: number;
  readonly likelihood: number;
}

describe("sensitivity to prior and likelihood", () => {
  const rows = JSON.parse(
    readFileSync(new URL("./prior-sensitivity.json", import.meta.url), "utf8"),
  ) as readonly Row[];
  const normalMean = (s: number, n: number) =>
    model(({ sample, observe, plate }, y: Tensor) => {
      const mu = sample("mu", Normal(0, s));
      plate("row", n, () => observe("y", Normal(mu, 1), y));
    });
  test.each(rows)(
    "of a normal mean: prior sd $s, $n rows of mean $m",
    async ({ s, n, m, prior, likelihood }) => {
      const precision = 1 / s ** 2 + n;
      const draws = 4000;
      // Quantiles instead of draws: what is left is the error of smoothing the tail.
      const values = new ArrayValue([draws], "float64");
      for (let i = 0; i < draws; i++)
        values.data[i] = (n * m) / precision + ndtri((i + 0.5) / draws) / Math.sqrt(precision);
      const y = tensor(new Array<number>(n).fill(m));
      const found = await priorSensitivity(normalMean(s, n), [y], { posterior: new Map([["mu", values]]) });
      expect(found.trusted).toBe(true);
      const [row] = found.rows;
      expect(row.name).toBe("mu");
      expect(Math.abs(row.prior - prior)).toBeLessThan(0.02 * prior + 1e-4);
      expect(Math.abs(row.likelihood - likelihood)).toBeLessThan(0.02 * likelihood + 1e-4);
      const expected = prior < 0.05 ? "none" : likelihood < 0.05 ? "strong prior" : "conflict";
      expect(row.diagnosis).toBe(expected);
    },
  );
  test("what is refused", async () => {
    const program = normalMean(1, 2);
    const y = tensor([0, 1]);
    const few = new ArrayValue([5], "float64");
    const posterior = new Map([["mu", few]]);
    await expect(priorSensitivity(program, [y], { posterior, priors: ["tau"] })).rejects.toThrow(
      "there is no latent site 'tau'; there are 'mu'",
    );
    await expect(priorSensitivity(program, [y], { posterior })).rejects.toThrow(
      "expected at least 25 draws, found 5",
    );
  });
});

describe("replicated data", () => {
  test("a Poisson program makes too few zeros for data with many, and means that agree", async () => {
    const counts = model(({ sample, observe, plate }, y: Tensor) => {
      const rate = sample("rate", HalfNormal(10));
      plate("row", y.shape[0], () => observe("y", Poisson(rate), y));
    });
    const y = [0, 0, 0, 0, 0, 0, 7, 8, 6, 9, 7, 8];
    const { values } = await nuts(counts).run([tensor(y)], { chains: 2, draws: 400, seed: 1 });
    const checks = await predictiveCheck(counts, [tensor(y)], {
      posterior: values,
      draws: 400,
      statistics: {
        zeros: (x) => x.filter((v) => v === 0).length,
        mean: (x) => x.reduce((a, b) => a + b, 0) / x.length,
      },
    });
    const [zeroes, mean] = checks;
    expect(zeroes).toMatchObject({ site: "y", statistic: "zeros", observed: 6 });
    // A Poisson of mean 3.75 has a zero in 2 % of cases: six of twelve never.
    expect(zeroes.p).toBeLessThan(0.01);
    expect(mean.observed).toBeCloseTo(3.75, 6);
    expect(mean.p).toBeGreaterThan(0.2);
    expect(mean.p).toBeLessThan(0.8);
    await expect(
      predictiveCheck(counts, [tensor(y)], {
        posterior: values,
        draws: 2,
        statistics: { none: () => Number.NaN },
      }),
    ).rejects.toThrow("the statistic 'none' of site 'y' is NaN");
  });
});

describe("predictions for new arguments", () => {
  const x = [-1.5, -1, -0.5, 0, 0.5, 1, 1.5, 2];
  const y = x.map((v, i) => 1 + 2 * v + [0.3, -0.2, 0.1, 0.2, -0.4, 0.1, -0.1, 0.05][i]);
  const line = model(({ sample, observe, plate }, x: Tensor, y: Tensor) => {
    const a = sample("a", Normal(0, 5));
    const b = sample("b", Normal(0, 5));
    plate("row", x.shape[0], () => observe("y", Normal(a.add(b.mul(x)), 0.25), y));
  });
  const args = [tensor(x), tensor(y)] as const;
  // The posterior is normal in closed form: X'X / 0.0625 + I / 25.
  const moments = (at: number) => {
    const n = x.length;
    const [sx, sxx] = [x.reduce((s, v) => s + v, 0), x.reduce((s, v) => s + v * v, 0)];
    const [sy, sxy] = [y.reduce((s, v) => s + v, 0), y.reduce((s, v, i) => s + v * x[i], 0)];
    const w = 1 / 0.0625;
    const [p, q, r] = [n * w + 1 / 25, sx * w, sxx * w + 1 / 25];
    const det = p * r - q * q;
    const [a, b] = [(r * sy * w - q * sxy * w) / det, (p * sxy * w - q * sy * w) / det];
    const variance = (r - 2 * at * q + at * at * p) / det + 0.0625;
    return { mean: a + b * at, sd: Math.sqrt(variance) };
  };
  const at = [-3, 0.25, 4];
  const fits = {
    nuts: () => nuts(line).run([...args], { chains: 2, draws: 1000, seed: 1 }),
    laplace: () => laplace(line).run([...args], { draws: 2000, seed: 1 }),
    pathfinder: () => pathfinder(line).run([...args], { draws: 1000, seed: 1 }),
    importance: () => importance(line, near, [...args], { draws: 2000, seed: 1 }),
  };
  // A guide that is too wide: its weights have to be used.
  const near = model(({ sample }, _x: Tensor, _y: Tensor) => {
    sample("a", Normal(1, 0.3));
    sample("b", Normal(2, 0.3));
  });
  test.each(Object.keys(fits) as (keyof typeof fits)[])(
    "%s: a regression at three new rows",
    async (kind) => {
      const draws = 2000;
      const found = await predict(await fits[kind](), line, [tensor(at), zeros([3])], { draws, seed: 4 });
      const data = Array.from(found.get("y")?.data ?? [], Number);
      expect(data).toHaveLength(3 * draws);
      at.forEach((place, k) => {
        const column = data.filter((_, i) => i % 3 === k);
        const mean = column.reduce((s, v) => s + v, 0) / draws;
        const sd = Math.sqrt(column.reduce((s, v) => s + (v - mean) ** 2, 0) / draws);
        const exact = moments(place);
        // At least 400 effective draws: 5 standard errors, a false alarm in a million.
        expect(Math.abs(mean - exact.mean) / exact.sd).toBeLessThan(5 / Math.sqrt(400));
        expect(Math.abs(sd / exact.sd - 1)).toBeLessThan(5 / Math.sqrt(800));
      });
    },
  );
  test("a guide's fit too", async () => {
    const fit = await svi(line, autoNormal(line)).run([...args], { steps: 1500, seed: 0 });
    const found = await predict(fit, line, [tensor(at), zeros([3])], { draws: 1000 });
    const data = Array.from(found.get("y")?.data ?? [], Number);
    at.forEach((place, k) => {
      const column = data.filter((_, i) => i % 3 === k);
      const exact = moments(place);
      expect(Math.abs(column.reduce((s, v) => s + v, 0) / 1000 - exact.mean)).toBeLessThan(0.3);
    });
  });
  test("a mode has the spread of the data alone", async () => {
    const mode = await map(line).run([...args]);
    const draws = 2000;
    const found = await predict(mode, line, [tensor(at), zeros([3])], { draws, seed: 4 });
    const drawn = new Set(Array.from(found.get("a")?.data ?? [], Number));
    expect(drawn.size).toBe(1);
    expect([...drawn][0]).toBeCloseTo(Number(mode.values.get("a")?.item()), 6);
    const data = Array.from(found.get("y")?.data ?? [], Number);
    at.forEach((place, k) => {
      const column = data.filter((_, i) => i % 3 === k);
      const mean = column.reduce((s, v) => s + v, 0) / draws;
      const sd = Math.sqrt(column.reduce((s, v) => s + (v - mean) ** 2, 0) / draws);
      // The mode of a normal is its mean. 5 standard errors.
      expect(Math.abs(mean - moments(place).mean) / 0.25).toBeLessThan(5 / Math.sqrt(draws));
      expect(Math.abs(sd / 0.25 - 1)).toBeLessThan(5 / Math.sqrt(2 * draws));
    });
  });
  test("effects of new groups come from their population, those of old ones stay", async () => {
    const groups = model(({ sample, observe, plate }, y: Tensor) => {
      const mu = sample("mu", Normal(0, 10));
      plate("group", y.shape[0], () => {
        const theta = sample("theta", Normal(mu, 0.5));
        observe("y", Normal(theta, 0.1), y);
      });
    });
    const seen = [4, 5, 6, 5];
    const fit = await nuts(groups).run([tensor(seen)], { chains: 2, draws: 500, seed: 2 });
    const more = await predict(fit, groups, [zeros([7])], { draws: 1000 });
    expect(more.get("theta")?.shape).toEqual([1000, 7]);
    const theta = Array.from(more.get("theta")?.data ?? [], Number);
    const mean = theta.reduce((s, v) => s + v, 0) / theta.length;
    expect(Math.abs(mean - 5)).toBeLessThan(0.3);
    const columns = async (options: { redraw?: string[] }) => {
      const found = await predict(fit, groups, [zeros([4])], { draws: 1000, ...options });
      const data = Array.from(found.get("theta")?.data ?? [], Number);
      return [0, 1, 2, 3].map((k) => data.filter((_, i) => i % 4 === k).reduce((s, v) => s + v, 0) / 1000);
    };
    (await columns({})).forEach((v, k) => {
      expect(Math.abs(v - seen[k])).toBeLessThan(0.15);
    });
    for (const v of await columns({ redraw: ["theta"] })) expect(Math.abs(v - 5)).toBeLessThan(0.3);
  });
  test("states of new rows come from their prior; one that all rows share is refused", async () => {
    const rowwise = model(({ sample, observe, plate }, y: Tensor) => {
      const p = sample("p", Normal(0, 1));
      plate("row", y.shape[0], () => {
        const k = sample("k", Bernoulli({ logits: p }));
        observe("y", Normal(k.cast("float32").mul(4), 1), y);
      });
    });
    const fit = await nuts(rowwise).run([tensor([0, 4, 4])], { chains: 1, draws: 100, seed: 0 });
    const found = await predict(fit, rowwise, [zeros([2])], { draws: 50 });
    expect(found.get("k")?.shape).toEqual([50, 2]);
    const shared = model(({ sample, observe }, y: Tensor) => {
      const k = sample("k", Categorical({ probs: [0.5, 0.5] }));
      const m = sample("m", Normal(k.cast("float32"), 1));
      observe("y", Normal(m, 1), y);
    });
    const chains = await nuts(shared).run([tensor(0)], { chains: 1, draws: 50, seed: 0 });
    await expect(predict(chains, shared, [tensor(0)])).rejects.toThrow("the finite site 'k' was summed out");
    await expect(predict(chains, shared, [tensor(0)], { redraw: ["z"] })).rejects.toThrow(
      "no latent site 'z'",
    );
    const other = model(({ sample }) => sample("m", Normal(0, 1)));
    await expect(predict(fit, other, [])).rejects.toThrow("no draws of site 'm'");
  });
  test("a walk of more steps would begin anew: it is refused, and what follows is a site of its own", async () => {
    const seen = Array.from({ length: 12 }, (_, t) => t / 2);
    const ahead = 3;
    const inScan = model(({ sample, observe, scan }, y: Tensor, more: number) => {
      const step = (name: string) => (before: Tensor, now: Tensor) => {
        const z = sample(name, Normal(before, 0.5));
        observe(`${name} seen`, Normal(z, 0.1), now);
        return { carry: z, output: z };
      };
      const { carry } = scan("time", tensor(0), y, step("level"));
      if (more > 0) scan("ahead", carry, zeros([more]), step("next"));
    });
    const asOneSite = model(({ sample, observe }, y: Tensor, more: number) => {
      const z = sample("level", GaussianRandomWalk(0.5, y.shape[0]));
      observe("level seen", Normal(z, 0.1).toEvent(1), y);
      if (more > 0)
        sample(
          "next",
          GaussianRandomWalk(0.5, more, { initial: z.slice({ axis: 0, start: -1 }).squeeze(0) }),
        );
    });
    for (const program of [inScan, asOneSite]) {
      const fit = await nuts(program).run([tensor(seen), 0], { chains: 1, draws: 400, seed: 0 });
      const longer = tensor([...seen, 0, 0, 0]);
      await expect(predict(fit, program, [longer, 0])).rejects.toThrow(
        /'level' has the shape \[15\], and its draws \[12\].*redraw/s,
      );
      const anew = await predict(fit, program, [longer, 0], { draws: 400, redraw: ["level"] });
      expect(anew.get("level")?.shape).toEqual([400, 15]);
      const found = await predict(fit, program, [tensor(seen), ahead], { draws: 400, redraw: ["next"] });
      const next = Array.from(found.get("next")?.data ?? [], Number);
      const last = next.filter((_, i) => i % ahead === ahead - 1);
      const mean = last.reduce((a, b) => a + b) / last.length;
      // Of the random walk after 5.5: the deviation of its third step is at most 0.9. Five standard errors.
      expect(Math.abs(mean - 5.5)).toBeLessThan(5 * (0.9 / Math.sqrt(400)) + 0.1);
    }
  });
});
