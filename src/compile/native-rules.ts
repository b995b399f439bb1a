/** Rewrites that pay on ONNX Runtime alone, from profiles of its CPU kernels. */
import { rebuild } from "../tensor/op.ts";
import { add, neg, sub } from "../tensor/ops/arithmetic.ts";
import { fuseMatmulAdd } from "../tensor/ops/matmul.ts";
import { reshape } from "../tensor/ops/movement.ts";
import { prod, sum } from "../tensor/ops/reduce.ts";
import { log } from "../tensor/ops/transcendental.ts";
import { sameShape } from "../tensor/shape.ts";
import type { Tensor } from "../tensor/tensor.ts";
import { countUses, rewrite, topological } from "./graph.ts";

/** Factors in [½, 1] of which a float32 product stays a normal number: 2⁻¹²⁰ is. */
const MOST_FACTORS = 120;

type ReduceAttributes = { readonly axes: readonly number[]; readonly keepDims: boolean };

/** ln σ(|x|): the tail of softplus. Its argument is in [½, 1]. */
const isLogOfHalfToOne = (t: Tensor): boolean =>
  t.op.name === "log" && t.inputs[0].op.name === "sigmoid" && t.inputs[0].inputs[0].op.name === "abs";

/** A sum of logarithms as logarithms of products: the runtime's Log is a slow scalar loop, its ReduceProd a fast one. */
function sumOfLogs(t: Tensor, { axes, keepDims }: ReduceAttributes): Tensor | undefined {
  const last = t.rank - 1;
  if (!axes.includes(last)) return undefined;
  const size = t.shape[last];
  let factors = Math.min(MOST_FACTORS, size);
  while (size % factors !== 0) factors--;
  if (factors < 8) return undefined;
  const grouped = reshape(t.inputs[0], [...t.shape.slice(0, last), size / factors, factors]);
  return sum(log(prod(grouped, -1)), axes, { keepDims });
}

/** Σ(a ± b) as Σa ± Σb where one of the two has a cheaper sum of its own. */
function splitSum(node: Tensor, isUsedOnce: (t: Tensor) => boolean): Tensor | undefined {
  const attributes = node.attributes as ReduceAttributes;
  const reduce = (t: Tensor): { readonly total: Tensor; readonly cheaper: boolean } => {
    if (isUsedOnce(t)) {
      const logs = isLogOfHalfToOne(t) ? sumOfLogs(t, attributes) : undefined;
      if (logs !== undefined) return { total: logs, cheaper: true };
      if (
        (t.op.name === "add" || t.op.name === "sub") &&
        t.inputs.every((x) => sameShape(x.shape, t.shape))
      ) {
        const [a, b] = t.inputs.map(reduce);
        if (a.cheaper || b.cheaper) {
          const combine = t.op.name === "add" ? add : sub;
          return { total: combine(a.total, b.total), cheaper: true };
        }
      }
      if (t.op.name === "neg") {
        const { total, cheaper } = reduce(t.inputs[0]);
        if (cheaper) return { total: neg(total), cheaper };
      }
    }
    return { total: sum(t, attributes.axes, { keepDims: attributes.keepDims }), cheaper: false };
  };
  const { total, cheaper } = reduce(node.inputs[0]);
  return cheaper ? total : undefined;
}

/** Applies the rules to simplified outputs. */
export function applyNativeRules(outputs: readonly Tensor[]): Tensor[] {
  const uses = countUses(topological(outputs), outputs);
  const origin = new Map<Tensor, Tensor>();
  const isUsedOnce = (t: Tensor): boolean => uses.get(origin.get(t) ?? t) === 1;
  return rewrite(outputs, (node, inputs) => {
    const moved = inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs);
    const better =
      moved.op.name === "sum" && moved.dtype === "float32"
        ? splitSum(moved, isUsedOnce)
        : fuseMatmulAdd(moved, isUsedOnce);
    const result = better ?? moved;
    origin.set(result, node);
    return result;
  });
}
