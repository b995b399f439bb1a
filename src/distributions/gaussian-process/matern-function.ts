/** The function of the squared distance in Matérn kernels, with its derivatives of all orders. */
import {
  add,
  defineOp,
  div,
  equal,
  exp,
  mul,
  neg,
  rebuild,
  sqrt,
  type Tensor,
  where,
} from "../../tensor/index.ts";

type OrderAttributes = { readonly order: number };

/** y_m(z) of y₀ = 1, y₁ = 1 + z and y_(m+1) = (2m + 1) y_m + z² y_(m−1): the reverse Bessel polynomials (Krall and Frink 1949). */
function polynomialOf(order: number, z: number): number {
  let [before, at] = [1, 1 + z];
  if (order === 0) return before;
  for (let m = 1; m < order; m++) [before, at] = [at, (2 * m + 1) * at + z * z * before];
  return at;
}

function numberOf(order: number, s: number): number {
  if (order >= 0) return polynomialOf(order, Math.sqrt(s)) * Math.exp(-Math.sqrt(s));
  const z = Math.sqrt(s);
  return s === 0 ? 0 : (polynomialOf(-order - 1, z) * Math.exp(-z)) / z ** (-2 * order - 1);
}

function expanded(order: number, s: Tensor): Tensor {
  if (order < 0) {
    const none = equal(s, 0);
    const some = where(none, 1, s);
    const power = sqrt(some).pow(-2 * order - 1);
    return where(none, 0, div(expanded(-order - 1, some), power));
  }
  const z = sqrt(s);
  let [before, at] = [mul(s, 0).add(1), add(z, 1)];
  if (order === 0) return exp(neg(z));
  for (let m = 1; m < order; m++) [before, at] = [at, add(mul(at, 2 * m + 1), mul(s, before))];
  return mul(at, exp(neg(z)));
}

/** The op of this file. */
export const maternOp = defineOp<OrderAttributes, [Tensor]>({
  name: "maternFunction",
  infer: ([s]) => ({ shape: s.shape, dtype: s.dtype }),
  derivative: (g, _, [s], { order }) => [mul(g, mul(maternFunction(order - 1, s), -0.5))],
  batch: ([s], _, node) => rebuild(node, [s.all]),
  host: {
    kernel: (node) => (out, s) => {
      for (let i = 0; i < out.length; i++) out[i] = numberOf(node.attributes.order, s[i]);
    },
  },
  native: { expand: ([s], node) => expanded(node.attributes.order, s) },
  cases: [-2, -1, 0, 1, 2].map((order) => ({
    inputs: [[3, 4]],
    domain: [0.2, 9] as const,
    attributes: { order },
  })),
});

/**
 * θ_m(s) of s = z² ≥ 0: e⁻ᶻ for m = 0, (1 + z) e⁻ᶻ for 1, (3 + 3z + z²) e⁻ᶻ for 2. The derivative of θ_m in s is −½ θ_(m−1), without a root that has
 * none at 0.
 *
 * From m = −1 on, θ_m is infinite at 0. It is 0 there: derivatives in points multiply it with the square of their distance or a higher power, and their product
 * goes to 0 as far as the process has derivatives.
 */
export const maternFunction = (order: number, s: Tensor): Tensor => maternOp([s], { order });
