/** Finite sites that a guide or a chain left out, drawn from their posterior given everything else: exactly, by the elimination that summed them out. */
import { type Handler, latentSites, type Program, randomSites, type Trace, trace } from "../program/index.ts";
import {
  add,
  argmax,
  cast,
  constant,
  equal,
  log,
  max,
  mul,
  neg,
  noise,
  reshape,
  softmax,
  sum,
  type Tensor,
  where,
} from "../tensor/index.ts";
import { type Conditional, densityOf, eliminate, type ListedSite, listSite } from "./elimination.ts";
import { HiddenAxes, type HiddenAxis } from "./hidden-axes.ts";
import { depthOf } from "./terms.ts";

/** A finite site given everything else. */
export interface FinitePosterior {
  /** A draw, of the site's shape. */
  readonly value: Tensor;
  /** P(value | the other sites, the data), [batch of the site, cardinality]; given the draws of finite sites before it. */
  readonly probabilities: Tensor;
}

/** 0, 1, …, size − 1 along a dimension, beside `rest` dimensions right of it. */
const countAlong = (size: number, rest: number): Tensor =>
  constant(
    Array.from({ length: size }, (_, i) => i),
    [size, ...new Array<number>(rest).fill(1)],
  );

/**
 * Traces a program on its data and on values of its continuous sites, and draws the finite sites that have none: forwards through what
 * the elimination did backwards, each given those before it.
 *
 * @param given answers the sites whose values are known
 */
export function finitePosterior<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  given: readonly Handler[],
): ReadonlyMap<string, FinitePosterior> {
  const listed: ListedSite[] = [];
  const list: Handler = (message, next) => {
    const open = message.kind === "sample" && message.value === undefined;
    if (!open || message.distribution.cardinality === undefined) return next(message);
    const site = listSite(message);
    listed.push(site);
    return next({ ...message, value: site.value });
  };
  const recorded = trace(program, args, [...given, list]);
  if (listed.length === 0) return new Map();
  const depth = depthOf(recorded);
  const hidden = new HiddenAxes();
  for (const { axis, placeholder, values } of listed) hidden.add(axis, [placeholder], () => values);
  const terms = randomSites(recorded).map((site) => densityOf(hidden, depth, site, listed));
  const conditionals: Conditional[] = [];
  eliminate(hidden, depth, terms, listed, (conditional) => conditionals.push(conditional));
  return drawn(conditionals.reverse(), recorded, depth);
}

function drawn(
  conditionals: readonly Conditional[],
  recorded: Trace,
  depth: number,
): ReadonlyMap<string, FinitePosterior> {
  /** Which of its values each site took, over the dimensions of the plates. */
  const taken = new Map<HiddenAxis, Tensor>();
  const found = new Map<string, FinitePosterior>();
  const sites = new Map(latentSites(recorded).map((s) => [s.name, s]));
  for (const { site, logWeights, axes } of conditionals) {
    const record = sites.get(site.name);
    if (record === undefined) continue;
    const { batchShape, eventShape, dtype } = record.distribution;
    // The axes to the left of the site's own are values of finite sites before it. Take the value that was drawn.
    let value = logWeights;
    const left = [...axes];
    for (const axis of axes) {
      const index = taken.get(axis);
      if (axis === site.axis || index === undefined) continue;
      const at = left.indexOf(axis);
      const chosen = equal(countAlong(axis.size, left.length - at - 1 + depth), index);
      value = max(where(chosen, value, Number.NEGATIVE_INFINITY), at);
      left.splice(at, 1);
    }
    const batch = batchShape.length === 0 ? [] : batchShape;
    const size = site.axis.size;
    // [cardinality, …batch]: dimensions left of the site's own plates have size 1.
    const spread = add(
      reshape(value, [size, ...value.shape.slice(value.rank - batch.length)]),
      constant(new Float64Array(size * batch.reduce((a, b) => a * b, 1)), [size, ...batch], value.dtype),
    );
    const uniform = noise("uniform", `${site.name}/given the rest`, spread.shape, spread.dtype);
    const index = cast(argmax(add(spread, neg(log(neg(log(uniform))))), 0), "float32");
    taken.set(site.axis, reshape(index, [...new Array<number>(depth - batch.length).fill(1), ...batch]));
    const one = cast(equal(countAlong(size, batch.length), index), "float32");
    const each = reshape(cast(site.values, "float32"), [size, ...batch.map(() => 1), ...eventShape]);
    const choice = sum(mul(reshape(one, [size, ...batch, ...eventShape.map(() => 1)]), each), 0);
    const axesLast = [...batch.map((_, i) => i + 1), 0];
    found.set(site.name, {
      value: cast(choice, dtype),
      probabilities: softmax(spread, 0).transpose(axesLast),
    });
  }
  return found;
}
