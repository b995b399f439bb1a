/** Summaries of guides whose moments are known, and of some sites only. */
import { describe, expect, test } from "vitest";
import { Bernoulli, Beta, HalfNormal, LogNormal, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { laplace, nuts, summary, summaryText, svi } from "../../src/inference/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { model } from "../../src/program/index.ts";
import { type Tensor, tensor } from "../../src/tensor/index.ts";

const program = model(({ sample, observe, plate, deterministic }) => {
  const mu = sample("mu", Normal(0, 5));
  const tau = sample("tau", HalfNormal(2));
  const b = plate("pair", 2, () => sample("b", Normal(mu, tau)));
  sample("coin", Bernoulli({ probs: 0.3 }));
  deterministic("twice", mu.mul(2));
  observe("x", Normal(b.sum(), 1), tensor(1));
});
const guide = model(({ sample, plate, param }) => {
  // Parameters that training all but leaves alone.
  const at = (value: number) => ({ name: String(value), values: () => [value] });
  sample("mu", Normal(param("m", [], at(1.5)), 0.5));
  sample("tau", LogNormal(param("l", [], at(-0.5)), 0.4));
  plate("pair", 2, () => sample("b", Normal(0, 2)));
});
const fitted = () =>
  svi(program, guide).run([], { steps: 1, seed: 0, optimizer: sgd({ learningRate: 1e-9 }) });

describe("of an svi fit", () => {
  test("moments and quantiles of the guide on the sites' own supports, within five standard errors", async () => {
    const draws = 4000;
    const { rows, method, draws: made } = await summary(await fitted(), { draws, seed: 2 });
    expect([method, made]).toEqual(["svi", draws]);
    // The coin is left to the model, where it is summed out: no draws of it.
    expect(rows.map((r) => r.name)).toEqual(["mu", "tau", "b[0]", "b[1]", "twice"]);
    // LogNormal(m, s): mean exp(m + s²/2), variance (exp s² − 1) mean², quantiles exp(m + s z).
    const mean = Math.exp(-0.5 + 0.08);
    const known = [
      { mean: 1.5, sd: 0.5, q5: 1.5 - 0.5 * 1.6449, median: 1.5, q95: 1.5 + 0.5 * 1.6449 },
      {
        mean,
        sd: mean * Math.sqrt(Math.exp(0.16) - 1),
        q5: Math.exp(-0.5 - 0.4 * 1.6449),
        median: Math.exp(-0.5),
        q95: Math.exp(-0.5 + 0.4 * 1.6449),
      },
      { mean: 0, sd: 2, q5: -3.2897, median: 0, q95: 3.2897 },
      { mean: 0, sd: 2, q5: -3.2897, median: 0, q95: 3.2897 },
      { mean: 3, sd: 1, q5: 3 - 1.6449, median: 3, q95: 3 + 1.6449 },
    ];
    rows.forEach((row, i) => {
      expect(row.mcseMean).toBeCloseTo(row.sd / Math.sqrt(draws), 12);
      expect(Math.abs(row.mean - known[i].mean)).toBeLessThan(5 * row.mcseMean);
      expect(Math.abs(row.sd - known[i].sd)).toBeLessThan(5 * row.mcseSd);
      // A normal's 5 % quantile errs by √(0.05 · 0.95 / n) / φ(1.645) = 2.11 sd / √n, its median by 1.25; of the skewed site a little more.
      for (const q of ["q5", "median", "q95"] as const)
        expect(Math.abs(row[q] - known[i][q])).toBeLessThan(5 * 3 * row.mcseMean);
    });
  });

  test("its error of the sd is that of a normal's, sd / √(2n)", async () => {
    const [mu] = (await summary(await fitted(), { draws: 4000, sites: ["mu"] })).rows;
    expect(mu.mcseSd / (mu.sd / Math.sqrt(8000))).toBeGreaterThan(0.9);
    expect(mu.mcseSd / (mu.sd / Math.sqrt(8000))).toBeLessThan(1.1);
  });

  test("1000 draws by default, the same for one seed; of some sites in the order asked for", async () => {
    const fit = await fitted();
    const some = await summary(fit, { sites: ["twice", "mu"] });
    expect(some.draws).toBe(1000);
    expect(some.rows.map((r) => r.name)).toEqual(["twice", "mu"]);
    const all = await summary(fit);
    expect(some.rows[1]).toStrictEqual(all.rows[0]);
    expect((await summary(fit, { seed: 1 })).rows[0].mean).not.toBe(all.rows[0].mean);
    expect((await fit.draw({ draws: 7 })).get("b")?.shape).toEqual([7, 2]);
  });

  test("as text", async () => {
    const lines = summaryText(await summary(await fitted(), { sites: ["mu", "tau"] })).split("\n");
    expect(lines[0]).toMatch(/^ +mean +sd +mcse +5 % +50 % +95 %$/);
    expect(lines[1]).toMatch(/^mu +1\.\d{3} +0\.\d{3} +0\.01\d /);
    expect(lines.at(-1)).toBe("1000 draws of the guide; importance(…) says how far to trust it.");
  });

  test("sites and draws that there are none of", async () => {
    const fit = await fitted();
    await expect(summary(fit, { sites: ["coin"] })).rejects.toThrow(
      new UsageError(
        "summary: there are no draws of site 'coin'. Sites with draws: 'mu', 'tau', 'b', 'twice'.",
      ),
    );
    for (const draws of [0, -1, 2.5, Number.NaN])
      await expect(summary(fit, { draws })).rejects.toThrow(
        /draws must be a whole number of at least 4, found/,
      );
    await expect(summary(fit, { draws: 3 })).rejects.toThrow(
      new UsageError("summary: draws must be a whole number of at least 4, found 3."),
    );
  });
});

const coin = model(({ sample, observe, plate, deterministic }, x: Tensor) => {
  const p = sample("p", Beta(2, 2));
  plate("flip", 7, () => observe("x", Bernoulli({ probs: p }), x));
  deterministic("odds", p.div(p.neg().add(1)));
});

test("of a laplace fit: its own draws", async () => {
  const fit = await laplace(coin).run([tensor([1, 1, 0, 1, 0, 1, 1])], { draws: 200 });
  const { rows, method, draws } = summary(fit, { sites: ["p"] });
  expect([method, draws]).toEqual(["laplace", 200]);
  const p = [...(fit.values.get("p")?.data ?? [])].map(Number);
  expect(rows[0].mean).toBeCloseTo(p.reduce((a, b) => a + b) / 200, 12);
  expect(summaryText(summary(fit))).toMatch(/200 draws of the normal approximation; its paretoK says/);
});

test("of some sites of chains: the same rows, and warnings of those sites alone", async () => {
  const run = await nuts(coin).run([tensor([1, 1, 0, 1, 0, 1, 1])], { chains: 2, draws: 40, warmUp: 100 });
  const all = summary(run);
  const some = summary(run, { sites: ["odds"] });
  expect(some.rows).toStrictEqual(all.rows.filter((r) => r.name === "odds"));
  expect(some.divergences).toBe(all.divergences);
  const few = (found: typeof all) => found.warnings.filter((w) => w.startsWith("Few effective draws"));
  expect(few(all)[0]).toMatch(/\bp \d+/);
  expect(few(some)[0]).toMatch(/^Few effective draws \(below 100 per chain\) for odds \d+: /);
  expect(() => summary(run, { sites: ["q"] })).toThrow(
    new UsageError("summary: there are no draws of site 'q'. Sites with draws: 'p', 'odds'."),
  );
});
