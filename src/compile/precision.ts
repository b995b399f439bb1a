/** A graph in another floating-point precision. */
import {
  constant,
  type DType,
  Equation,
  input,
  isConstant,
  isFloat,
  isImplicit,
  isInput,
  isNoise,
  isParameter,
  isScan,
  noise,
  parameter,
  rebuild,
  ScanBody,
  Tensor,
} from "../tensor/index.ts";
import { rewrite } from "./graph.ts";

export interface Converted {
  readonly outputs: readonly Tensor[];
  /** The replacement of each float input, parameter and noise of the graph. */
  readonly leaves: ReadonlyMap<Tensor, Tensor>;
}

function convertLeaf(leaf: Tensor, dtype: DType): Tensor {
  if (isConstant(leaf)) return constant(leaf.attributes.values, leaf.shape, dtype);
  if (isInput(leaf)) return input(leaf.attributes.name, leaf.shape, dtype);
  if (isNoise(leaf)) return noise(leaf.attributes.kind, leaf.attributes.site, leaf.shape, dtype);
  if (isParameter(leaf)) {
    const { initializer, trainable } = leaf.attributes;
    return parameter(leaf.shape, initializer, { dtype, trainable });
  }
  return leaf;
}

const convertedBodies = {
  float32: new WeakMap<ScanBody, ScanBody>(),
  float64: new WeakMap<ScanBody, ScanBody>(),
};

function bodyIn(body: ScanBody, dtype: "float32" | "float64"): ScanBody {
  const known = convertedBodies[dtype].get(body);
  if (known !== undefined) return known;
  const { outputs, leaves } = inPrecision([...body.outputs, ...body.inputs], dtype);
  const inputs = body.inputs.map((leaf) => leaves.get(leaf) ?? leaf);
  const converted = new ScanBody(inputs, outputs.slice(0, body.outputs.length));
  convertedBodies[dtype].set(body, converted);
  return converted;
}

/**
 * The same graph with every float in `dtype`. Constants keep their original digits: a graph written in float32 and converted to
 * float64 computes as if it had been written in float64, except for thresholds that were chosen for float32 while it was traced.
 */
export function inPrecision(outputs: readonly Tensor[], dtype: "float32" | "float64"): Converted {
  const leaves = new Map<Tensor, Tensor>();
  const converted = rewrite(outputs, (node, inputs) => {
    if (node.op.host === "leaf") {
      if (!isFloat(node.dtype) || node.dtype === dtype) return node;
      const leaf = convertLeaf(node, dtype);
      if (!isConstant(leaf)) leaves.set(node, leaf);
      return leaf;
    }
    if (isScan(node))
      return rebuild(node, inputs, { ...node.attributes, body: bodyIn(node.attributes.body, dtype) });
    if (isImplicit(node)) {
      const { leaves: own, residual, slope } = node.attributes.equation;
      const { outputs: wide } = inPrecision([residual, slope, ...own], dtype);
      return rebuild(node, inputs, { equation: new Equation(wide.slice(2), wide[0], wide[1]) });
    }
    const named = node.attributes.dtype;
    if ((named === "float32" || named === "float64") && named !== dtype) {
      const { shape } = node.op.infer(inputs, { ...node.attributes, dtype });
      return new Tensor(node.op, inputs, { ...node.attributes, dtype }, shape, dtype);
    }
    return inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs);
  });
  return { outputs: converted, leaves };
}
