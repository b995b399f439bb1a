/** Problems whose answers are known, by automatic guides. */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { Bernoulli, Beta, HalfCauchy, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { elbo } from "../../src/inference/bounds/elbo.ts";
import { autoDelta } from "../../src/inference/guides/auto-delta.ts";
import { autoNormal } from "../../src/inference/guides/auto-normal.ts";
import { svi } from "../../src/inference/svi.ts";
import { adam, schedules } from "../../src/optim/index.ts";
import { latentSites, model, trace } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";

const mean = (values: Float64Array): number => values.reduce((a, b) => a + b, 0) / values.length;

describe("Beta(10, 10) prior, 6 heads of 10", () => {
  const flips = [1, 1, 1, 1, 1, 1, 0, 0, 0, 0];
  const coin = model(({ sample, observe, plate }) => {
    const p = sample("p", Beta(10, 10));
    plate("flip", 10, () => observe("x", Bernoulli({ probs: p }), tensor(flips)));
  });
  // ln B(16, 14) − ln B(10, 10), the evidence of the sequence.
  const evidence = -7.06937;

  test("the mean-field normal guide: mean, spread, and a bound below the evidence", async () => {
    const guide = autoNormal(coin);
    const { elbo, parameters } = await svi(coin, guide).run([], {
      steps: 4000,
      seed: 0,
      optimizer: adam({ learningRate: schedules.linear({ from: 0.02, to: 0, steps: 4000 }) }),
    });
    const p = latentSites(trace(guide, []))[0].value;
    const draw = compile(() => p, { executor: "host", parameters, seed: 5 });
    const draws = Float64Array.from({ length: 4000 });
    for (let i = 0; i < draws.length; i++) draws[i] = (await draw()).item();
    const m = mean(draws);
    const sd = Math.sqrt(mean(draws.map((v) => (v - m) ** 2)));
    // Posterior Beta(16, 14): mean 0.53333, sd 0.08960. Standard error of the mean of 4000 draws: 0.0014; the family (normal in
    // the logit) is close to exact here.
    expect(Math.abs(m - 0.53333)).toBeLessThan(0.008);
    expect(Math.abs(sd - 0.0896)).toBeLessThan(0.006);
    const bound = mean(elbo.subarray(3000));
    expect(bound).toBeLessThan(evidence + 0.01);
    expect(bound).toBeGreaterThan(evidence - 0.05);
  });
});

test("the point guide finds the mode: maximum a posteriori of Beta(10, 10) with 6 heads of 10", async () => {
  const coin = model(({ sample, observe, plate }) => {
    const p = sample("p", Beta(10, 10));
    plate("flip", 10, () => observe("x", Bernoulli({ probs: p }), tensor([1, 1, 1, 1, 1, 1, 0, 0, 0, 0])));
  });
  const guide = autoDelta(coin);
  const { elbo, parameters } = await svi(coin, guide).run([], {
    steps: 1500,
    seed: 0,
    optimizer: adam({ learningRate: 0.01 }),
  });
  const { sites } = trace(guide, []);
  const value = sites.get("p.value")?.value;
  const p = value && (await compile(() => value, { executor: "host", parameters })()).item();
  // The mode of Beta(16, 14) is 15/28, and no noise is drawn.
  expect(p).toBeCloseTo(15 / 28, 4);
  // Its bound is the log joint density at the mode: ln Beta(10, 10)(p) + 6 ln p + 4 ln(1 − p), with ln B(10, 10) = −13.736229.
  const q = 15 / 28;
  expect(elbo[1499]).toBeCloseTo(15 * Math.log(q) + 13 * Math.log(1 - q) + 13.736229, 3);
});

describe("eight schools", () => {
  const y = tensor([28, 8, -3, 7, -1, 1, 18, 12]);
  const sigma = tensor([15, 10, 16, 11, 9, 11, 10, 18]);
  const schools = model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 5));
    const tau = sample("tau", HalfCauchy(5));
    plate("school", 8, () => {
      const theta = sample("theta", Normal(mu, tau));
      observe("y", Normal(theta, sigma), y);
    });
  });
  // By quadrature: log evidence −31.3115, E mu 4.3968 (sd 3.318).
  const evidence = -31.3115;

  test("the mean-field normal guide ends where an independent implementation does, below the log evidence", async () => {
    const guide = autoNormal(schools);
    const { elbo, values } = await svi(schools, guide).run([], {
      steps: 6000,
      particles: 10,
      seed: 1,
      optimizer: adam({ learningRate: schedules.linear({ from: 0.03, to: 0, steps: 6000 }) }),
    });
    const late = elbo.subarray(5000);
    const bound = mean(late);
    const error = Math.sqrt(mean(late.map((v) => (v - bound) ** 2)) / late.length);
    expect(bound).toBeLessThan(evidence - 5 * error);
    // PyTorch 1.13, the same family written by hand, 200 samples a step, 4000 steps of Adam from 0.03 to 0: bound −33.407,
    // E mu 4.27, E ln tau 1.77, sd of mu 1.83. The family's bias: exact E mu is 4.397, its sd 3.318.
    expect(Math.abs(bound + 33.407)).toBeLessThan(0.06);
    expect(Math.abs((values.get("mu.loc")?.[0] ?? 0) - 4.27)).toBeLessThan(0.15);
    expect(Math.abs((values.get("tau.loc")?.[0] ?? 0) - 1.77)).toBeLessThan(0.05);
    expect(Math.abs(Math.exp(values.get("mu.logScale")?.[0] ?? 0) - 1.83)).toBeLessThan(0.1);
  });

  test("5,000 steps take a quarter of a second: each is some fifty loops over eight elements", async () => {
    const { compiled } = await svi(schools, autoNormal(schools)).init([]);
    // A clock would measure what else the machine does.
    expect(compiled.nodes).toBeLessThanOrEqual(60);
  });

  test("the guide takes the model's plates and skips nothing", () => {
    const sites = latentSites(trace(autoNormal(schools), []));
    expect(sites.map((s) => [s.name, s.value.shape, s.plates.map((p) => p.name)])).toEqual([
      ["mu", [], []],
      ["tau", [], []],
      ["theta", [8], ["school"]],
    ]);
    expect(elbo(schools, autoNormal(schools), []).choices.map((c) => c.estimator)).toEqual([
      "pathwise",
      "pathwise",
      "pathwise",
    ]);
  });

  test("a site in a minibatch is refused", () => {
    const local = model(({ sample, plate }) =>
      plate("row", 100, () => sample("z", Normal(0, 1)), { rows: 10 }),
    );
    expect(() => trace(autoNormal(local), [])).toThrow(
      new UsageError(
        "automatic guide: site 'z' is in plate 'row', of which only 10 of 100 rows are seen at a time; its parameters would " +
          "be those of other rows at each step. Write an amortised guide for it.",
      ),
    );
  });
});
