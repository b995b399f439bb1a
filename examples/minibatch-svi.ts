/**
 * Stochastic variational inference: the scaled gradient from a few rows is an unbiased and cheap estimate of the gradient from all rows
 * (Hoffman et al. 2013). Bayesian linear regression of 10,000 rows. Its posterior is known, so the distance to it can be plotted
 * against the number of rows used.
 */
import { writeFileSync } from "node:fs";
import {
  ArrayValue,
  adam,
  compile,
  input,
  kl,
  MultivariateNormal,
  model,
  Normal,
  schedules,
  sgd,
  svi,
  type Tensor,
} from "tightbound";
import { permutation } from "tightbound/data";
import * as nn from "tightbound/nn";
import type { TrainStep } from "tightbound/optim";
import { cholesky, choleskySolve, eye, matmul } from "tightbound/tensor";
import { drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

const COLUMNS = 5;

export interface Data {
  readonly rows: number;
  /** [rows, COLUMNS], and [rows]. */
  readonly x: Float32Array;
  readonly y: Float32Array;
}

/** Standard normal columns, y = Σ x + noise. */
export async function drawData(rows: number, seed: number): Promise<Data> {
  const draw = compile(
    () => {
      const x = Normal(0, 1).sample("x", [rows, COLUMNS]);
      return { x, y: x.sum(-1).add(Normal(0, 1).sample("noise", [rows])) };
    },
    { executor: "host", seed },
  );
  const { x, y } = await draw();
  return { rows, x: x.data as Float32Array, y: y.data as Float32Array };
}

/** w ~ N(0, I), yᵢ ~ N(wᵀxᵢ, 1), seen through minibatches; the guide has a mean and a scale for each weight. */
export function programs(rows: number) {
  const { zeros, constant } = nn.initializers;
  const target = model(({ sample, observe, plate }, x: Tensor, y: Tensor) => {
    const w = sample("w", Normal(0, 1).expand([COLUMNS]).toEvent(1));
    const batch = x.shape[0];
    plate("row", rows, () => observe("y", Normal(x.mul(w).sum(-1), 1), y), { rows: batch });
  });
  const guide = model(({ sample, param }, _x: Tensor, _y: Tensor) => {
    const logScale = param("logScale", [COLUMNS], constant(Math.log(0.1)));
    sample("w", Normal(param("loc", [COLUMNS], zeros), { logScale }).toEvent(1));
  });
  return { target, guide };
}

export function regression({ rows }: Data) {
  const { target, guide } = programs(rows);
  return svi(target, guide);
}

/** Puts the next rows into the step's inputs, in an order that is new in each epoch. */
export function feedFrom({ rows, x, y }: Data, batch: number, seed: number) {
  const perEpoch = Math.floor(rows / batch);
  let order = permutation(rows, seed, 0);
  return (step: TrainStep, index: number): void => {
    if (index % perEpoch === 0) order = permutation(rows, seed, index / perEpoch);
    const [xs, ys] = [step.input("x"), step.input("y")];
    for (let i = 0; i < batch; i++) {
      const row = order[(index % perEpoch) * batch + i];
      xs.set(x.subarray(row * COLUMNS, (row + 1) * COLUMNS), i * COLUMNS);
      ys[i] = y[row];
    }
  };
}

/** KL(N(loc, diag scale²) ‖ posterior); the posterior is normal with precision I + XᵀX. */
function distanceTo({ rows, x, y }: Data) {
  const X = new ArrayValue([rows, COLUMNS], "float64", Float64Array.from(x));
  const Y = new ArrayValue([rows, 1], "float64", Float64Array.from(y));
  const distance = compile(
    (xs: Tensor, ys: Tensor, loc: Tensor, logScale: Tensor) => {
      const identity = eye(COLUMNS, "float64");
      const factor = cholesky(matmul(xs, xs, { transposeA: true }).add(identity));
      const mean = choleskySolve(factor, matmul(xs, ys, { transposeA: true })).squeeze(-1);
      const posterior = MultivariateNormal(mean, { covariance: choleskySolve(factor, identity) });
      return kl(MultivariateNormal(loc, { scaleTril: identity.mul(logScale.exp()) }), posterior);
    },
    { executor: "host" },
  );
  return async ({ compiled }: { readonly compiled: TrainStep }): Promise<number> => {
    const values = ["loc", "logScale"].map((name) => Float64Array.from(compiled.value(name)));
    return (await distance(X, Y, ...values)).item();
  };
}

export interface Walk {
  readonly batch: number;
  readonly looked: readonly number[];
  /** Divergence from the posterior, nats. */
  readonly kl: readonly number[];
}

/** Maximises the bound with minibatches of one size, and measures the distance after given numbers of rows. */
export async function walk(data: Data, batch: number, steps: number, seed: number): Promise<Walk> {
  const machine = regression(data);
  const args = [input("x", [batch, COLUMNS]), input("y", [batch])] as const;
  const feed = feedFrom(data, batch, seed);
  const optimizer = adam({ learningRate: schedules.cosine({ peak: 0.05, steps }) });
  let state = await machine.init([...args], { optimizer, seed, scale: 1 / data.rows });
  const distance = distanceTo(data);
  const [looked, divergence]: [number[], number[]] = [[], []];
  for (let i = 0; i < steps; i++) {
    feed(state.compiled, i);
    ({ state } = await machine.step(state));
    if (i + 1 < (1.15 * (looked.at(-1) ?? 0)) / batch && i < steps - 1) continue;
    looked.push((i + 1) * batch);
    divergence.push(await distance(state));
  }
  return { batch, looked, kl: divergence };
}

/** The gradient of each minibatch of one epoch and of all rows at once, at one point and with one draw of w. */
export async function gradients(data: Data, batch: number, seed: number) {
  const at = async (size: number) => {
    const machine = regression(data);
    const args = [input("x", [size, COLUMNS]), input("y", [size])] as const;
    const { compiled } = await machine.init([...args], { optimizer: sgd({ learningRate: 0 }), seed });
    const feed = feedFrom(data, size, seed);
    const found: Float32Array[] = [];
    for (let i = 0; i < data.rows / size; i++) {
      feed(compiled, i);
      // The step's number selects the noise.
      await compiled.run(0);
      found.push(compiled.gradient("loc").map((g) => -g));
    }
    return found;
  };
  const [full] = await at(data.rows);
  return { full, minibatches: await at(batch) };
}

/** `npm run example -- minibatch-svi [figure.svg]` */
export async function main([path = "minibatch-svi.svg"]: readonly string[]): Promise<void> {
  const data = await drawData(10_000, 0);
  const walks: Walk[] = [];
  for (const [batch, steps] of [
    [10, 20_000],
    [100, 4000],
    [data.rows, 400],
  ])
    walks.push(await walk(data, batch, steps, 0));
  console.log(
    table(
      ["rows a step", "steps", "rows looked at", "KL to the posterior, nats", "rows until 1 nat"],
      walks.map(({ batch, looked, kl }) => {
        const last = looked[looked.length - 1];
        const first = looked[kl.findIndex((v) => v < 1)];
        const whole = (n: number | undefined) => n?.toLocaleString("en-US") ?? "–";
        return [String(batch), whole(last / batch), whole(last), kl[kl.length - 1].toFixed(3), whole(first)];
      }),
    ),
  );
  const figure = await drawCurves({
    title: "Minibatches against full data",
    xLabel: "rows looked at",
    yLabel: "KL to the posterior, nats",
    xScale: "log",
    yScale: "log",
    curves: walks.map(({ batch, looked, kl }) => ({
      name: batch === data.rows ? "all rows" : `${batch} rows`,
      x: looked,
      y: kl,
    })),
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
