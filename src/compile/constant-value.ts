/** The value of an op applied to constants, on the host. */
import {
  exactWhole,
  type HostLayout,
  isConstant,
  type Shape,
  sameShape,
  stridesOf,
  type Tensor,
} from "../tensor/index.ts";
import { compileHost } from "./host.ts";

type ElementFunction = (X: typeof exactWhole, out: Float64Array, ...inputs: Float64Array[]) => void;

/** Compiled functions by their code: a graph has many nodes but few different ops. */
const elementFunctions = new Map<string, ElementFunction>();

/** Runs the expression of an element-wise op over arrays, named x0, x1, … in it, that are as long as the result. */
function evaluateElements(code: string, out: Float64Array, inputs: readonly Float64Array[]): void {
  const key = `${inputs.length} ${code}`;
  const names = inputs.map((_, i) => `x${i}`);
  const known = elementFunctions.get(key);
  const loop = `"use strict"; for (let i = 0; i < out.length; i++) out[i] = ${code};`;
  const run = known ?? (new Function("X", "out", ...names, loop) as ElementFunction);
  if (known === undefined) elementFunctions.set(key, run);
  run(exactWhole, out, ...inputs);
}

/** Fills `out` in order with elements that lie elsewhere. */
function copyElements(
  out: Float64Array,
  x: Float64Array,
  shape: Shape,
  { start, strides }: HostLayout,
): void {
  const index = shape.map(() => 0);
  for (let i = 0, place = start; i < out.length; i++) {
    out[i] = x[place];
    for (let d = shape.length - 1; d >= 0; d--) {
      place += strides[d];
      if (++index[d] < shape[d]) break;
      place -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
}

/** The value of a node whose inputs are all constants. */
export function evaluateConstant(node: Tensor): Float64Array {
  const out = new Float64Array(node.size);
  const { host } = node.op;
  const values = node.inputs.map((x) => (isConstant(x) ? x.attributes.values : undefined));
  if (typeof host === "object" && values.every((v) => v !== undefined)) {
    if ("kernel" in host) {
      host.kernel(node)(out, ...values);
      return out;
    }
    if ("layout" in host) {
      const [x] = node.inputs;
      copyElements(out, values[0], node.shape, host.layout(node, { start: 0, strides: stridesOf(x.shape) }));
      return out;
    }
    // Inputs in the order of the result, or of one number.
    if ("expression" in host && node.inputs.every((x) => x.size === 1 || sameShape(x.shape, node.shape))) {
      const names = values.map((v, i) => `x${i}[${v.length === 1 ? 0 : "i"}]`);
      evaluateElements(host.expression(names, node), out, values);
      return out;
    }
  }
  compileHost([node], { once: true }).bind([], [out])();
  return out;
}
