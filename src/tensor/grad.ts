import { InternalError, ShapeError } from "../errors.ts";
import { isFloat } from "./dtype.ts";
import { full, zeros } from "./leaf.ts";
import { add } from "./ops/arithmetic.ts";
import { reshape } from "./ops/movement.ts";
import { sum } from "./ops/reduce.ts";
import { formatShape, type Shape, sameShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** Sums a gradient over the dimensions along which the value was repeated. */
function unbroadcast(gradient: Tensor, shape: Shape): Tensor {
  if (sameShape(gradient.shape, shape)) return gradient;
  const offset = gradient.rank - shape.length;
  const axes = gradient.shape.flatMap((n, i) =>
    i < offset || (shape[i - offset] === 1 && n !== 1) ? [i] : [],
  );
  return reshape(sum(gradient, axes), shape);
}

/** The nodes that `output` depends on and that depend on one of `wrt`, in topological order. */
function between(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  const targets = new Set(wrt);
  const depends = new Map<Tensor, boolean>();
  const nodes: Tensor[] = [];
  const stack: Tensor[] = [output];
  while (stack.length > 0) {
    const node = stack[stack.length - 1];
    if (depends.has(node)) {
      stack.pop();
      continue;
    }
    const pending = node.inputs.filter((x) => !depends.has(x));
    if (pending.length > 0) {
      stack.push(...pending);
      continue;
    }
    stack.pop();
    const relevant = targets.has(node) || node.inputs.some((x) => depends.get(x));
    depends.set(node, relevant);
    if (relevant) nodes.push(node);
  }
  return nodes.sort((a, b) => a.id - b.id);
}

/**
 * Reverse-mode derivatives as a graph transformation: for each of `wrt`, the gradient of `output` weighted by
 * `cotangent` (a vector-Jacobian product). The result is an expression like any other, so it can be differentiated again.
 * Where `output` does not depend on a tensor, its gradient is zero.
 */
export function vjp(output: Tensor, cotangent: Tensor, wrt: readonly Tensor[]): Tensor[] {
  for (const t of wrt) {
    if (!isFloat(t.dtype)) throw new ShapeError(`grad: ${t} is ${t.dtype}; only floats have derivatives.`);
  }
  const nodes = between(output, wrt);
  const relevant = new Set(nodes);
  const gradients = new Map<Tensor, Tensor>([[output, cotangent]]);
  for (const node of nodes.reverse()) {
    const g = gradients.get(node);
    if (g === undefined) continue;
    if (!node.inputs.some((x) => relevant.has(x))) continue;
    const parts = node.op.derivative(g, node, node.inputs, node.attributes);
    node.inputs.forEach((x, i) => {
      const part = parts[i];
      if (part === undefined || !relevant.has(x)) return;
      if (part.dtype !== x.dtype)
        throw new InternalError(`derivative of ${node.op.name} has dtype ${part.dtype}, not ${x.dtype}`);
      const reduced = unbroadcast(part, x.shape);
      const sofar = gradients.get(x);
      gradients.set(x, sofar === undefined ? reduced : add(sofar, reduced));
    });
  }
  return wrt.map((t) => gradients.get(t) ?? zeros(t.shape, t.dtype));
}

/**
 * The gradient of a scalar with respect to each of `wrt`, of their shapes.
 *
 * @example
 * const x = parameter([3], normal());
 * const [g] = grad(sum(mul(x, x)), [x]); // 2 x
 *
 * @throws ShapeError when the output is no scalar.
 */
export function grad(output: Tensor, wrt: readonly Tensor[]): Tensor[] {
  if (output.size !== 1) {
    throw new ShapeError(
      `grad: expected a scalar, found shape ${formatShape(output.shape)}; reduce it (sum or mean) first.`,
    );
  }
  return vjp(output, full(output.shape, 1, output.dtype), wrt);
}
