import { describe, expect, test } from "vitest";
import { Bernoulli, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { reweightedWakeSleep } from "../../src/inference/index.ts";
import { initializers } from "../../src/nn/index.ts";
import { adam, schedules } from "../../src/optim/index.ts";
import { model } from "../../src/program/index.ts";
import { type Tensor, tensor } from "../../src/tensor/index.ts";

const decaying = (steps: number) => adam({ learningRate: schedules.linear({ from: 0.03, to: 0, steps }) });
const average = (v: Float64Array) => v.reduce((a, b) => a + b, 0) / v.length;

describe("a bit seen through noise: k ~ Bernoulli(0.3), x | k ~ N(2k, 1)", () => {
  const x = [-0.5, 0.9, 1.4, 2.5];
  const data = tensor(x);
  const program = model(({ sample, observe, plate }, rows: Tensor) => {
    plate("row", 4, () => {
      const k = sample("k", Bernoulli({ probs: 0.3 }));
      observe("x", Normal(k.mul(2), 1), rows);
    });
  });
  // The exact posterior's logit is linear in x: ln (0.3 / 0.7) − 2 + 2 x.
  const guide = model(({ sample, plate, param }, rows: Tensor) => {
    const [slope, offset] = [param("slope", [], initializers.zeros), param("offset", [], initializers.zeros)];
    plate("row", 4, () => sample("k", Bernoulli({ logits: rows.mul(slope).add(offset) })));
  });
  const normal = (v: number, m: number) => Math.exp(-0.5 * (v - m) ** 2) / Math.sqrt(2 * Math.PI);
  const evidence = x.reduce((t, v) => t + Math.log(0.7 * normal(v, 0) + 0.3 * normal(v, 2)), 0);
  const exact = (v: number) => 1 / (1 + Math.exp(-(Math.log(0.3 / 0.7) - 2 + 2 * v)));

  test.each(["wake", "sleep", "both"] as const)(
    "phase %s: the guide becomes the posterior, its bound the evidence",
    async (phase) => {
      const steps = 6000;
      const { values, elbo } = await reweightedWakeSleep(program, guide, {
        phase,
        dream: (sites) => [sites.get("x") ?? data],
      }).run([data], { steps, particles: 20, seed: 0, optimizer: decaying(steps) });
      const [slope, offset] = [values.get("slope")?.[0] ?? 0, values.get("offset")?.[0] ?? 0];
      for (const v of x) {
        const q = 1 / (1 + Math.exp(-(slope * v + offset)));
        // Stochastic steps leave some noise; four rows (or dreams of four) a step.
        expect(Math.abs(q - exact(v))).toBeLessThan(0.05);
      }
      const late = elbo.subarray(5000);
      const bound = average(late);
      const error = Math.sqrt(average(late.map((v) => (v - bound) ** 2)) / late.length);
      expect(bound).toBeLessThan(evidence + 4 * error);
      expect(bound).toBeGreaterThan(evidence - 0.02);
    },
  );
});

test("the model learns: the mean of a latent normal, by maximum likelihood", async () => {
  // z ~ N(m, 1), x | z ~ N(z, 1): the best m is the mean of x.
  const x = tensor([1.2, 0.4, 2.3, 0.9, 1.7]);
  const program = model(({ sample, observe, plate, param }) => {
    const m = param("m", [], initializers.zeros);
    plate("row", 5, () => {
      const z = sample("z", Normal(m, 1));
      observe("x", Normal(z, 1), x);
    });
  });
  const guide = model(({ sample, plate, param }) => {
    plate("row", 5, () => sample("z", Normal(param("loc", [], initializers.zeros).add(x.mul(0.5)), 0.8)));
  });
  const { values } = await reweightedWakeSleep(program, guide).run([], {
    steps: 3000,
    particles: 20,
    seed: 0,
    optimizer: decaying(3000),
  });
  expect(values.get("m")?.[0]).toBeCloseTo(1.3, 1);
  // The posterior of z is N((m + x) / 2, ½): the guide's offset is m / 2.
  expect(values.get("loc")?.[0]).toBeCloseTo(0.65, 1);
});

test("a sleep phase needs a dream", () => {
  const bit = model(({ sample }) => sample("k", Bernoulli({ probs: 0.5 })));
  expect(() => reweightedWakeSleep(bit, bit, { phase: "sleep" })).toThrow(
    new UsageError(
      "reweighted wake-sleep: phase \"sleep\" needs 'dream', which makes the guide's arguments from what the model dreamt.",
    ),
  );
  expect(reweightedWakeSleep(bit, bit).explain([])).toContain("wake phase: no gradient through draws");
});
