/**
 * A hidden Markov model: returns that are calm or wild, and nobody says when. The states are summed out by the forward algorithm, so the no-U-turn
 * sampler sees only the probabilities of staying and the two scales. Afterwards the states come back: their probabilities at each
 * step, and the most probable course. Looking at one day alone tells them apart far less often.
 */
import { writeFileSync } from "node:fs";
import { Categorical, compile, HalfNormal, model, Normal, nuts, type Tensor, tensor } from "tightbound";
import { Beta, HiddenMarkov } from "tightbound/distributions";
import { concat, stack } from "tightbound/tensor";
import { drawCurves } from "./support/curves.ts";
import { momentsOf } from "./support/moments.ts";
import { table } from "./table.ts";

/** What the data are drawn from. */
export const truth = { stay: [0.98, 0.94], scale: [0.5, 1.6] } as const;

/** Rows of a transition: the probability of staying, and the rest. */
function transition(stay: Tensor): Tensor {
  const [calm, wild] = [0, 1].map((k) => stay.slice({ axis: 0, start: k, end: k + 1 }));
  return stack([concat([calm, calm.neg().add(1)]), concat([wild.neg().add(1), wild])]);
}

const chain = (stay: Tensor, scale: Tensor, days: number) =>
  HiddenMarkov(
    Categorical({ logits: [0, 0] }),
    Categorical({ probs: transition(stay) }),
    Normal(0, scale),
    days,
  );

/** Returns with wild spells; the scales are in order, so that the states keep their names. */
export const regimes = model(({ sample, observe }, returns: Tensor) => {
  const stay = sample("stay", Beta([20, 20], [2, 2]).toEvent(1));
  const calm = sample("calm", HalfNormal(1));
  const wild = sample("more", HalfNormal(1)).add(calm);
  observe("returns", chain(stay, stack([calm, wild]), returns.shape[0]), returns);
});

export interface Drawn {
  readonly states: readonly number[];
  readonly returns: readonly number[];
}

/** States and returns by the truth. */
export function drawReturns(days: number, seed: number): Drawn {
  // A small generator of its own, so that the states are known.
  let state = seed * 2654435761 + 1;
  const uniform = (): number => {
    state = (Math.imul(state ^ (state >>> 15), 2246822519) + 3266489917) >>> 0;
    return (state + 0.5) / 2 ** 32;
  };
  const states: number[] = [];
  const returns: number[] = [];
  for (let t = 0; t < days; t++) {
    const before = states[t - 1] ?? 0;
    states.push(uniform() < truth.stay[before] ? before : 1 - before);
    const normal = Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
    returns.push(truth.scale[states[t]] * normal);
  }
  return { states, returns };
}

export interface Found {
  /** Posterior mean and standard deviation, in the order of `truth`. */
  readonly parameters: readonly {
    readonly name: string;
    readonly truth: number;
    readonly mean: number;
    readonly sd: number;
  }[];
  /** P(wild) at each step, at the posterior means. */
  readonly wild: readonly number[];
  /** Shares of days whose state is right. */
  readonly right: { readonly viterbi: number; readonly oneDay: number };
}

/** Fits the parameters, then asks for the states. */
export async function findRegimes({ states, returns }: Drawn, draws: number, seed: number): Promise<Found> {
  const y = tensor(returns);
  const { values } = await nuts(regimes).run([y], { chains: 2, draws, seed });
  const numbers = (site: string) => Array.from(values.get(site)?.data ?? [], Number);
  const stays = numbers("stay");
  const [calm, more] = [numbers("calm"), numbers("more")];
  const columns = [
    stays.filter((_, i) => i % 2 === 0),
    stays.filter((_, i) => i % 2 === 1),
    calm,
    calm.map((c, i) => c + more[i]),
  ];
  const names = ["stays calm", "stays wild", "calm scale", "wild scale"];
  const parameters = columns.map((column, i) => {
    const { mean, sd } = momentsOf(column);
    return { name: names[i], truth: [...truth.stay, ...truth.scale][i], mean, sd };
  });
  const [a, b, c, d] = parameters.map(({ mean }) => mean);
  const states2 = await compile(
    () => {
      const fitted = chain(tensor([a, b]), tensor([c, d]), returns.length);
      return { probs: fitted.stateProbs(y), course: fitted.viterbi(y) };
    },
    { executor: "host" },
  )();
  const wild = Array.from(states2.probs.data, Number).filter((_, i) => i % 2 === 1);
  const course = Array.from(states2.course.data, Number);
  const share = (guess: (t: number) => number): number =>
    states.filter((s, t) => s === guess(t)).length / states.length;
  // By the densities of one day, with the long-run shares of the states as prior.
  const prior = (1 - a) / (2 - a - b);
  const density = (x: number, scale: number) => Math.exp(-0.5 * (x / scale) ** 2) / scale;
  const oneDay = (t: number): number =>
    prior * density(returns[t], d) > (1 - prior) * density(returns[t], c) ? 1 : 0;
  return { parameters, wild, right: { viterbi: share((t) => course[t]), oneDay: share(oneDay) } };
}

/** `npm run example -- hidden-regimes [figure.svg]` */
export async function main([path = "hidden-regimes.svg"]: readonly string[]): Promise<void> {
  const data = drawReturns(500, 4);
  const found = await findRegimes(data, 500, 0);
  console.log(
    table(
      ["", "truth", "posterior"],
      found.parameters.map((p) => [p.name, p.truth.toFixed(2), `${p.mean.toFixed(2)} ± ${p.sd.toFixed(2)}`]),
    ),
  );
  const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
  console.log(
    `\nstates right: ${percent(found.right.viterbi)} by the most probable course, ${percent(found.right.oneDay)} from each day alone`,
  );
  const days = data.states.map((_, t) => t + 1);
  const figure = await drawCurves({
    title: "Calm or wild?",
    xLabel: "day",
    yLabel: "probability of the wild state",
    curves: [
      { name: "found", x: days, y: found.wild },
      { name: "truth", x: days, y: data.states, mark: "dots" },
    ],
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
