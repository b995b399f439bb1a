// Costs of the language of programs: an enumerated mixture against the same density by hand, and SVI on a small program.

import { compileStep } from "../../dist/public/optim.js";
import { add, exp, gather, logsumexp, neg, reshape, sub, sum } from "../../dist/public/tensor.js";
import {
  adam,
  autoNormal,
  Categorical,
  elbo,
  HalfCauchy,
  input,
  model,
  Normal,
  svi,
  tensor,
} from "../../dist/public/tightbound.js";
import { measureDensity, measureLogistic, measureNuts } from "./posteriors.mjs";
import { quantile } from "./stats.mjs";

const ROWS = 1000;
const COMPONENTS = 10;
const ROUNDS = 40;
const STEPS = 20;

const filled = (name, value) => ({
  name,
  values: (shape) => Float64Array.from({ length: shape[0] }, (_, i) => value(i)),
});

/** Loss of a Gaussian mixture of 10 components on 1,000 points, its component site summed out by the language and by hand. */
function mixture() {
  const x = input("x", [ROWS]);
  const program = model(({ plate, sample, observe, param }) => {
    const weight = param(
      "weight",
      [COMPONENTS],
      filled("zeros", () => 0),
    );
    const loc = param(
      "loc",
      [COMPONENTS],
      filled("spread", (i) => i - 5),
    );
    const logScale = param(
      "logScale",
      [COMPONENTS],
      filled("zeros", () => 0),
    );
    plate("row", ROWS, () => {
      const k = sample("k", Categorical({ logits: weight }));
      observe("x", Normal(gather(loc, k), exp(gather(logScale, k))), x);
    });
  });
  const summedOut = elbo(
    program,
    model(() => undefined),
    [],
  ).surrogate;
  const [weight, loc, logScale] = program.parameters().map((p) => p.tensor);
  const column = (t) => reshape(t, [COMPONENTS, 1]);
  const logWeight = column(sub(weight, logsumexp(weight, 0, { keepDims: true })));
  const each = Normal(column(loc), exp(column(logScale))).logProb(x);
  const byHand = sum(logsumexp(add(logWeight, each), 0));
  return { parameters: program.parameters(), losses: [summedOut, byHand].map(neg) };
}

/** One train step of each, taking turns. */
async function measureMixture(executor) {
  const { parameters, losses } = mixture();
  const steps = [];
  for (const loss of losses) {
    const step = await compileStep({ loss, metrics: {} }, parameters, adam({ learningRate: 1e-4 }), {
      seed: 0,
      executor,
    });
    step.input("x").forEach((_, i, data) => {
      data[i] = 5 * Math.sin(i);
    });
    steps.push(step);
  }
  const times = steps.map(() => []);
  const last = [];
  for (let round = 0; round < ROUNDS; round++) {
    for (const [j, step] of steps.entries()) {
      const start = performance.now();
      for (let i = 0; i < STEPS; i++) last[j] = (await step.run(round * STEPS + i)).loss;
      if (round >= 5) times[j].push((performance.now() - start) / STEPS);
    }
  }
  if (Math.abs(last[0] / last[1] - 1) > 1e-4)
    throw new Error(`mixture: losses differ, ${last[0]} and ${last[1]}`);
  const ratios = times[0].map((t, i) => t / times[1][i]);
  return {
    name: `mixture of ${COMPONENTS}, ${ROWS} rows, ${executor}: enumerated / by hand`,
    unit: "ratio",
    median: quantile(ratios, 0.5),
    min: Math.min(...ratios),
    max: Math.max(...ratios),
    enumeratedMs: quantile(times[0], 0.5),
    byHandMs: quantile(times[1], 0.5),
    atMost: 1.3,
  };
}

/** Eight schools with the mean-field normal guide: 5,000 steps, including tracing and compilation. */
async function measureEightSchools() {
  const y = tensor([28, 8, -3, 7, -1, 1, 18, 12]);
  const sigma = tensor([15, 10, 16, 11, 9, 11, 10, 18]);
  const rates = [];
  for (let round = 0; round < 7; round++) {
    const schools = model(({ sample, observe, plate }) => {
      const mu = sample("mu", Normal(0, 5));
      const tau = sample("tau", HalfCauchy(5));
      plate("school", 8, () => {
        const theta = sample("theta", Normal(mu, tau));
        observe("y", Normal(theta, sigma), y);
      });
    });
    const start = performance.now();
    await svi(schools, autoNormal(schools)).run([], { steps: 5000, seed: round });
    rates.push(5000 / ((performance.now() - start) / 1000));
  }
  return {
    name: "eight schools, normal guide: SVI steps a second, compilation included",
    unit: "1/s",
    median: quantile(rates, 0.5),
    min: Math.min(...rates),
    max: Math.max(...rates),
    atLeast: 20_000,
  };
}

export async function measurePrograms({ progress }) {
  const measures = [
    () => measureMixture("host"),
    () => measureMixture("native"),
    measureEightSchools,
    measureDensity,
    measureNuts,
    () => measureLogistic("float64"),
    () => measureLogistic("float32"),
  ];
  const entries = [];
  for (const measure of measures) {
    progress(`programs: ${entries.length + 1} of ${measures.length}`);
    entries.push(await measure());
  }
  progress("");
  return entries;
}
