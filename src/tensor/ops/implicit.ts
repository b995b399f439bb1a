/** A value that an equation defines. However it was found, its derivatives of every order are those of the equation. */
import { isFloat } from "../dtype.ts";
import { grad } from "../grad.ts";
import { fullBatch } from "../lanes.ts";
import { input, isConstant } from "../leaf.ts";
import { type Attributes, type DefinedOp, defineOp, type OpNode } from "../op.ts";
import { dependents } from "../recurrence.ts";
import { substituteAll } from "../substitute.ts";
import type { Tensor } from "../tensor.ts";
import { Batch } from "../vmap.ts";
import { abs, div, mul, neg } from "./arithmetic.ts";
import { lessEqual } from "./comparison.ts";
import { expand } from "./movement.ts";
import { sum } from "./reduce.ts";
import { where } from "./where.ts";

let nextEquation = 0;

/** E(x, θ) = 0, element by element in x: a closed graph, like the body of a loop. */
export class Equation {
  readonly #id = nextEquation++;
  /** x, then θ. */
  readonly leaves: readonly Tensor[];
  /** E(x, θ), in the shape of x. */
  readonly residual: Tensor;
  /** ∂E/∂x, in the shape of x. */
  readonly slope: Tensor;

  constructor(leaves: readonly Tensor[], residual: Tensor, slope: Tensor) {
    this.leaves = leaves;
    this.residual = residual;
    this.slope = slope;
  }

  /** Attributes are compared as JSON: equations are equal if they are the same object. */
  toJSON(): string {
    return `equation ${this.#id}`;
  }
}

type ImplicitAttributes = Attributes & { readonly equation: Equation };

const implicitOp: DefinedOp<ImplicitAttributes, readonly Tensor[]> = defineOp<
  ImplicitAttributes,
  readonly Tensor[]
>({
  name: "implicit",
  infer: ([x]) => ({ shape: x.shape, dtype: x.dtype }),
  // dx = −(∂E/∂θ dθ)/(∂E/∂x). It is of the node itself again, so that a derivative of it is right as well.
  derivative: (g, y, inputs, { equation }) => {
    const { leaves, residual, slope } = equation;
    const weight = input("weight", y.shape, y.dtype);
    const wanted = leaves.slice(1).filter((t) => isFloat(t.dtype));
    const slopes = grad(sum(mul(residual, weight)), wanted);
    const inPlace = (all: readonly Tensor[]): readonly Tensor[] =>
      substituteAll(all, new Map(leaves.map((leaf, i) => [leaf, i === 0 ? y : inputs[i]])));
    // Where E is flat, x does not move.
    const [steep] = inPlace([slope]);
    const flat = lessEqual(abs(steep), 0);
    const share = where(flat, 0, neg(div(g, where(flat, 1, steep))));
    const found = substituteAll(inPlace(slopes), new Map([[weight, share]]));
    return inputs.map((_, i) => (i === 0 ? undefined : found[wanted.indexOf(leaves[i])]));
  },
  batch: (lanes, { equation: { leaves, residual, slope } }, node, size) => {
    const all = lanes.map((lane, i) => (i === 0 ? fullBatch(lane, size) : lane.all));
    const wide = leaves.map((leaf, i) =>
      i === 0 || lanes[i].batched ? input("batched", all[i].shape, leaf.dtype) : leaf,
    );
    const batch = new Batch(
      size,
      new Map(leaves.flatMap((leaf, i) => (wide[i] === leaf ? [] : [[leaf, wide[i]] as const]))),
    );
    const whole = (t: Tensor): Tensor => expand(batch.lift(t), [size, ...node.shape]);
    return implicitOp(all, { equation: new Equation(wide, whole(residual), whole(slope)) });
  },
  host: "alias",
  native: { expand: ([x]) => x },
  cases: [],
});

/** Recognises a value that an equation defines. */
export const isImplicit = implicitOp.is;

/** A value that an equation defines as a node. */
export type ImplicitNode = OpNode<ImplicitAttributes, readonly Tensor[]>;

/** What an equation is made of, at any x. */
export interface EquationAt {
  /** 0 at the value. Each element depends on that of x alone. */
  readonly residual: Tensor;
  /** Its derivative in x. Where it is 0, the value's derivatives count as 0. */
  readonly slope: Tensor;
}

/**
 * `found`, with the derivatives of the solution of an equation.
 *
 * @param found the solution, to full precision; nothing flows through how it was computed
 * @param at the equation at x
 */
export function implicitly(found: Tensor, at: (x: Tensor) => EquationAt): Tensor {
  const x = input("value", found.shape, found.dtype);
  const { residual, slope } = at(x);
  const whole = [residual, slope].map((t) => expand(t, found.shape));
  const own = dependents(whole, new Set([x]));
  const parts = new Map<Tensor, Tensor>();
  const leafOf = (t: Tensor): void => {
    if (own.has(t) || parts.has(t) || (isConstant(t) && t.id > x.id)) return;
    parts.set(t, input("parameter of an equation", t.shape, t.dtype));
  };
  for (const node of own) if (node !== x) node.inputs.forEach(leafOf);
  for (const t of whole) leafOf(t);
  const [e, s] = substituteAll(whole, parts);
  return implicitOp([found, ...parts.keys()], { equation: new Equation([x, ...parts.values()], e, s) });
}
