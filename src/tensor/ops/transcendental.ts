/** exp, log and their accurate variants, trigonometric and hyperbolic functions, and the activations built from them. */
import type { TensorLike } from "../leaf.ts";
import type { Tensor } from "../tensor.ts";
import { abs, add, div, maximum, mul, neg, sign, sqrt, sub } from "./arithmetic.ts";
import { equal, less, positive } from "./comparison.ts";
import { type Unary, unary } from "./elementwise.ts";
import { where } from "./where.ts";

/** eˣ. */
export const exp: Unary = unary("exp", {
  host: (x) => `Math.exp(${x})`,
  native: "Exp",
  derivative: (g, y) => mul(g, y),
  domain: [-2, 2],
});

/** ln x; −∞ at 0, NaN below. */
export const log: Unary = unary("log", {
  host: (x) => `Math.log(${x})`,
  native: "Log",
  derivative: (g, _, x) => div(g, x),
  domain: [0.2, 3],
});

/**
 * ln(1 + x), accurate for small x. Natively: ln(u) · x / (u − 1) with u = 1 + x as rounded; the rounding errors cancel
 * (Kahan; Goldberg 1991, theorem 4).
 */
export const log1p: Unary = unary("log1p", {
  host: (x) => `Math.log1p(${x})`,
  native: {
    expand: ([x]) => {
      const u = add(x, 1);
      const d = sub(u, 1);
      // d = 0: u rounds to 1 and ln(1 + x) is x itself. d = x: nothing was lost (and x = ∞ stays ∞).
      return where(equal(d, 0), x, where(equal(d, x), log(u), div(mul(log(u), x), d)));
    },
  },
  derivative: (g, _, x) => div(g, add(x, 1)),
  domain: [-0.7, 2],
});

/**
 * eˣ − 1, accurate for small x. Natively, near 0: 2 t / (1 − t) with t = tanh(x / 2), which has no cancellation; elsewhere, directly.
 */
export const expm1: Unary = unary("expm1", {
  host: (x) => `Math.expm1(${x})`,
  native: {
    expand: ([x]) => {
      const t = tanh(mul(x, 0.5));
      return where(less(abs(x), 1), div(mul(t, 2), sub(1, t)), sub(exp(x), 1));
    },
  },
  derivative: (g, _, x) => mul(g, exp(x)),
  domain: [-2, 2],
});

/** sin x. */
export const sin: Unary = unary("sin", {
  host: (x) => `Math.sin(${x})`,
  native: "Sin",
  derivative: (g, _, x) => mul(g, cos(x)),
  domain: [-3, 3],
});

/** cos x. */
export const cos: Unary = unary("cos", {
  host: (x) => `Math.cos(${x})`,
  native: "Cos",
  derivative: (g, _, x) => neg(mul(g, sin(x))),
  domain: [-3, 3],
});

/**
 * The arc tangent of x, between −π/2 and π/2. The runtime has a float32 kernel only; in float64 the angle is halved three times and then a
 * series is summed.
 */
export const atan: Unary = unary("atan", {
  host: (x) => `Math.atan(${x})`,
  native: {
    onnx: (builder, [x]) => builder.node("Atan", [x]),
    expand: ([x], node) => {
      if (node.dtype !== "float64") return undefined;
      // Beyond 1 the complement, so that nothing overflows; tan(θ/2) = t/(1 + √(1 + t²)).
      const far = less(1, abs(x));
      let t = where(far, div(1, where(far, abs(x), 1)), abs(x));
      for (let k = 0; k < 3; k++) t = div(t, add(sqrt(add(mul(t, t), 1)), 1));
      const s = mul(t, t);
      let series = add(mul(s, 0), 1 / 15);
      for (let k = 13; k > 0; k -= 2) series = sub(1 / k, mul(series, s));
      const angle = mul(mul(series, t), 8);
      return mul(where(far, sub(Math.PI / 2, angle), angle), sign(x));
    },
  },
  derivative: (g, _, x) => div(g, add(mul(x, x), 1)),
  domain: [-3, 3],
});

/** tanh x. */
export const tanh: Unary = unary("tanh", {
  host: (x) => `Math.tanh(${x})`,
  native: "Tanh",
  derivative: (g, y) => mul(g, sub(1, mul(y, y))),
  domain: [-2, 2],
});

/**
 * 1 / (1 + e⁻ˣ), with relative accuracy in the lower tail as well. The native graph uses this formula, because the runtime's own Sigmoid
 * has only absolute accuracy and is 0 from −18 on in float32.
 */
export const sigmoid: Unary = unary("sigmoid", {
  host: (x) => `(1 / (1 + Math.exp(-${x})))`,
  native: {
    onnx: (builder, [x], node) => {
      const one = builder.scalar(1, node);
      const e = builder.node("Exp", [builder.node("Neg", [x])]);
      return builder.node("Div", [one, builder.node("Add", [e, one])]);
    },
  },
  derivative: (g, y) => mul(g, mul(y, sub(1, y))),
  domain: [-3, 3],
});

/**
 * ln(1 + e^−|x|), which softplus adds to max(x, 0). Natively, with u = 1 + e as rounded: ln u + (e − (u − 1)) / u. The second term
 * restores what rounding lost in the first, so the far tail keeps its digits.
 */
export const softplusTail: Unary = unary("softplusTail", {
  host: (x) => `Math.log1p(Math.exp(-Math.abs(${x})))`,
  native: {
    onnx: (builder, [x], node) => {
      const one = builder.scalar(1, node);
      const e = builder.node("Exp", [builder.node("Neg", [builder.node("Abs", [x])])]);
      const u = builder.node("Add", [e, one]);
      const lost = builder.node("Sub", [e, builder.node("Sub", [u, one])]);
      return builder.node("Add", [builder.node("Log", [u]), builder.node("Div", [lost, u])]);
    },
  },
  derivative: (g, _, x) => neg(mul(g, mul(sign(x), sigmoid(neg(abs(x)))))),
  domain: [0.2, 3],
});

/** ln(1 + eˣ). It does not overflow, and has relative accuracy in the lower tail. */
export const softplus: Unary = unary("softplus", {
  host: (x) => `(Math.max(${x}, 0) + Math.log1p(Math.exp(-Math.abs(${x}))))`,
  native: { expand: ([x]) => add(relu(x), softplusTail(x)) },
  derivative: (g, _, x) => mul(g, sigmoid(x)),
  domain: [-3, 3],
});

/** max(x, 0); derivative 0 at 0. */
export const relu: Unary = unary("relu", {
  host: (x) => `Math.max(${x}, 0)`,
  native: "Relu",
  derivative: (g, y) => mul(g, positive(y)),
  domain: [0.2, 2],
});

/** ln σ(x) = −softplus(−x). */
export const logSigmoid = (x: Tensor): Tensor => neg(softplus(neg(x)));

/** x where positive, else slope · x. */
export const leakyRelu = (x: Tensor, slope = 0.01): Tensor => maximum(x, mul(x, slope));

/** x where positive, else α (eˣ − 1) (Clevert et al. 2015). */
export const elu = (x: Tensor, alpha = 1): Tensor =>
  where(less(x, 0), mul(expm1(neg(relu(neg(x)))), alpha), x);

/** x σ(x) (Elfwing et al. 2017). */
export const silu = (x: TensorLike): Tensor => mul(x, sigmoid(x));
