import { ShapeError, UsageError } from "../errors.ts";
import {
  add,
  argmax,
  broadcastShapes,
  clip,
  concat,
  expand,
  formatShape,
  full,
  grad,
  logsumexp,
  max,
  oneHot,
  reshape,
  type Shape,
  scan,
  slice,
  squeeze,
  stopGradient,
  sub,
  sum,
  Tensor,
  type TensorLike,
  tensor,
  transpose,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { Categorical, CategoricalDistribution } from "./categorical.ts";
import { unionOverComponents } from "./components.ts";
import { independentConstraint } from "./constraints.ts";
import { Distribution, type Parameters } from "./distribution.ts";

const prefixed = <T>(path: string, record: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(record).map(([k, v]) => [`${path}.${k}`, v]);

/** Log probabilities over the last axis. */
const normalised = ({ categories: { weights, logTotal } }: CategoricalDistribution): Tensor =>
  sub(weights, unsqueeze(logTotal, -1));

const axesOf = (t: Tensor): number[] => t.shape.map((_, i) => i);

/** Moves one axis to the front. */
const toFront = (t: Tensor, axis: number): Tensor =>
  transpose(t, [axis, ...axesOf(t).filter((i) => i !== axis)]);

/** Moves the first axis to a place. */
const fromFront = (t: Tensor, axis: number): Tensor => {
  const rest = axesOf(t).slice(1);
  return transpose(t, [...rest.slice(0, axis), 0, ...rest.slice(axis)]);
};

const first = (t: Tensor): Tensor => squeeze(slice(t, { axis: 0, end: 1 }), 0);
const others = (t: Tensor): Tensor => slice(t, { axis: 0, start: 1 });

/** Log weights of states after a transition, from those before: a sum over the states before. */
const advance = (before: Tensor, transition: Tensor): Tensor =>
  logsumexp(add(unsqueeze(before, -1), transition), -2);

/** For each state, the log weight from it to the state that is given: [..., K, K] and [...] → [..., K]. */
function towards(transition: Tensor, state: Tensor): Tensor {
  const count = transition.shape[transition.rank - 1];
  const chosen = unsqueeze(oneHot(state, count, "float32"), -2);
  return sum(where(chosen.greater(0), transition, 0), -1);
}

/** The distribution that {@link HiddenMarkov} returns: densities, draws, and the states behind a sequence. */
export class HiddenMarkovDistribution extends Distribution {
  readonly initial: CategoricalDistribution;
  readonly transition: CategoricalDistribution;
  readonly emission: Distribution;
  readonly length: number;

  /** Use {@link HiddenMarkov}. */
  constructor(
    initial: CategoricalDistribution,
    transition: CategoricalDistribution,
    emission: Distribution,
    length: number,
  ) {
    const parts = { initial, transition, emission };
    super({
      name: `HiddenMarkov(${emission.name})`,
      parameters: Object.fromEntries(Object.entries(parts).flatMap(([k, d]) => prefixed(k, d.parameters))),
      constraints: Object.fromEntries(Object.entries(parts).flatMap(([k, d]) => prefixed(k, d.constraints))),
      support: independentConstraint(unionOverComponents(emission, { steps: true }), 1),
      batchShape: broadcastShapes(
        "HiddenMarkov",
        initial.batchShape,
        transition.batchShape.slice(0, -1),
        emission.batchShape.slice(0, -1),
      ),
      eventShape: [length, ...emission.eventShape],
      dtype: emission.dtype,
      reparameterised: false,
      // The emissions test their values.
      selfLimiting: true,
    });
    this.initial = initial;
    this.transition = transition;
    this.emission = emission;
    this.length = length;
  }

  private get states(): number {
    return this.initial.cardinality ?? 0;
  }

  /** ln p(xₜ | state k), [length, sample + batch, K]. */
  private emissions(x: Tensor): Tensor {
    const rank = x.rank - this.eventShape.length;
    const step = toFront(x, rank);
    return scan([], step, (_, one) => ({
      carry: [],
      output: this.emission.logProb(unsqueeze(one, one.rank - this.emission.eventShape.length)),
    })).outputs;
  }

  /**
   * ln p(state of step t | what was seen up to t) up to a constant, [length, …, K], and the sum of those constants. The constants keep numbers
   * small; derivatives do not see them, since what is taken away in one place is added in another.
   */
  private filtered(seen: Tensor): { readonly weights: Tensor; readonly shifts: Tensor } {
    const transition = normalised(this.transition);
    const centred = (t: Tensor): { carry: Tensor; output: { weights: Tensor; shift: Tensor } } => {
      const shift = stopGradient(clip(max(t, -1, { keepDims: true }), -1e30, 1e30));
      const weights = sub(t, shift);
      return { carry: weights, output: { weights, shift: squeeze(shift, -1) } };
    };
    const begin = centred(this.begin(seen));
    const { outputs } = scan(begin.carry, others(seen), (before, e) =>
      centred(add(advance(before, transition), e)),
    );
    const joined = (one: Tensor, rest: Tensor): Tensor => concat([unsqueeze(one, 0), rest]);
    return {
      weights: joined(begin.output.weights, outputs.weights),
      shifts: joined(begin.output.shift, outputs.shift),
    };
  }

  /** ln p(state, first value), over the whole batch. */
  private begin(seen: Tensor): Tensor {
    const start = add(normalised(this.initial), first(seen));
    return expand(start, broadcastShapes("HiddenMarkov", start.shape, this.transition.batchShape));
  }

  private total(seen: Tensor): Tensor {
    const { weights, shifts } = this.filtered(seen);
    const last = squeeze(slice(weights, { axis: 0, start: this.length - 1 }), 0);
    return add(logsumexp(last, -1), sum(shifts, 0));
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.total(this.emissions(x));
  }

  /** A value as a tensor, whose shape fits. @throws ShapeError */
  private sequence(what: string, value: TensorLike): Tensor {
    const x = value instanceof Tensor ? value : tensor(value, { dtype: this.emission.dtype });
    const rank = x.rank - this.eventShape.length;
    if (rank < 0 || x.shape.slice(rank).join() !== this.eventShape.join()) {
      throw new ShapeError(
        `${this.name}.${what}: expected a sequence of shape [..., ${this.eventShape.join(", ")}], found ${formatShape(x.shape)}.`,
      );
    }
    return x;
  }

  /**
   * P(state of each step | the whole sequence), by forward and backward sums: sample + batch + [length, K].
   *
   * @throws ShapeError when the value is not a sequence of this length.
   */
  stateProbs(value: TensorLike): Tensor {
    const emissions = this.emissions(this.sequence("stateProbs", value));
    // Every element of the batch has probabilities of its own.
    const seen = expand(emissions, [this.length, ...this.begin(emissions).shape]);
    // ∂ ln p(x) / ∂ ln p(xₜ | k) is the posterior probability of state k.
    const [probs] = grad(sum(this.total(seen)), [seen]);
    return fromFront(probs, probs.rank - 2);
  }

  /**
   * A course of states drawn from its posterior given the sequence, exactly: forward filtering, backward sampling (Frühwirth-Schnatter 1994).
   * int64, sample + batch + [length]. Draws have no gradient.
   *
   * @param site the name of the draw's random numbers
   * @throws ShapeError when the value is not a sequence of this length.
   */
  sampleStates(site: string, value: TensorLike): Tensor {
    const { weights } = this.filtered(this.emissions(this.sequence("sampleStates", value)));
    const transition = normalised(this.transition);
    const last = slice(weights, { axis: 0, start: this.length - 1 });
    const end = Categorical({ logits: squeeze(last, 0) }).sample(`${site}/last`);
    const { outputs } = scan(
      end,
      slice(weights, { axis: 0, end: this.length - 1 }),
      (next, w) => {
        const state = Categorical({ logits: add(w, towards(transition, next)) }).sample(`${site}/state`);
        return { carry: state, output: state };
      },
      { reverse: true },
    );
    return stopGradient(fromFront(concat([outputs, unsqueeze(end, 0)]), end.rank));
  }

  /**
   * The most probable course of states given the sequence (Viterbi 1967). int64, sample + batch + [length]; no gradient.
   *
   * @throws ShapeError when the value is not a sequence of this length.
   */
  viterbi(value: TensorLike): Tensor {
    const seen = this.emissions(this.sequence("viterbi", value));
    const transition = normalised(this.transition);
    const forward = scan(this.begin(seen), others(seen), (before, e) => {
      const all = add(unsqueeze(before, -1), transition);
      const best = add(max(all, -2), e);
      return { carry: best, output: argmax(all, -2) };
    });
    const end = argmax(forward.carry, -1);
    const { outputs } = scan(
      end,
      forward.outputs,
      (next, from) => {
        const state = sum(where(oneHot(next, this.states, "float32").greater(0), from, 0), -1);
        return { carry: state, output: state };
      },
      { reverse: true },
    );
    return stopGradient(fromFront(concat([outputs, unsqueeze(end, 0)]), end.rank));
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const outer = shape.slice(0, shape.length - this.eventShape.length);
    const transition = normalised(this.transition);
    const begin = this.initial.expand(outer).sample(`${site}/first`);
    const { outputs: rest } = scan(
      begin,
      undefined,
      (before) => {
        const row = where(unsqueeze(oneHot(before, this.states, "float32"), -1).greater(0), transition, 0);
        const state = Categorical({ logits: sum(row, -2) }).sample(`${site}/state`);
        return { carry: state, output: state };
      },
      { length: this.length - 1 },
    );
    const states = concat([unsqueeze(begin, 0), rest]);
    const { outputs } = scan([], states, (_, state) => {
      const all = this.emission.expand([...outer, this.states]).sample(`${site}/value`);
      const chosen = oneHot(state, this.states, "float32");
      const wide = reshape(chosen, [...chosen.shape, ...this.emission.eventShape.map(() => 1)]);
      return { carry: [], output: sum(where(wide.greater(0), all, full([], 0, all.dtype)), outer.length) };
    });
    return fromFront(outputs, outer.length);
  }

  protected override rebuild(parameters: Parameters): Distribution {
    const part = <D extends Distribution>(d: D, path: string): Distribution =>
      d.mapParameters((_, k) => parameters[`${path}.${k}`]);
    return new HiddenMarkovDistribution(
      part(this.initial, "initial") as CategoricalDistribution,
      part(this.transition, "transition") as CategoricalDistribution,
      part(this.emission, "emission"),
      this.length,
    );
  }

  override unchecked(): this {
    const emission = this.emission.unchecked();
    return Object.assign(Object.create(Object.getPrototypeOf(this)), this, { emission });
  }
}

/**
 * A sequence whose steps depend on a hidden state: the first state is drawn from `initial`, each further one from the row of
 * `transition` of the state before, and each value from the `emission` of its state. The states are summed out, so that the density has only
 * the sequence and has gradients. Event shape [length] + that of the emission; draws have no gradient.
 *
 * The forward algorithm is a loop over steps (`scan`): the cost is length · K², and the time to compile does not depend on the length. The states come back
 * by `stateProbs` (their probabilities), `sampleStates` (a course drawn from the posterior) and `viterbi` (the most probable course).
 *
 * @param initial K states; its batch is the batch
 * @param transition batch + [K] rows of K states
 * @param emission batch + [K]
 * @param length number of steps, at least 1
 *
 * @example
 * const chain = HiddenMarkov(
 *   Categorical({ probs: [0.5, 0.5] }),
 *   Categorical({ probs: [[0.9, 0.1], [0.2, 0.8]] }),
 *   Normal([0, 3], 1),
 *   100,
 * );
 *
 * @throws ShapeError when the numbers of states differ; UsageError when the length is not a whole number of at least 1, or the dtypes differ.
 */
export function HiddenMarkov(
  initial: CategoricalDistribution,
  transition: CategoricalDistribution,
  emission: Distribution,
  length: number,
): HiddenMarkovDistribution {
  const isCategorical = (d: unknown): boolean => d instanceof CategoricalDistribution;
  if (!isCategorical(initial) || !isCategorical(transition) || !(emission instanceof Distribution)) {
    throw new UsageError(
      "HiddenMarkov: expected an initial Categorical, a Categorical with a row for each state, and the emissions' distribution, as in " +
        "HiddenMarkov(Categorical({ logits }), Categorical({ logits: rows }), Normal(loc, scale), length).",
    );
  }
  if (!Number.isSafeInteger(length) || length < 1)
    throw new UsageError(
      `HiddenMarkov: the length must be a whole number of at least 1, found ${String(length)}.`,
    );
  const count = initial.cardinality ?? 0;
  const rows = transition.batchShape.at(-1);
  if (rows !== count || transition.cardinality !== count) {
    throw new ShapeError(
      `HiddenMarkov: ${count} initial states need a transition of shape [..., ${count}, ${count}], found ` +
        `[..., ${rows ?? "no rows"}, ${transition.cardinality}].`,
    );
  }
  if (emission.batchShape.at(-1) !== count) {
    throw new ShapeError(
      `HiddenMarkov: expected emissions with a last batch dimension of ${count}, one for each state, found ${emission.name} of batch shape ` +
        `${formatShape(emission.batchShape)}. Move that dimension there, or expand the emissions.`,
    );
  }
  const dtypes = [initial, transition, emission].map((d) => d.floatDType);
  if (new Set(dtypes).size > 1) {
    throw new UsageError(
      `HiddenMarkov: initial, transition and emission are ${dtypes.join(", ")}; cast the parameters to one.`,
    );
  }
  return new HiddenMarkovDistribution(initial, transition, emission, length);
}
