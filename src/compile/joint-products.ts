/**
 * Joins several matrix products into one. Two heads on one hidden layer (mean and log-variance) send it the gradient
 * G₁ W₁ᵀ + G₂ W₂ᵀ = [G₁ G₂] [W₁ W₂]ᵀ. With the narrow factors side by side, the wide result is written once instead of twice and added.
 * The heads' own gradients hᵀ G₁ and hᵀ G₂ are then parts of hᵀ [G₁ G₂], which reads h once and fills the runtime's vectors better.
 */
import {
  add,
  concat,
  matmul,
  type NodeOf,
  nodesOf,
  rebuild,
  sameShape,
  slice,
  type Tensor,
} from "../tensor/index.ts";
import { applyRule, countUses, type Replacement, replaceNodes, topological, type UseRule } from "./graph.ts";
import { simplify } from "./simplify.ts";

type Product = NodeOf<typeof matmul>;

const isProduct = (t: Tensor): t is Product => matmul.is(t) && t.rank === 2;
const sameFlags = ({ attributes: p }: Product, { attributes: q }: Product): boolean =>
  p.transposeA === q.transposeA && p.transposeB === q.transposeB;

/** Whether a·b + c·d is cheaper as [a c]·[b; d]: the factors copied side by side must be smaller than the result. */
function pays(p: Product, q: Product): boolean {
  const [rows, columns] = p.shape;
  const inner = (t: Product) => t.inputs[0].shape[t.attributes.transposeA ? 0 : 1];
  return (rows + columns) * (inner(p) + inner(q)) < rows * columns;
}

/** Adds two products before slicing, if both sums of slices take the same slice: the sum can then become part of the second product. */
const addBeforeSlicing: UseRule = (node) => {
  const [p, q] = node.inputs;
  if (!add.is(node) || !slice.is(p) || !slice.is(q)) return undefined;
  const [a, b] = [p.inputs[0], q.inputs[0]];
  const alike = sameShape(a.shape, b.shape) && JSON.stringify(p.attributes) === JSON.stringify(q.attributes);
  return alike && isProduct(a) && isProduct(b) ? rebuild(p, [add(a, b)]) : undefined;
};

/** Joins sums of products, and products with the same factors, if that is cheaper. */
export function joinProducts(outputs: readonly Tensor[]): readonly Tensor[] {
  const nodes = topological(outputs);
  const uses = countUses(nodes, outputs);
  const plan = new Map<Tensor, Replacement>();
  const pairs: (readonly [Tensor, Tensor])[] = [];
  for (const node of nodes) {
    const [p, q] = node.inputs;
    if (!add.is(node) || p === q || !isProduct(p) || !isProduct(q)) continue;
    if (!sameFlags(p, q) || uses.get(p) !== 1 || uses.get(q) !== 1 || !pays(p, q)) continue;
    const { transposeA, transposeB } = p.attributes;
    plan.set(node, {
      from: [...p.inputs, ...q.inputs],
      make: ([a, b, c, d]) =>
        matmul(concat([a, c], transposeA ? 0 : 1), concat([b, d], transposeB ? 1 : 0), p.attributes),
    });
    if (!transposeA) pairs.push([p.inputs[0], q.inputs[0]]);
  }
  if (plan.size === 0) return outputs;

  const behind = new Set(pairs.flat().flatMap((t) => [...nodesOf(t)]));
  const products = nodes.filter(isProduct).filter((t) => !t.attributes.transposeB && !behind.has(t));
  for (const [b, d] of pairs) {
    for (const p of products.filter((t) => t.inputs[1] === b)) {
      const q = products.find((t) => t.inputs[0] === p.inputs[0] && t.inputs[1] === d && sameFlags(p, t));
      if (q === undefined) continue;
      const width = b.shape[1];
      const joint = ([a, x, y]: readonly Tensor[]) => matmul(a, concat([x, y], 1), p.attributes);
      const from = [p.inputs[0], b, d];
      plan.set(p, { from, make: (f) => slice(joint(f), { axis: 1, end: width }) });
      plan.set(q, { from, make: (f) => slice(joint(f), { axis: 1, start: width }) });
    }
  }
  return applyRule(simplify(replaceNodes(outputs, plan)), addBeforeSlicing);
}
