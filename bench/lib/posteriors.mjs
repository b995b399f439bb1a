// Costs of samplers: a small density on the host, the no-U-turn sampler on it, and a large density natively against its products alone.

import { unconstrainedDensity } from "../../dist/public/inference.js";
import { build, matmul } from "../../dist/public/tensor.js";
import {
  Bernoulli,
  constant,
  HalfCauchy,
  input,
  model,
  Normal,
  nuts,
  tensor,
} from "../../dist/public/tightbound.js";
import { quantile } from "./stats.mjs";

const summarised = (values) => ({
  median: quantile(values, 0.5),
  min: Math.min(...values),
  max: Math.max(...values),
});

const y = tensor([28, 8, -3, 7, -1, 1, 18, 12]);
const sigma = tensor([15, 10, 16, 11, 9, 11, 10, 18]);
/** Eight schools; its effects are drawn as loc + scale · z. */
const eightSchools = () =>
  model(({ sample, observe, plate, deterministic }) => {
    const mu = sample("mu", Normal(0, 5));
    const tau = sample("tau", HalfCauchy(5));
    plate("school", 8, () => {
      const z = sample("z", Normal(0, 1));
      observe("y", Normal(deterministic("theta", mu.add(tau.mul(z))), sigma), y);
    });
  });

/** Value and gradient of eight schools: microseconds for each call, means over 100,000 calls. */
export async function measureDensity() {
  const density = await unconstrainedDensity(eightSchools(), []);
  const q = density.initial(0);
  const gradient = new Float64Array(density.dimension);
  const calls = 100_000;
  const means = Array.from({ length: 7 }, () => {
    const start = performance.now();
    for (let i = 0; i < calls; i++) density.logDensityAndGradient(q, gradient);
    return ((performance.now() - start) / calls) * 1000;
  });
  return {
    name: "eight schools: log density and gradient on the host",
    unit: "µs",
    ...summarised(means),
    atMost: 5,
  };
}

/** 4 chains of 1,000 warm-up transitions and 1,000 draws, including tracing and compilation. */
export async function measureNuts() {
  const seconds = [];
  for (let seed = 0; seed < 5; seed++) {
    const start = performance.now();
    await nuts(eightSchools()).run([], { chains: 4, draws: 1000, seed });
    seconds.push((performance.now() - start) / 1000);
  }
  return {
    name: "eight schools: NUTS, 4 × 1000 draws, compilation included",
    unit: "s",
    ...summarised(seconds),
    atMost: 5,
  };
}

const ROWS = 10_000;
const COLUMNS = 50;

/** One gradient of logistic regression natively, in turns with its two matrix products alone (X w and rᵀ X) on the same runtime. */
export async function measureLogistic(precision) {
  const x = Float64Array.from({ length: ROWS * COLUMNS }, (_, i) => Math.sin(1 + i * i * 0.7));
  const labels = Float64Array.from({ length: ROWS }, (_, i) => (Math.sin(i * 1.3) > 0 ? 1 : 0));
  const regression = model(({ sample, observe, plate }) => {
    const weights = sample("weights", Normal(0, 1).expand([COLUMNS]).toEvent(1));
    const intercept = sample("intercept", Normal(0, 1));
    const logits = matmul(constant(x, [ROWS, COLUMNS]), weights).add(intercept);
    plate("row", ROWS, () => observe("y", Bernoulli({ logits }), constant(labels, [ROWS])));
  });
  const density = await unconstrainedDensity(regression, [], { executor: "native", precision });
  const design = constant(x, [ROWS, COLUMNS], precision);
  const [w, r] = [input("w", [COLUMNS], precision), input("r", [ROWS], precision)];
  const products = await build([matmul(design, w), matmul(r, design)], { executor: "native" });
  const floats = (size) =>
    precision === "float32" ? new Float32Array(size).fill(0.1) : new Float64Array(size).fill(0.1);
  const multiply = products.bind(
    products.leaves.map((leaf) => floats(leaf.size)),
    [floats(ROWS), floats(COLUMNS)],
  );
  const q = density.initial(0);
  const gradient = new Float64Array(density.dimension);
  const contestants = [() => density.logDensityAndGradient(q, gradient), multiply];
  const times = contestants.map(() => []);
  for (let round = 0; round < 60; round++) {
    for (const [j, run] of contestants.entries()) {
      const start = performance.now();
      for (let i = 0; i < 5; i++) await run();
      if (round >= 10) times[j].push((performance.now() - start) / 5);
    }
  }
  const ratios = times[0].map((t, i) => t / times[1][i]);
  return {
    name: `logistic regression, 10,000 × 50, native ${precision}: gradient / its matrix products`,
    unit: "ratio",
    ...summarised(ratios),
    gradientMs: quantile(times[0], 0.5),
    productsMs: quantile(times[1], 0.5),
    atMost: 2,
  };
}
