/**
 * Coordinate ascent against stochastic variational inference as data grow. A sweep of coordinate ascent reads every row to update
 * the global parameters once, so its cost grows with the data. Minibatches update them after a few hundred rows, however many there are
 * (Hoffman et al. 2013). A mixture of two normals, fitted three ways: closed-form updates on all rows (`cavi`), closed-form updates on
 * minibatches (`stochasticCavi`), and gradient steps on minibatches (`svi`).
 */
import { writeFileSync } from "node:fs";
import {
  adam,
  Categorical,
  cavi,
  compile,
  constant,
  Dirichlet,
  Gamma,
  input,
  LogNormal,
  model,
  Normal,
  type Program,
  schedules,
  svi,
  type Tensor,
  where,
} from "tightbound";
import { permutation } from "tightbound/data";
import { stochasticCavi } from "tightbound/inference";
import * as nn from "tightbound/nn";
import { exp, gather, less } from "tightbound/tensor";
import { type Curve, drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

/** Rows in a minibatch. */
export const BATCH = 500;

/** 35 % from N(−2, 1), 65 % from N(2, 0.7). */
export async function drawData(rows: number, seed: number): Promise<Float32Array> {
  const draw = compile(
    () => {
      const noise = Normal(0, 1).sample("noise", [rows]);
      const left = less(Normal(0, 1).sample("side", [rows]), -0.3853);
      return where(left, noise.sub(2), noise.mul(0.7).add(2));
    },
    { executor: "host", seed },
  );
  return (await draw()).data as Float32Array;
}

/** The mixture; `seen` of its rows are used. */
export const mixture = (rows: number, seen: number): Program<[Tensor]> =>
  model(({ sample, observe, plate }, x: Tensor) => {
    const weights = sample("weights", Dirichlet([1, 1]));
    const { mu, tau } = plate("component", 2, () => ({
      mu: sample("mu", Normal(0, 5)),
      tau: sample("tau", Gamma(2, 1)),
    }));
    plate(
      "row",
      rows,
      () => {
        const z = sample("z", Categorical({ probs: weights }));
        observe("x", Normal(gather(mu, z), gather(tau, z).pow(-0.5)), x);
      },
      { rows: seen },
    );
  });

/** A factor for each global site, with parameters learnt by gradients. The components are left out, so they are summed out. */
export const guide: Program<[Tensor]> = model(({ sample, param, plate }, _x: Tensor) => {
  const { constant: at, normal } = nn.initializers;
  sample("weights", Dirichlet(exp(param("log concentration", [2], at(3)))));
  plate("component", 2, () => {
    sample("mu", Normal(param("loc", [2], normal(1)), { logScale: param("log scale", [2], at(-4)) }));
    sample("tau", LogNormal(param("log tau", [2], at(0)), exp(param("log spread", [2], at(-4)))));
  });
});

/** Weight of the left component, means, precisions, the left component first. */
export type Summary = readonly number[];

function summary(weights: ArrayLike<number>, mu: ArrayLike<number>, tau: ArrayLike<number>): Summary {
  const order = mu[0] < mu[1] ? [0, 1] : [1, 0];
  return [
    weights[order[0]] / (weights[0] + weights[1]),
    ...order.map((k) => mu[k]),
    ...order.map((k) => tau[k]),
  ];
}

/** The same, from the natural parameters of a Dirichlet, normals and gammas. */
function ofFactors(natural: ReadonlyMap<string, readonly Float64Array[]>): Summary {
  const of = (site: string): readonly Float64Array[] => natural.get(site) ?? [];
  const [[w], [a, b], [c, d]] = [of("weights"), of("mu"), of("tau")];
  return summary(
    w.map((v) => v + 1),
    a.map((v, k) => v / (-2 * b[k])),
    c.map((v, k) => (v + 1) / -d[k]),
  );
}

export interface Trail {
  readonly method: "coordinate ascent" | "on minibatches" | "gradients on minibatches";
  readonly rows: number;
  /** Number of rows used so far, and the parameters at that point. */
  readonly looked: readonly number[];
  readonly at: readonly Summary[];
  readonly seconds: readonly number[];
}

/** Collects a trail. Time spent on this does not count. */
function recorder(method: Trail["method"], rows: number) {
  const [looked, at, seconds]: [number[], Summary[], number[]] = [[], [], []];
  const start = performance.now();
  const trail: Trail = { method, rows, looked, at, seconds };
  return {
    trail,
    add(seen: number, where: Summary): void {
      looked.push(seen);
      at.push(where);
      seconds.push((performance.now() - start) / 1000);
    },
  };
}

/** Coordinate ascent until it converges. */
export async function ascend(x: Float32Array, seed: number): Promise<Trail> {
  const machine = cavi(mixture(x.length, x.length));
  const { trail, add } = recorder("coordinate ascent", x.length);
  let state = await machine.init([constant(x, [x.length])], { seed });
  for (let moved = 1; moved > 0.01; ) {
    const next = await machine.step(state);
    ({ state } = next);
    moved = next.info.moved;
    add(state.sweep * x.length, ofFactors(state.natural));
  }
  return trail;
}

/** The next minibatch, in an order that is new in each epoch. */
function minibatchesOf(x: Float32Array, seed: number) {
  const perEpoch = Math.floor(x.length / BATCH);
  let order = permutation(x.length, seed, 0);
  return (into: Float32Array | Float64Array, step: number): void => {
    if (step % perEpoch === 0) order = permutation(x.length, seed, step / perEpoch);
    for (let i = 0; i < BATCH; i++) into[i] = x[order[(step % perEpoch) * BATCH + i]];
  };
}

/** Coordinate ascent on minibatches. */
export async function ascendStochastically(x: Float32Array, steps: number, seed: number): Promise<Trail> {
  const machine = stochasticCavi(mixture(x.length, BATCH));
  const fill = minibatchesOf(x, seed);
  const { trail, add } = recorder("on minibatches", x.length);
  let state = await machine.init([input("x", [BATCH])], { seed });
  let looked = 0;
  for (let step = 0; step < steps; step++) {
    fill(state.compiled.minibatch.input("x"), step);
    const next = await machine.step(state);
    ({ state } = next);
    // The first minibatch is swept many times, until the components have separated.
    looked += next.info.localSweeps * BATCH;
    add(looked, ofFactors(state.natural));
  }
  return trail;
}

/** Gradient steps on minibatches. */
export async function climb(x: Float32Array, steps: number, seed: number): Promise<Trail> {
  const machine = svi(mixture(x.length, BATCH), guide);
  const fill = minibatchesOf(x, seed);
  const optimizer = adam({ learningRate: schedules.cosine({ peak: 0.05, steps }) });
  const { trail, add } = recorder("gradients on minibatches", x.length);
  let state = await machine.init([input("x", [BATCH])], { seed, optimizer, scale: 1 / x.length });
  for (let step = 0; step < steps; step++) {
    fill(state.compiled.input("x"), step);
    ({ state } = await machine.step(state));
    const of = (name: string): Float32Array => state.compiled.value(name).map((v) => v);
    add(
      (step + 1) * BATCH,
      summary(of("log concentration").map(Math.exp), of("loc"), of("log tau").map(Math.exp)),
    );
  }
  return trail;
}

/** The largest relative distance of a parameter from its target. */
export const distance = (found: Summary, exact: Summary): number =>
  Math.max(...found.map((v, i) => Math.abs(v / exact[i] - 1)));

/** The index from which on a trail stays within a distance; undefined if it never does. */
export function arrival({ at }: Trail, exact: Summary, within: number): number | undefined {
  const last = at.findLastIndex((s) => !(distance(s, exact) < within));
  return last === at.length - 1 ? undefined : last + 1;
}

/** A trail as a curve, with a point for every 5 % more rows. */
function curveOf({ method, rows, looked, at }: Trail, exact: Summary): Curve {
  const kept: number[] = [];
  looked.forEach((seen, i) => {
    if (kept.length === 0 || seen >= 1.05 * looked[kept[kept.length - 1]]) kept.push(i);
  });
  return {
    name: `${method}, ${rows.toLocaleString("en-US")} rows`,
    x: kept.map((i) => looked[i]),
    y: kept.map((i) => Math.max(distance(at[i], exact), 1e-3)),
    mark: method === "coordinate ascent" ? "line" : "line and dots",
  };
}

/** `npm run example -- coordinate-ascent [figure.svg]` */
export async function main([path = "coordinate-ascent.svg"]: readonly string[]): Promise<void> {
  const within = 0.03;
  const cells: string[][] = [];
  const curves: Curve[] = [];
  for (const rows of [1_000, 10_000, 100_000, 1_000_000]) {
    const x = await drawData(rows, 0);
    const full = await ascend(x, 0);
    const exact = full.at[full.at.length - 1];
    const trails = [full, await ascendStochastically(x, 400, 0), await climb(x, 1500, 0)];
    cells.push([
      rows.toLocaleString("en-US"),
      ...trails.map((trail) => {
        const at = arrival(trail, exact, within);
        if (at === undefined) return "–";
        return `${trail.looked[at].toLocaleString("en-US")} (${trail.seconds[at].toFixed(1)} s)`;
      }),
    ]);
    console.log(`${rows} rows: ${full.at.length} sweeps`);
    for (const trail of rows === 1_000_000 ? trails : [full]) curves.push(curveOf(trail, exact));
  }
  console.log(
    `\nrows looked at until every parameter stays within ${100 * within} % of where coordinate ascent ends:\n\n${table(
      ["rows of data", "coordinate ascent", "on minibatches", "gradients on minibatches"],
      cells,
    )}`,
  );
  const figure = await drawCurves({
    title: "Coordinate ascent against minibatches as data grow",
    xLabel: "rows looked at",
    yLabel: "largest relative error of a parameter",
    xScale: "log",
    yScale: "log",
    curves,
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
