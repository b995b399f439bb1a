import { describe, expect, test } from "vitest";
import { Bernoulli, Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { reweightedWakeSleep, type Svi, type SviOptions, svi } from "../../src/inference/index.ts";
import { initializers } from "../../src/nn/index.ts";
import { adam, schedules, sgd } from "../../src/optim/index.ts";
import { model } from "../../src/program/index.ts";
import { type Initializer, type Tensor, tensor } from "../../src/tensor/index.ts";

const decaying = (steps: number) => adam({ learningRate: schedules.linear({ from: 0.03, to: 0, steps }) });
const starting = (value: number): Initializer => ({ name: "given", values: () => [value] });
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

/** Mean and standard error of the gradient of the loss in some parameters, over `steps` steps that change nothing. */
async function gradients<A extends readonly unknown[]>(
  machine: Svi<A>,
  args: A,
  { names, steps, ...options }: SviOptions & { readonly names: readonly string[]; readonly steps: number },
): Promise<{ readonly mean: number; readonly error: number }[]> {
  const { compiled } = await machine.init(args, { seed: 2, optimizer: sgd({ learningRate: 0 }), ...options });
  const found = names.map(() => new Float64Array(steps));
  for (let step = 0; step < steps; step++) {
    await compiled.run(step);
    names.forEach((name, i) => {
      found[i][step] = compiled.gradient(name)[0];
    });
  }
  return found.map((g) => {
    const mean = average(g);
    return { mean, error: Math.sqrt(average(g.map((v) => (v - mean) ** 2)) / steps) };
  });
}

describe("gradients, against exact ones", () => {
  const x = [-0.5, 0.9, 1.4, 2.5];
  const data = tensor(x);
  const program = model(({ sample, observe, plate, param }, rows: Tensor) => {
    const m = param("m", [], starting(1.7));
    plate("row", 4, () => {
      const k = sample("k", Bernoulli({ probs: 0.3 }));
      observe("x", Normal(k.mul(m), 1), rows);
    });
  });
  const [slope, offset] = [0.5, -0.2];
  const guide = model(({ sample, plate, param }, rows: Tensor) => {
    const logits = rows.mul(param("slope", [], starting(slope))).add(param("offset", [], starting(offset)));
    plate("row", 4, () => sample("k", Bernoulli({ logits })));
  });
  const rws = (phase: "wake" | "sleep" | "both") =>
    reweightedWakeSleep(program, guide, { phase, dream: (sites) => [sites.get("x") ?? data] });
  const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
  const q = (v: number) => sigmoid(slope * v + offset);
  const names = ["slope", "offset"];

  test("wake: that of KL(p ‖ q) for many particles, and none at all for one", async () => {
    // p(k = 1 | x) of N(1.7 k, 1) and prior 0.3; ∇ KL(p ‖ q) in the logit is q − p.
    const p = (v: number) => sigmoid(Math.log(0.3 / 0.7) + 1.7 * v - 1.7 ** 2 / 2);
    const exact = [x.reduce((t, v) => t + (q(v) - p(v)) * v, 0), x.reduce((t, v) => t + (q(v) - p(v)), 0)];
    const many = await gradients(rws("wake"), [data], { names, steps: 1000, particles: 1000 });
    // The bias is of order 1 / K.
    many.forEach(({ mean, error }, i) => {
      expect(Math.abs(mean - exact[i])).toBeLessThan(5 * error + 2 / 1000);
    });
    const one = await gradients(rws("wake"), [data], { names, steps: 10_000, particles: 1 });
    one.forEach(({ mean, error }, i) => {
      expect(Math.abs(mean)).toBeLessThan(5 * error);
      expect(Math.abs(exact[i])).toBeGreaterThan(8 * error);
    });
  });

  test("sleep: that of the expectation over the model's own data", async () => {
    // −Σ_k ∫ p(k) N(x; 1.7 k, 1) (k − q(x)) (x, 1) dx, by quadrature, in four rows.
    const exact = [0, 0];
    const step = 0.01;
    for (let v = -10; v < 12; v += step) {
      for (const k of [0, 1]) {
        const density =
          ((k === 1 ? 0.3 : 0.7) * Math.exp(-0.5 * (v - 1.7 * k) ** 2)) / Math.sqrt(2 * Math.PI);
        exact[0] -= 4 * density * (k - q(v)) * v * step;
        exact[1] -= 4 * density * (k - q(v)) * step;
      }
    }
    const found = await gradients(rws("sleep"), [data], { names, steps: 10_000 });
    found.forEach(({ mean, error }, i) => {
      expect(Math.abs(mean - exact[i])).toBeLessThan(5 * error);
      expect(Math.abs(exact[i])).toBeGreaterThan(8 * error);
    });
  });

  test("both: their average, draw by draw", async () => {
    const at = async (phase: "wake" | "sleep" | "both") =>
      (await gradients(rws(phase), [data], { names, steps: 1, particles: 5 })).map((g) => g.mean);
    const [wake, sleep, both] = [await at("wake"), await at("sleep"), await at("both")];
    both.forEach((g, i) => {
      expect(g).toBeCloseTo((wake[i] + sleep[i]) / 2, 5);
    });
  });

  test("the model's is that of the importance-weighted bound, draw by draw", async () => {
    const options = { names: ["m"], steps: 1, particles: 5 };
    const [found] = await gradients(rws("both"), [data], options);
    const bound = { bound: "importance-weighted", estimators: "score" } as const;
    const [climbed] = await gradients(svi(program, guide), [data], { ...options, ...bound });
    expect(found.mean).toBeCloseTo(climbed.mean, 5);
    expect(Math.abs(found.mean)).toBeGreaterThan(0.05);
  });
});

test("a linear-Gaussian guide becomes the posterior, where every draw has the same weight", async () => {
  // z ~ N(0, 1), x | z ~ N(z, ½²): posterior N(0.8 x, 0.2), evidence N(0, 1.25).
  const x = [1.2, 0.4, -2.3, 0.9, 1.7];
  const program = model(({ sample, observe, plate }, rows: Tensor) => {
    plate("row", 5, () => {
      const z = sample("z", Normal(0, 1));
      observe("x", Normal(z, 0.5), rows);
    });
  });
  const guide = model(({ sample, plate, param }, rows: Tensor) => {
    const slope = param("slope", [], initializers.zeros);
    const logScale = param("logScale", [], initializers.zeros);
    plate("row", 5, () => sample("z", Normal(rows.mul(slope), { logScale })));
  });
  const evidence = x.reduce((t, v) => t - 0.5 * Math.log(2 * Math.PI * 1.25) - v ** 2 / 2.5, 0);
  const { values, elbo } = await reweightedWakeSleep(program, guide).run([tensor(x)], {
    steps: 3000,
    particles: 20,
    seed: 0,
    optimizer: decaying(3000),
  });
  expect(values.get("slope")?.[0]).toBeCloseTo(0.8, 2);
  expect(Math.exp(values.get("logScale")?.[0] ?? 0)).toBeCloseTo(Math.sqrt(0.2), 2);
  const late = elbo.subarray(2800);
  expect(Math.abs(average(late) - evidence)).toBeLessThan(0.002);
  expect(Math.sqrt(average(late.map((v) => (v - evidence) ** 2)))).toBeLessThan(0.02);
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
