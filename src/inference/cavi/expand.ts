/** From a graph to the normal form: what each op does to sums of products of sites. */
import { isFloat, isInteger } from "../../tensor/dtype.ts";
import { arange } from "../../tensor/leaf.ts";
import { rebuild } from "../../tensor/op.ts";
import { cast } from "../../tensor/ops/cast.ts";
import { nodesOf } from "../../tensor/substitute.ts";
import type { Tensor } from "../../tensor/tensor.ts";
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

/** What an op makes of its inputs; nothing where that is no sum of products. */
type Rule = (inputs: readonly Polynomial[], node: Tensor) => Polynomial | undefined;

const one = number(1);
const softplus = (p: Polynomial): Polynomial | undefined => {
  const e = functions.exp(p);
  return e && functions.log(add(one, e));
};
const sigmoid = (p: Polynomial): Polynomial | undefined => {
  const e = functions.exp(scale(p, -1));
  return e && functions.power(add(one, e), -1);
};

/** A product of positive atoms has the sign of its known part. */
const comparedToZero: Rule = ([a, b], node) => {
  const [p, q] = [signOf(a), signOf(b)];
  const signs = asNumber(b) === 0 && p ? [p, b] : asNumber(a) === 0 && q ? [a, q] : undefined;
  return signs && onKnown(signs, node);
};

/** Functions of what no indicator decides, element by element. */
const pointwise: Readonly<Record<string, Rule>> = {
  log: ([p]) => functions.log(p),
  log1p: ([p]) => functions.log(add(one, p)),
  exp: ([p]) => functions.exp(p),
  expm1: ([p]) => {
    const e = functions.exp(p);
    return e && subtract(e, one);
  },
  softplus: ([p]) => softplus(p),
  sigmoid: ([p]) => sigmoid(p),
  sqrt: ([p]) => functions.power(p, 0.5),
  div: ([a, b]) => {
    const inverse = functions.power(b, -1);
    return inverse && multiply(a, inverse);
  },
  pow: ([p, q]) => {
    const c = asNumber(q);
    return c === undefined ? undefined : functions.power(p, c);
  },
  equal: comparedToZero,
  greater: comparedToZero,
  greaterEqual: comparedToZero,
  less: comparedToZero,
  lessEqual: comparedToZero,
};

/** The op itself on tensors that no site reaches, aligned on common axes. */
function onKnown(inputs: readonly Polynomial[], node: Tensor): Polynomial {
  const tensors = inputs.map((p, n) => cast(toTensor(p), node.inputs[n].dtype));
  return fromTensor(rebuild(node, tensors), inputs[0].axes);
}

const elementwise: Rule = (inputs, node) =>
  throughSwitches(inputs, (parts) => {
    if (parts.every(isKnownPolynomial)) return onKnown(parts, node);
    return pointwise[node.op.name]?.(parts, node) ?? opaqueOf(node.op.name, parts);
  });

const softmax: Rule = ([p], node) => {
  const { axis } = node.attributes as { readonly axis: number };
  const through = (q: Polynomial, what: string, f: (r: Polynomial) => Polynomial | undefined): Polynomial =>
    throughSwitches([q], ([r]) => f(r) ?? opaqueOf(what, [r]));
  const e = through(p, "exp", functions.exp);
  const total = sumAxis(e, axis);
  const kept = [...total.axes.slice(0, axis), undefined, ...total.axes.slice(axis)];
  return multiply(
    e,
    through({ axes: kept, terms: total.terms }, "div", (q) => functions.power(q, -1)),
  );
};

const rules: Readonly<Record<string, Rule>> = {
  add: ([a, b]) => add(a, b),
  sub: ([a, b]) => subtract(a, b),
  neg: ([p]) => scale(p, -1),
  mul: ([a, b]) => multiply(a, b),
  stopGradient: ([p]) => p,
  cast: (inputs, node) => (isFloat(node.dtype) ? inputs[0] : elementwise(inputs, node)),
  where: (inputs) => choices.where(inputs),
  sum: ([p], node) => structure.sum(p, node),
  matmul: structure.matmul,
  reshape: ([p], node) => structure.reshape(p, node),
  transpose: ([p], node) => structure.transpose(p, node),
  expand: ([p], node) => structure.repeat(p, node),
  slice: ([p], node) => choices.slice(p, node),
  pad: ([p], node) => choices.pad(p, node),
  concat: choices.concat,
  gather: choices.gather,
  cumsum: ([p], node) => structure.cumsum(p, node),
  triangularSolve: matrices.solve,
  cholesky: ([p], node) => matrices.factorised(p, node),
  softmax,
};

const isElementwise = (t: Tensor): boolean => typeof t.op.host === "object" && "expression" in t.op.host;

/** A node that has no rule: one unknown for each of its elements. */
function unknown(node: Tensor, inputs: readonly Polynomial[]): Polynomial {
  return single(
    opaque(describe(node.op.name, inputs), sitesIn(inputs), `node ${node.id}`),
    axesOf(node.shape),
  );
}

/** The value of a site, element by element. A category as a whole number is Σ k zₖ. */
function leafPolynomial(leaf: Tensor, of: LatentValue, categories: number): Polynomial {
  const axes = axesOf(leaf.shape);
  // The only category there is, or the whole of a simplex of one.
  if (of.kind === "category" && categories === 1)
    return { axes, terms: number(isInteger(leaf.dtype) ? 0 : 1).terms };
  if (of.kind === "simplex" && leaf.shape[leaf.rank - 1] === 1) return { axes, terms: one.terms };
  if (of.kind !== "category") return single(value(of), axes);
  if (!isInteger(leaf.dtype)) return single(indicator(of), axes);
  const category = newIndex(categories);
  const places = [...axes, category];
  const weighted = multiply(
    single(indicator(of), places),
    fromTensor(arange(categories, "int64"), [category]),
  );
  return sumAxis(weighted, axes.length);
}

/** Indicators of known whole numbers (`oneHot`), kept as the whole numbers: few of them are ever written out. */
function indicatorsOf(t: Tensor): Polynomial | undefined {
  const [compared] = t.inputs;
  if (t.op.name !== "cast" || compared.op.name !== "equal") return undefined;
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
  const nodes = new Set(roots.flatMap((root) => [...nodesOf(root)]));
  for (const node of [...nodes].sort((a, b) => a.id - b.id)) {
    const latent = latents.get(node);
    if (latent !== undefined) {
      done.set(node, leafPolynomial(node, latent.value, latent.categories));
      continue;
    }
    if (!node.inputs.some((x) => depends.has(x))) continue;
    depends.add(node);
    const inputs = node.inputs.map(of);
    const rule = rules[node.op.name] ?? (isElementwise(node) ? elementwise : undefined);
    done.set(node, rule?.(inputs, node) ?? unknown(node, inputs));
  }
  return roots.map(of);
}
