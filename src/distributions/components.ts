/** The support of a distribution that has its values from one of several components. */
import {
  cast,
  greater,
  isConstant,
  logicalOr,
  max,
  min,
  slice,
  squeeze,
  sum,
  Tensor,
  transpose,
  unsqueeze,
} from "../tensor/index.ts";
import {
  atLeast,
  atMost,
  type Constraint,
  greaterThan,
  type IntervalConstraint,
  independentConstraint,
  integerInterval,
  interval,
} from "./constraints.ts";
import type { Distribution } from "./distribution.ts";
import { answerOf, elementOf, sameSet } from "./membership.ts";

type End = Tensor | number;

/** Sets that their ends define. */
const between: Readonly<Record<string, (low: End, high: End) => Constraint>> = {
  interval,
  atLeast: (low) => atLeast(low),
  atMost: (_, high) => atMost(high),
  greaterThan: (low) => greaterThan(low),
  integerInterval,
};

/** The set of all of them. No transform leads to one of unlike sets. */
const union = (sets: readonly Constraint[], check: (x: Tensor) => Tensor): Constraint => ({
  name: "union",
  eventRank: sets[0].eventRank,
  isDiscrete: sets[0].isDiscrete,
  of: sets,
  description: "values in the support of a component",
  check,
});

/** The union of the supports of several distributions. */
export function unionOf(sets: readonly Constraint[]): Constraint {
  const [first, ...rest] = sets;
  if (rest.every((set) => sameSet(first, set))) return first;
  return union(sets, (x) => sets.map((set) => set.check(x)).reduce((a, b) => logicalOr(a, b)));
}

/** Options of {@link unionOverComponents}. */
interface Over {
  /** Whether the values have an axis of steps, each from a component of its own, where the distribution has that of the components. */
  readonly steps?: boolean;
}

/** An end without the axis of the components, or of size 1 there; `varies` if it stands for several, of which it is the outermost. */
function endOver(
  end: End,
  axis: number,
  keepDims: boolean,
  outermost: typeof min,
): { readonly is: End; readonly varies: boolean } {
  if (!(end instanceof Tensor) || end.rank < -axis) return { is: end, varies: false };
  const isSame =
    end.shape[end.rank + axis] === 1 ||
    (isConstant(end) && end.attributes.values.every((v) => v === end.attributes.values[0]));
  if (!isSame) return { is: outermost(end, axis, { keepDims }), varies: true };
  const one = slice(end, { axis, start: 0, end: 1 });
  return { is: keepDims ? one : squeeze(one, axis), varies: false };
}

/** One interval, if those of all components have an end in common, so that the widest holds the rest. */
function widest(d: Distribution, steps: boolean): Constraint | undefined {
  const rank = d.eventShape.length;
  const { name = "", low, high } = elementOf(d.support) as Partial<IntervalConstraint>;
  if (low === undefined || high === undefined || !Object.hasOwn(between, name)) return undefined;
  const [first, last] = [endOver(low, -1 - rank, steps, min), endOver(high, -1 - rank, steps, max)];
  return first.varies && last.varies
    ? undefined
    : independentConstraint(between[name](first.is, last.is), rank);
}

/**
 * The union of the supports along the last batch dimension of a distribution, that of its components. The ends of one component's support are not those of
 * an element of a batch or an event that happens to have as many.
 */
export function unionOverComponents(d: Distribution, { steps = false }: Over = {}): Constraint {
  const { support, eventShape, dtype } = d;
  if (answerOf(support, eventShape, dtype).answer.rank === 0) return support;
  const inSome = (x: Tensor): Tensor => {
    const each = support.check(unsqueeze(x, x.rank - support.eventRank));
    return greater(sum(cast(each, "float32"), -1), 0);
  };
  const inSomeAtEach = (x: Tensor): Tensor => {
    const place = x.rank - support.eventRank - 1;
    const axes = x.shape.map((_, i) => i);
    const found = inSome(transpose(x, [place, ...axes.filter((i) => i !== place)]));
    return transpose(found, [...found.shape.map((_, i) => i).slice(1), 0]);
  };
  return widest(d, steps) ?? union([support], steps ? inSomeAtEach : inSome);
}
