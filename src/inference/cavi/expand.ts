/** Rewrites a graph to its normal form: the effect of each op on sums of products of sites. */
import { isElementwise, topological } from "../../compile/index.ts";
import * as ops from "../../tensor/index.ts";
import { isFloat, isInteger, type NodeOf, on, rebuild, type Tensor } from "../../tensor/index.ts";
import { indicator, type LatentValue, newIndex, opaque, selector, value } from "./atoms.ts";
import * as choices from "./choices.ts";
import * as functions from "./functions.ts";
import { describe, opaqueOf, signOf, sitesIn } from "./functions.ts";
import { axesOf, fromTensor, isRange, squeezed, toTensor } from "./known.ts";
import * as matrices from "./matrices.ts";
import {
  add,
  asNumber,
  isKnownPolynomial,
  multiply,
  number,
  type Polynomial,
  scale,
  single,
  subtract,
  sumAxis,
} from "./polynomial.ts";
import * as structure from "./structure.ts";
import { throughSwitches } from "./switches.ts";

/** The result of a node, from its inputs. Undefined if the rule is for another op, or the result is not a sum of products. */
type Rule = (node: Tensor, inputs: readonly Polynomial[]) => Polynomial | undefined;

/** The result of the first rule that applies. */
function firstOf(
  rules: readonly Rule[],
  node: Tensor,
  inputs: readonly Polynomial[],
): Polynomial | undefined {
  for (const rule of rules) {
    const p = rule(node, inputs);
    if (p !== undefined) return p;
  }
  return undefined;
}

const one = number(1);
const softplus = (p: Polynomial): Polynomial | undefined => {
  const e = functions.exp(p);
  return e && functions.log(add(one, e));
};
const sigmoid = (p: Polynomial): Polynomial | undefined => {
  const e = functions.exp(scale(p, -1));
  return e && functions.power(add(one, e), -1);
};

const isInfinite = (t: Tensor): boolean =>
  ops.isConstant(t) && t.attributes.values.every((v) => Math.abs(v) === Number.POSITIVE_INFINITY);

/** A product of positive atoms has the sign of its known part. */
const comparedToZero: Rule = (node, [a, b]) => {
  const [p, q] = [signOf(a), signOf(b)];
  const signs = asNumber(b) === 0 && p ? [p, b] : asNumber(a) === 0 && q ? [a, q] : undefined;
  return signs && onKnown(signs, node);
};

/** Element-wise functions of parts without indicators. */
const pointwise: readonly Rule[] = [
  on(ops.log, (_, [p]) => functions.log(p)),
  on(ops.logOfTerms, (_, [p]) => functions.log(p)),
  on(ops.log1p, (_, [p]) => functions.log(add(one, p))),
  on(ops.exp, (_, [p]) => functions.exp(p)),
  on(ops.expm1, (_, [p]) => {
    const e = functions.exp(p);
    return e && subtract(e, one);
  }),
  on(ops.softplus, (_, [p]) => softplus(p)),
  on(ops.sigmoid, (_, [p]) => sigmoid(p)),
  on(ops.sqrt, (_, [p]) => functions.power(p, 0.5)),
  on(ops.div, (_, [a, b]) => {
    const inverse = functions.power(b, -1);
    return inverse && multiply(a, inverse);
  }),
  on(ops.pow, (_, [p, q]) => {
    const c = asNumber(q);
    return c === undefined ? undefined : functions.power(p, c);
  }),
  // Values computed from sites are finite.
  on(ops.equal, (node, [p]) =>
    node.inputs.some(isInfinite) ? { axes: p.axes, terms: number(0).terms } : undefined,
  ),
  on(ops.equal, comparedToZero),
  on(ops.greater, comparedToZero),
  on(ops.greaterEqual, comparedToZero),
  on(ops.less, comparedToZero),
  on(ops.lessEqual, comparedToZero),
];

/** Applies the op itself to tensors that depend on no site, aligned on common axes. */
function onKnown(inputs: readonly Polynomial[], node: Tensor): Polynomial {
  const tensors = inputs.map((p, n) => ops.cast(toTensor(p), node.inputs[n].dtype));
  return fromTensor(rebuild(node, tensors), inputs[0].axes);
}

const elementwise = (node: Tensor, inputs: readonly Polynomial[]): Polynomial =>
  throughSwitches(inputs, (parts) => {
    if (parts.every(isKnownPolynomial)) return onKnown(parts, node);
    return firstOf(pointwise, node, parts) ?? opaqueOf(node.op.name, parts);
  });

function softmax(
  { attributes: { axis } }: NodeOf<typeof ops.softmax>,
  [p]: readonly Polynomial[],
): Polynomial {
  const through = (q: Polynomial, what: string, f: (r: Polynomial) => Polynomial | undefined): Polynomial =>
    throughSwitches([q], ([r]) => f(r) ?? opaqueOf(what, [r]));
  const e = through(p, "exp", functions.exp);
  const total = sumAxis(e, axis);
  const kept = [...total.axes.slice(0, axis), undefined, ...total.axes.slice(axis)];
  return multiply(
    e,
    through({ axes: kept, terms: total.terms }, "div", (q) => functions.power(q, -1)),
  );
}

/** The rules, by op; all other element-wise ops use `elementwise`. */
const rules: readonly Rule[] = [
  on(ops.add, (_, [a, b]) => add(a, b)),
  on(ops.sub, (_, [a, b]) => subtract(a, b)),
  on(ops.neg, (_, [p]) => scale(p, -1)),
  on(ops.mul, (_, [a, b]) => multiply(a, b)),
  on(ops.stopGradient, (_, [p]) => p),
  on(ops.cast, (node, inputs) => (isFloat(node.dtype) ? inputs[0] : elementwise(node, inputs))),
  on(ops.where, (node, inputs) => choices.where(inputs) ?? unknown(node, inputs)),
  on(ops.sum, (node, [p]) => structure.sum(p, node)),
  on(ops.matmul, (node, inputs) => structure.matmul(inputs, node)),
  on(ops.reshape, (node, [p]) => structure.reshape(p, node)),
  on(ops.transpose, (node, [p]) => structure.transpose(p, node)),
  on(ops.expand, (node, [p]) => structure.repeat(p, node)),
  on(ops.slice, (node, [p]) => choices.slice(p, node)),
  on(ops.pad, (node, [p]) => choices.pad(p, node)),
  on(ops.concat, (node, inputs) => choices.concat(inputs, node)),
  on(ops.gather, (node, inputs) => choices.gather(inputs, node)),
  on(ops.cumsum, (node, [p]) => structure.cumsum(p, node)),
  on(ops.triangularSolve, (node, inputs) => matrices.solve(inputs, node)),
  on(ops.cholesky, (node, [p]) => matrices.factorised(p, node)),
  on(ops.softmax, softmax),
  (node, inputs) => (isElementwise(node) ? elementwise(node, inputs) : undefined),
];

/** A node without a rule: one unknown for each of its elements. */
function unknown(node: Tensor, inputs: readonly Polynomial[]): Polynomial {
  return single(
    opaque(describe(node.op.name, inputs), sitesIn(inputs), `node ${node.id}`),
    axesOf(node.shape),
  );
}

/** The value of a site, element by element. As a whole number, a category is Σ k zₖ. */
function leafPolynomial(leaf: Tensor, of: LatentValue, categories: number): Polynomial {
  const axes = axesOf(leaf.shape);
  // With a single category, or a simplex of one number, the value is known.
  if (of.kind === "category" && categories === 1)
    return { axes, terms: number(isInteger(leaf.dtype) ? 0 : 1).terms };
  if (of.kind === "simplex" && leaf.shape[leaf.rank - 1] === 1) return { axes, terms: one.terms };
  if (of.kind !== "category") return single(value(of), axes);
  if (!isInteger(leaf.dtype)) return single(indicator(of), axes);
  const category = newIndex(categories);
  const places = [...axes, category];
  const weighted = multiply(
    single(indicator(of), places),
    fromTensor(ops.arange(categories, "int64"), [category]),
  );
  return sumAxis(weighted, axes.length);
}

/** Indicators of known whole numbers (`oneHot`). The whole numbers are kept, because the indicators are rarely written out. */
function indicatorsOf(t: Tensor): Polynomial | undefined {
  if (!ops.cast.is(t)) return undefined;
  const [compared] = t.inputs;
  if (!ops.equal.is(compared)) return undefined;
  const [at, classes] = compared.inputs;
  const count = t.shape[t.rank - 1];
  const fits =
    count > 1 &&
    isInteger(at.dtype) &&
    at.rank === t.rank &&
    at.shape[at.rank - 1] === 1 &&
    classes.shape[classes.rank - 1] === count &&
    isRange(classes, count);
  return fits ? single(selector(squeezed(at)), axesOf(t.shape)) : undefined;
}

/** A latent leaf of a graph. */
export interface LatentLeaf {
  readonly value: LatentValue;
  /** The number of categories of a site of that kind. */
  readonly categories: number;
}

/** Writes expressions as sums of products of latent sites and known tensors. */
export function expandGraphs(
  roots: readonly Tensor[],
  latents: ReadonlyMap<Tensor, LatentLeaf>,
): Polynomial[] {
  const done = new Map<Tensor, Polynomial>();
  const depends = new Set<Tensor>(latents.keys());
  const of = (t: Tensor): Polynomial => {
    let p = done.get(t);
    if (p === undefined) {
      p = indicatorsOf(t) ?? fromTensor(t);
      done.set(t, p);
    }
    return p;
  };
  for (const node of topological(roots)) {
    const latent = latents.get(node);
    if (latent !== undefined) {
      done.set(node, leafPolynomial(node, latent.value, latent.categories));
      continue;
    }
    if (!node.inputs.some((x) => depends.has(x))) continue;
    depends.add(node);
    const inputs = node.inputs.map(of);
    done.set(node, firstOf(rules, node, inputs) ?? unknown(node, inputs));
  }
  return roots.map(of);
}
