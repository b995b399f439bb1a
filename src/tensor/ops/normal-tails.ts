/**
 * The normal distribution's tails: erfc, its scaled form, the logarithm of Φ, and the inverses. Numeric functions on the host, expansions in
 * elementary ops natively. Errors are relative in both tails.
 */
import { full } from "../leaf.ts";
import {
  erfc as erfcOf,
  erfcx as erfcxOf,
  erfinv as erfinvOf,
  logNormalCdf as logNormalCdfOf,
  ndtri,
  normalCdf as normalCdfOf,
  normalLogQuantile as normalLogQuantileOf,
} from "../special/index.ts";
import type { Tensor } from "../tensor.ts";
import { abs, add, div, floor, minimum, mul, neg, sign, sqrt, square, sub } from "./arithmetic.ts";
import { greater, less } from "./comparison.ts";
import type { Unary } from "./elementwise.ts";
import { erf, specialUnary } from "./special.ts";
import { exp, expm1, log, log1p } from "./transcendental.ts";
import { where } from "./where.ts";

/**
 * (1 + 2x) e^(x²) erfc(x) for x ≥ 0 as a polynomial in t = (x − K)/(x + K), a variable of Shepherd and Laframboise (1981). Coefficients by
 * test/tensor/special/fit-coefficients.py.
 */
const SCALED = {
  // largest relative error 6.7e-9
  float32: {
    centre: 3,
    c: [
      1.2530080563514496, -0.13562110005839803, -0.047562156146354076, 0.1296447209153884,
      -0.11927528136881009, 0.06831319671956372, -0.023763559702172088, 0.0025067786718598333,
      0.001875060245867973, -0.0007340820503933423, -9.25376912641456e-5, 8.007454974776248e-5,
    ],
  },
  // largest relative error 1.5e-16
  float64: {
    centre: 3.75,
    c: [
      1.2375126308378275, -0.14024059858554522, 0.0035854154854663067, 0.08227673848999159,
      -0.10880393014193915, 0.09230432116435616, -0.058693398584491845, 0.028362277371370044,
      -0.00974657962081509, 0.0017556261692276722, 0.00029371408777227685, -0.0002901553656394713,
      5.164737123871838e-5, 2.238759272534769e-5, -1.143961526007595e-5, -9.79297529099823e-7,
      1.7438577411359181e-6, -5.0816911811698186e-8, -2.4996538037405243e-7, 1.8778501156468795e-8,
      3.256499083798513e-8, -1.952790162974837e-9, -2.7293941332533855e-9,
    ],
  },
} as const;

const precisionOf = (x: Tensor): "float32" | "float64" => (x.dtype === "float64" ? "float64" : "float32");

/** e^(x²) erfc(x) for x ≥ 0. */
function scaledTail(x: Tensor): Tensor {
  const { centre, c } = SCALED[precisionOf(x)];
  const t = sub(1, div(2 * centre, add(x, centre)));
  const [highest, ...rest] = [...c].reverse();
  const top = rest.reduce<Tensor>((sum, a) => add(mul(sum, t), a), add(mul(t, 0), highest));
  return div(top, add(mul(x, 2), 1));
}

/** e^(±x²) for x ≥ 0 without the rounding error of x²: the head of x squares exactly. Beyond 40 the result has over- or underflowed. */
function expSquare(x: Tensor, direction: 1 | -1): Tensor {
  const y = minimum(x, 40);
  const head = mul(floor(mul(y, 16)), 1 / 16);
  return mul(exp(mul(square(head), direction)), exp(mul(mul(sub(y, head), add(y, head)), direction)));
}

/** erfc(x) for x ≥ 0. */
const tail = (x: Tensor): Tensor => mul(expSquare(x, -1), scaledTail(x));

function expandErfc(x: Tensor): Tensor {
  const t = tail(abs(x));
  return where(less(x, 0), sub(2, t), t);
}

function expandErfcx(x: Tensor): Tensor {
  const t = scaledTail(abs(x));
  return where(less(x, 0), sub(mul(expSquare(abs(x), 1), 2), t), t);
}

/** Φ(−x) for x ≥ 0: x, and not x/√2, is split, so that nothing is rounded before it is squared. */
function upper(x: Tensor): Tensor {
  const y = minimum(x, 40);
  const head = mul(floor(mul(y, 16)), 1 / 16);
  const density = mul(exp(mul(square(head), -0.5)), exp(mul(mul(sub(y, head), add(y, head)), -0.5)));
  return mul(mul(density, scaledTail(mul(x, Math.SQRT1_2))), 0.5);
}

function expandNormalCdf(x: Tensor): Tensor {
  const tail = upper(abs(x));
  return where(less(x, 0), tail, sub(1, tail));
}

function expandLogNormalCdf(x: Tensor): Tensor {
  const negative = less(x, 0);
  const below = sub(log(mul(scaledTail(abs(mul(x, Math.SQRT1_2))), 0.5)), mul(square(x), 0.5));
  return where(negative, below, log1p(neg(upper(where(negative, 0, x)))));
}

/** φ(z)/Φ(z). Each side has a form whose derivatives of every order are finite: the scaled erfc would overflow for large z. Beyond 40 it is 0. */
function hazard(z: Tensor): Tensor {
  const right = less(0, z);
  const above = where(right, minimum(z, 40), 0);
  const below = erfcx(mul(where(right, 0, z), -Math.SQRT1_2));
  const density = add(mul(square(above), -0.5), -0.5 * Math.log(2 * Math.PI));
  return where(right, exp(sub(density, logNormalCdf(above))), div(Math.sqrt(2 / Math.PI), below));
}

/**
 * The derivative of e^(x²) erfc(x), 2x erfcx(x) − 2/√π. Its terms cancel for large x; there it is −(2/√π) q (1 − 3q + 15q² − …) with q = 1/(2x²) (DLMF 7.12.1), whose
 * own derivatives keep their digits too.
 */
function erfcxSlope(x: Tensor, y: Tensor): Tensor {
  const { limit, terms } = SLOPE[precisionOf(x)];
  const far = less(limit, x);
  const root = div(Math.SQRT1_2, where(far, x, limit));
  const q = square(root);
  let series: Tensor = full([], 1, x.dtype);
  for (let k = terms; k >= 1; k--) series = sub(1, mul(mul(series, q), 2 * k + 1));
  const close = where(far, 0, x);
  const near = sub(mul(mul(close, where(far, 1, y)), 2), 2 / Math.sqrt(Math.PI));
  return where(far, mul(mul(series, q), -2 / Math.sqrt(Math.PI)), near);
}

/** From where the slope of the scaled erfc is a series, and its terms. */
const SLOPE = { float32: { limit: 5, terms: 12 }, float64: { limit: 8, terms: 18 } } as const;

/** The quantile of a probability eˡ of at most ½: Abramowitz and Stegun 26.2.23, then Halley's steps on ln Φ, each of which cubes the error. */
function lowerTail(l: Tensor): Tensor {
  const t = sqrt(mul(l, -2));
  const top = add(mul(add(mul(t, 0.010328), 0.802853), t), 2.515517);
  const bottom = add(mul(add(mul(add(mul(t, 0.001308), 0.189269), t), 1.432788), t), 1);
  let z = sub(div(top, bottom), t);
  for (let step = 0; step < (precisionOf(l) === "float64" ? 2 : 1); step++) {
    const scaled = scaledTail(mul(z, -Math.SQRT1_2));
    const rate = div(Math.sqrt(2 / Math.PI), scaled);
    const newton = div(sub(sub(log(mul(scaled, 0.5)), mul(square(z), 0.5)), l), rate);
    z = sub(z, div(newton, add(mul(mul(newton, 0.5), add(z, rate)), 1)));
  }
  return z;
}

/** erfinv of |y| ≤ ½: two terms of the Maclaurin series (DLMF 7.17.2), then Halley's steps on erf. */
function centralErfinv(y: Tensor): Tensor {
  let x = mul(mul(y, Math.sqrt(Math.PI) / 2), add(mul(square(y), Math.PI / 12), 1));
  for (let step = 0; step < (precisionOf(y) === "float64" ? 3 : 2); step++) {
    const newton = mul(mul(sub(erf(x), y), Math.sqrt(Math.PI) / 2), exp(square(x)));
    x = sub(x, div(newton, add(mul(x, newton), 1)));
  }
  return x;
}

function expandErfinv(y: Tensor): Tensor {
  const constant = (value: number) => full([], value, y.dtype);
  const far = greater(abs(y), 0.5);
  const p = mul(sub(1, where(far, abs(y), 0.5)), 0.5);
  const end = greater(p, 0);
  const z = where(
    end,
    lowerTail(log(where(end, p, 0.25))),
    where(less(p, 0), constant(Number.NaN), Number.NEGATIVE_INFINITY),
  );
  return where(far, mul(mul(sign(y), z), -Math.SQRT1_2), add(centralErfinv(where(far, 0, y)), mul(y, 0)));
}

function expandNormalQuantile(p: Tensor): Tensor {
  const constant = (value: number) => full([], value, p.dtype);
  const middle = less(abs(sub(p, 0.5)), 0.25);
  const low = less(p, 0.5);
  const small = where(middle, 0.25, where(low, p, sub(1, p)));
  const inside = greater(small, 0);
  const z = where(
    inside,
    lowerTail(log(where(inside, small, 0.25))),
    where(less(small, 0), constant(Number.NaN), Number.NEGATIVE_INFINITY),
  );
  const centre = mul(centralErfinv(where(middle, sub(mul(p, 2), 1), 0)), Math.SQRT2);
  return where(middle, centre, add(where(low, z, neg(z)), mul(p, 0)));
}

function expandNormalLogQuantile(l: Tensor): Tensor {
  const constant = (value: number) => full([], value, l.dtype);
  const low = less(l, -Math.LN2);
  const certain = greater(l, Number.NEGATIVE_INFINITY);
  const own = where(low, where(certain, l, -1), -1);
  const other = log(neg(expm1(where(low, -Math.LN2, l))));
  // Near ½ the quantile is near 0, where ln Φ would lose its digits.
  const middle = less(abs(add(l, Math.LN2)), 0.4);
  const centre = mul(
    centralErfinv(where(middle, add(mul(expm1(where(middle, l, -Math.LN2)), 2), 1), 0)),
    Math.SQRT2,
  );
  const z = where(
    low,
    lowerTail(own),
    neg(lowerTail(where(greater(other, Number.NEGATIVE_INFINITY), other, -1))),
  );
  const ends = where(
    certain,
    where(less(l, 0), z, where(greater(l, 0), constant(Number.NaN), Number.POSITIVE_INFINITY)),
    Number.NEGATIVE_INFINITY,
  );
  return where(middle, centre, where(less(l, Number.POSITIVE_INFINITY), ends, Number.NaN));
}

/** The complementary error function 1 − erf(x), with a small relative error in the right tail too. */
export const erfc: Unary = specialUnary("erfc", {
  host: erfcOf,
  expand: expandErfc,
  derivative: (g, _, x) => mul(g, mul(exp(neg(square(x))), -2 / Math.sqrt(Math.PI))),
  domain: [-2, 4],
});

/** e^(x²) erfc(x), the scaled complementary error function: erfc without its decay. It overflows below −26 (in float32, −9). */
export const erfcx: Unary = specialUnary("erfcx", {
  host: erfcxOf,
  expand: expandErfcx,
  derivative: (g, y, x) => mul(g, erfcxSlope(x, y)),
  domain: [-1, 3],
});

/** The inverse of erf on (−1, 1): ±∞ at ±1, and NaN outside. */
export const erfinv: Unary = specialUnary("erfinv", {
  host: erfinvOf,
  expand: expandErfinv,
  derivative: (g, y) => mul(g, mul(exp(square(y)), Math.sqrt(Math.PI) / 2)),
  domain: [-0.9, 0.9],
});

/** ln Φ(x), the logarithm of the standard normal distribution function, with a small relative error in both tails. */
export const logNormalCdf: Unary = specialUnary("logNormalCdf", {
  host: logNormalCdfOf,
  expand: expandLogNormalCdf,
  derivative: (g, _, x) => mul(g, hazard(x)),
  domain: [-4, 4],
});

/** The standard normal quantile Φ⁻¹(p) of a probability p: ∓∞ at 0 and 1, and NaN outside. For p near 1, use `normalLogQuantile`. */
export const normalQuantile: Unary = specialUnary("normalQuantile", {
  host: ndtri,
  expand: expandNormalQuantile,
  derivative: (g, z) => mul(g, mul(exp(mul(square(z), 0.5)), Math.sqrt(2 * Math.PI))),
  domain: [0.02, 0.98],
});

/** The standard normal quantile of the probability eˡ, l ≤ 0, which may be far below the smallest number or round to 1. */
export const normalLogQuantile: Unary = specialUnary("normalLogQuantile", {
  host: normalLogQuantileOf,
  expand: expandNormalLogQuantile,
  derivative: (g, z) => mul(g, mul(erfcx(mul(z, -Math.SQRT1_2)), Math.sqrt(Math.PI / 2))),
  domain: [-6, -0.05],
});

/** The standard normal distribution function Φ(x), with a small relative error in the lower tail too. */
export const normalCdf: Unary = specialUnary("normalCdf", {
  host: normalCdfOf,
  expand: expandNormalCdf,
  derivative: (g, _, x) => mul(g, exp(sub(mul(square(x), -0.5), 0.5 * Math.log(2 * Math.PI)))),
  domain: [-4, 4],
});
