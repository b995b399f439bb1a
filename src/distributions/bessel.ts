/**
 * Modified Bessel functions I_ν(x) of the first kind, in logarithms. With R = √(ν² + x²), Debye's expansion (DLMF 10.41.3) is a series in 1/R whose
 * coefficients are polynomials in (ν/R)²: one formula for large orders, large arguments and both. Below, sums of positive terms take over.
 */
import {
  abs,
  add,
  constant,
  type DType,
  div,
  exp,
  expm1,
  full,
  grad,
  greater,
  less,
  log,
  mul,
  neg,
  sqrt,
  square,
  sub,
  sum,
  type Tensor,
  unsqueeze,
  where,
} from "../tensor/index.ts";
import { gaussLegendre } from "./implicit/quadrature.ts";
import { HALF_LOG_TWO_PI } from "./numerics.ts";
import { expm1Ratio } from "./ratios.ts";

/** From `radius` on, Debye's expansion with `terms` terms has an absolute error below 1e-14, or 1e-8 in float32. `sums` are for Skellam's series below it. */
const EFFORT = {
  float32: { radius: 16, terms: 7, sums: 32 },
  float64: { radius: 25, terms: 13, sums: 54 },
} as const;

const effortOf = (dtype: DType) => EFFORT[dtype === "float64" ? "float64" : "float32"];

/** The radius √(ν² + x²) from which {@link debyeLog} holds. */
export const debyeRadius = (dtype: DType): number => effortOf(dtype).radius;

/** U_k(p)/pᵏ as polynomials in p², by DLMF 10.41.9, for k up to `terms`. */
function debyePolynomials(terms: number): number[][] {
  // By the powers of p.
  let u = [1];
  const all = [[1]];
  for (let k = 0; k < terms; k++) {
    const next = new Array<number>(u.length + 3).fill(0);
    u.forEach((c, power) => {
      next[power + 1] += (power * c) / 2 + c / (8 * (power + 1));
      next[power + 3] -= (power * c) / 2 + (5 * c) / (8 * (power + 3));
    });
    u = next;
    all.push(Array.from({ length: k + 2 }, (_, m) => u[k + 1 + 2 * m]));
  }
  return all;
}

const polynomials = {
  float32: debyePolynomials(EFFORT.float32.terms),
  float64: debyePolynomials(EFFORT.float64.terms),
} as const;

/** ln Σ U_k(p)/νᵏ, for (ν/R)² = `share` and R = `radius`: what I_ν is beside e^(R − ν asinh(ν/x))/√(2πR). */
export function debyeLog(share: Tensor, radius: Tensor): Tensor {
  const { dtype } = radius;
  const all = polynomials[dtype === "float64" ? "float64" : "float32"];
  const n = all.length - 1;
  const s = unsqueeze(share, -1);
  let coefficients: Tensor = full([n], 0, dtype);
  for (let m = n; m >= 0; m--) {
    const column = constant(
      all.slice(1).map((q) => q[m] ?? 0),
      [n],
      dtype,
    );
    coefficients = m === n ? column : add(mul(coefficients, s), column);
  }
  const powers = constant(
    Array.from({ length: n }, (_, k) => -(k + 1)),
    [n],
    dtype,
  );
  const scaled = mul(coefficients, exp(mul(unsqueeze(log(radius), -1), powers)));
  return log(add(sum(scaled, -1), 1));
}

/** Σ tʲ/(j! (ν + 1) ⋯ (ν + j)) for ν ≥ 0 and 0 ≤ t ≤ (radius/2)²: Γ(ν + 1) (x/2)^−ν I_ν(x) at t = x²/4. */
export function besselSum(order: Tensor, t: Tensor): Tensor {
  let total: Tensor = full([], 1, t.dtype);
  for (let j = effortOf(t.dtype).sums; j >= 1; j--) total = add(div(mul(total, t), mul(add(order, j), j)), 1);
  return total;
}

/** Half of Gauss's rule of 24 points for the weight (1 − u²)^(ν − ½) on [−1, 1]: points above 0, and weights that sum to ½. */
function gegenbauer(order: number): { readonly nodes: number[]; readonly weights: number[] } {
  const n = 24;
  // Off-diagonals of the Jacobi matrix.
  const b = (k: number): number =>
    k === 1
      ? Math.sqrt(1 / (2 * (1 + order)))
      : Math.sqrt((k * (k + 2 * order - 1)) / (4 * (k + order) * (k + order - 1)));
  const orthonormal = (u: number): number[] => {
    const values = [1];
    let before = 0;
    for (let k = 1; k <= n; k++) {
      const last = values[k - 1];
      values.push((u * last - (k > 1 ? b(k - 1) : 0) * before) / b(k));
      before = last;
    }
    return values;
  };
  // The number of roots above u is that of the sign changes in the Sturm sequence.
  const above = (u: number): number => {
    const values = orthonormal(u);
    return values.slice(1).filter((v, k) => v < 0 !== values[k] < 0).length;
  };
  const nodes: number[] = [];
  const weights: number[] = [];
  for (let i = 0; i < n / 2; i++) {
    let [low, high] = [0, 1];
    for (let step = 0; step < 60; step++) {
      const middle = (low + high) / 2;
      if (above(middle) > i) low = middle;
      else high = middle;
    }
    const node = (low + high) / 2;
    nodes.push(node);
    const squares = orthonormal(node)
      .slice(0, n)
      .reduce((t, v) => t + v * v, 0);
    weights.push(1 / squares);
  }
  return { nodes, weights };
}

/** ln Γ(ν + 1) for ν = 0, ½, 1, …. */
function logFactorial(order: number): number {
  let total = Number.isInteger(order) ? 0 : 0.5 * Math.log(Math.PI);
  for (let k = order; k > 0; k--) total += Math.log(k);
  return total;
}

/** What distributions on spheres need of a Bessel function of a fixed order. */
export interface SphereBessel {
  /** ln [I_ν(κ) κ^−ν e^−κ], finite at κ = 0. */
  readonly scaledLog: Tensor;
  /** A = I_{ν+1}(κ)/I_ν(κ), with a small relative error. */
  readonly ratio: Tensor;
  /** A/κ, which is 1/(2ν + 2) at κ = 0. */
  readonly ratioOver: Tensor;
  /** 1 − A, which keeps its digits where A is close to 1. */
  readonly deficit: Tensor;
  /** dA/dκ. */
  readonly slope: Tensor;
}

/**
 * The functions for κ up to {@link debyeRadius}, by Gauss's rule for I_ν(κ) ∝ κ^ν ∫ (1 − u²)^(ν − ½) e^(κu) du. Points ±u are taken together, so that nothing
 * is lost to their difference at small κ.
 */
function sphereNear(order: number, kappa: Tensor): SphereBessel {
  const { dtype } = kappa;
  const { nodes, weights } = gegenbauer(order);
  const row = (values: readonly number[]): Tensor => constant(values, [values.length], dtype);
  const k = unsqueeze(kappa, -1);
  // Each pair weighs w e^(κ(u − 1)) (1 + e^(−2κu)).
  const logs = add(mul(k, row(nodes.map((u) => u - 1))), row(weights.map(Math.log)));
  const back = expm1(mul(k, row(nodes.map((u) => -2 * u))));
  const heights = exp(logs);
  const total = sum(mul(heights, add(back, 2)), -1);
  const mean = (part: Tensor): Tensor => div(sum(mul(heights, part), -1), total);
  const over = mul(expm1Ratio(mul(k, row(nodes.map((u) => -2 * u)))), row(nodes.map((u) => 2 * u * u)));
  const ratioOver = mean(over);
  const ratio = mul(kappa, ratioOver);
  // 1 − u of one point, 1 + u of the other.
  const gaps = (power: number): Tensor =>
    mean(
      add(
        row(nodes.map((u) => (1 - u) ** power)),
        mul(add(back, 1), row(nodes.map((u) => (1 + u) ** power))),
      ),
    );
  const deficit = gaps(1);
  return {
    scaledLog: sub(log(total), order * Math.LN2 + logFactorial(order)),
    ratio,
    ratioOver,
    deficit,
    slope: sub(gaps(2), square(deficit)),
  };
}

/** The functions of order ν = 0, ½, 1, … at κ ≥ 0. */
export function sphereBessel(order: number, kappa: Tensor): SphereBessel {
  const { dtype } = kappa;
  const limit = debyeRadius(dtype);
  const far = (k: Tensor): SphereBessel => {
    const t = square(k);
    const radius = sqrt(add(t, order * order));
    const share = div(order * order, square(radius));
    const tail = sub(debyeLog(share, radius), add(mul(log(radius), 0.5), HALF_LOG_TWO_PI));
    // R − κ = ν²/(R + κ), and −ν asinh(ν/κ) − ν ln κ = −ν ln(ν + R).
    const rise = sub(div(order * order, add(radius, k)), mul(log(add(radius, order)), order));
    const scaledLog = add(rise, tail);
    // By κ², of which ln [I κ^−ν] is a smooth function.
    const [ofTail] = grad(sum(tail), [t]);
    const [slopeOfLog] = grad(sum(scaledLog), [k]);
    const ratioOver = add(div(1, add(radius, order)), mul(ofTail, 2));
    return {
      scaledLog,
      ratio: mul(k, ratioOver),
      ratioOver,
      deficit: neg(slopeOfLog),
      slope: grad(sum(slopeOfLog), [k])[0],
    };
  };
  if (order >= limit) return far(kappa);
  const isFar = greater(kappa, Math.sqrt(limit * limit - order * order));
  const close = sphereNear(order, where(isFar, 1, kappa));
  const distant = far(where(isFar, kappa, limit));
  const either = (key: keyof SphereBessel): Tensor => where(isFar, distant[key], close[key]);
  return {
    scaledLog: either("scaledLog"),
    ratio: either("ratio"),
    ratioOver: either("ratioOver"),
    deficit: either("deficit"),
    slope: either("slope"),
  };
}

/** Points and weights of the integral in {@link besselDivergence}. */
const alongRule = { float32: gaussLegendre(5), float64: gaussLegendre(10) } as const;

/**
 * ln N(b) − ln N(a) − (b − a) A(a) for the normaliser N(κ) = I_ν(κ) κ^−ν, whose logarithm has the derivative A: the divergence of concentrations on a
 * sphere. Where they are near to each other it is (b − a)² ∫₀¹ (1 − s) A′(a + s(b − a)) ds, in which nothing cancels.
 */
export function besselDivergence(order: number, a: Tensor, b: Tensor): Tensor {
  const d = sub(b, a);
  const near = less(abs(d), mul(sqrt(add(square(a), (order + 1) ** 2)), 0.5));
  const { nodes, weights } = alongRule[a.dtype === "float64" ? "float64" : "float32"];
  const row = (values: readonly number[]): Tensor => constant(values, [values.length], a.dtype);
  const between = add(unsqueeze(a, -1), mul(unsqueeze(where(near, d, 0), -1), row(nodes)));
  const { slope } = sphereBessel(order, between);
  const curved = sum(mul(slope, row(weights.map((w, i) => w * (1 - nodes[i])))), -1);
  const [from, to] = [sphereBessel(order, a), sphereBessel(order, b)];
  const far = add(sub(to.scaledLog, from.scaledLog), mul(d, from.deficit));
  return where(near, mul(square(d), curved), far);
}
