import { UsageError } from "../../errors.ts";
import { add, broadcastShapes, type Shape, type Tensor } from "../../tensor/index.ts";
import { type Constraint, independentConstraint } from "../constraints.ts";
import type { Parameters } from "../distribution.ts";
import { Transform, type ValueAndLogDet } from "./transform.ts";

/** Event ranks of the whole. `extra`: for each part, how many event dimensions of its input are batch dimensions to the part. */
interface Ranks {
  readonly domain: number;
  readonly codomain: number;
  readonly extra: readonly number[];
}

/** The smallest event rank, at least `atLeast`, at which every part can be applied. */
function ranksOf(parts: readonly Transform[], atLeast: number): Ranks {
  let shift = 0;
  let needed = atLeast;
  const shifts = parts.map((t) => {
    needed = Math.max(needed, t.domain.eventRank - shift);
    const before = shift;
    shift += t.codomain.eventRank - t.domain.eventRank;
    return before;
  });
  return {
    domain: needed,
    codomain: needed + shift,
    extra: parts.map((t, i) => needed + shifts[i] - t.domain.eventRank),
  };
}

/** The joint batch shape of the parts' parameters, without their event dimensions. */
const outerBatch = (t: Transform, extra: number): Shape =>
  t.batchShape.slice(0, Math.max(0, t.batchShape.length - extra));

/** Sets whose vectors contain more numbers than they have degrees of freedom. */
const redundant = [
  "simplex",
  "lowerCholesky",
  "unitVector",
  "correlationCholesky",
  "correlation",
  "positiveDefinite",
];

/**
 * A density on a set with redundant numbers refers to fewer coordinates, so only a map made for that set has the right Jacobian.
 * @throws UsageError when values of `from` are given to a map whose domain `to` is another set.
 */
export function checkMeets(what: string, from: Constraint, to: Constraint): void {
  if (!redundant.includes(from.name) || from.name === to.name) return;
  throw new UsageError(
    `${what}: values of '${from.name}' meet a transform whose domain is '${to.name}'; ${from.name} vectors hold redundant ` +
      "numbers, so the log determinant of such a map would be wrong. Transform the unconstrained values before, or the " +
      "draws after.",
  );
}

class ComposedTransform extends Transform {
  readonly parts: readonly Transform[];
  readonly #extra: readonly number[];

  constructor(parts: readonly Transform[], options: ComposeOptions) {
    const ranks = ranksOf(parts, options.eventRank ?? 0);
    parts.slice(1).forEach((t, i) => {
      checkMeets("compose", parts[i].codomain, t.domain);
    });
    const last = parts.length - 1;
    super({
      name: parts.length === 1 ? parts[0].name : `compose(${parts.map((t) => t.name).join(", ")})`,
      domain: independentConstraint(parts[0].domain, ranks.extra[0]),
      codomain: options.codomain ?? independentConstraint(parts[last].codomain, ranks.extra[last]),
      batchShape: broadcastShapes("compose", ...parts.map((t, i) => outerBatch(t, ranks.extra[i]))),
    });
    this.parts = parts;
    this.#extra = ranks.extra;
  }

  override get hasForward(): boolean {
    return this.parts.every((t) => t.hasForward);
  }

  override get hasInverse(): boolean {
    return this.parts.every((t) => t.hasInverse);
  }

  override get parameters(): Parameters {
    return Object.fromEntries(
      this.parts.flatMap((t, i) =>
        Object.entries(t.parameters).map(([name, tensor]) => [`parts.${i}.${name}`, tensor]),
      ),
    );
  }

  protected override map(x: Tensor): Tensor {
    return this.parts.reduce((v, t) => t.forward(v), x);
  }

  override limit(x: Tensor): Tensor {
    return this.parts.reduce((v, t) => t.limit(v), x);
  }

  protected override unmap(y: Tensor): Tensor {
    return this.parts.reduceRight((v, t) => t.inverse(v), y);
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return this.mapWithLogDet(x).logDet;
  }

  protected override mapWithLogDet(x: Tensor): ValueAndLogDet {
    return chain(
      x,
      this.parts.map((t, i) => (v: Tensor) => t.forwardAndLogDet(v, this.#extra[i])),
    );
  }

  protected override unmapWithLogDet(y: Tensor): ValueAndLogDet {
    const steps = this.parts.map((t, i) => (v: Tensor) => t.inverseAndLogDet(v, this.#extra[i]));
    return chain(y, steps.reverse());
  }

  protected override forwardEvent(event: Shape): Shape {
    return lastOf(
      this.parts.reduce((s, t) => t.forwardShape(s), event),
      this.codomain.eventRank,
    );
  }

  protected override inverseEvent(event: Shape): Shape {
    return lastOf(
      this.parts.reduceRight((s, t) => t.inverseShape(s), event),
      this.domain.eventRank,
    );
  }
}

type Step = (value: Tensor) => ValueAndLogDet;

function chain(start: Tensor, [first, ...rest]: readonly Step[]): ValueAndLogDet {
  return rest.reduce((sofar, step) => {
    const { value, logDet } = step(sofar.value);
    return { value, logDet: add(sofar.logDet, logDet) };
  }, first(start));
}

const lastOf = (shape: Shape, rank: number): Shape => shape.slice(shape.length - rank);

export interface ComposeOptions {
  /** The smallest number of dimensions of one event. Default: as few as the parts need. */
  readonly eventRank?: number;
  /** The codomain of the whole, if it is narrower than that of the last part. */
  readonly codomain?: Constraint;
}

/** {@link compose} with a given codomain or event rank. */
export const composeWith = (parts: readonly Transform[], options: ComposeOptions): Transform =>
  new ComposedTransform(parts, options);

/**
 * Transforms one after another, the first one first: compose(f, g) maps x to g(f(x)). Element-wise parts apply to every
 * number of the others' events, and their log determinants are summed over the event.
 *
 * @example
 * const logit = transforms.compose(transforms.affine(1, 2), transforms.sigmoid);
 *
 * @throws UsageError when the list is empty.
 */
export function compose(...parts: readonly Transform[]): Transform {
  if (parts.length === 0) {
    throw new UsageError(
      "compose: expected at least one transform, found none; transforms.identity changes nothing.",
    );
  }
  return parts.length === 1 ? parts[0] : new ComposedTransform(parts, {});
}
