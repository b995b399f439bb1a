/** ln(1 + t)/t and (eᵗ − 1)/t, with their values and slopes at 0. */
import {
  abs,
  add,
  div,
  expm1,
  full,
  less,
  log1p,
  maximum,
  mul,
  type Tensor,
  where,
} from "../tensor/index.ts";

const CLOSE = 0.02;

const byCoefficients = (t: Tensor, coefficients: readonly number[]): Tensor =>
  coefficients.reduceRight<Tensor>((sum, c) => add(mul(sum, t), c), full([], 0, t.dtype));

const logarithmSeries = Array.from({ length: 10 }, (_, k) => (k % 2 === 0 ? 1 : -1) / (k + 1));

const exponentialSeries = Array.from({ length: 9 }, (_, k) => {
  let factorial = 1;
  for (let j = 2; j <= k + 1; j++) factorial *= j;
  return 1 / factorial;
});

const ratio = (t: Tensor, series: readonly number[], whole: (t: Tensor) => Tensor): Tensor => {
  const close = less(abs(t), CLOSE);
  const far = where(close, 1, t);
  return where(close, byCoefficients(where(close, t, 0), series), div(whole(far), far));
};

/** ln(1 + t)/t for t ≥ −1. */
export const log1pRatio = (t: Tensor): Tensor => ratio(t, logarithmSeries, log1p);

/** ln(1 + ξz)/ξ, which is z at ξ = 0, for ξz ≥ −1. */
export function log1pOver(z: Tensor, xi: Tensor): Tensor {
  const t = maximum(mul(xi, z), -1);
  const close = less(abs(t), CLOSE);
  const near = mul(z, byCoefficients(where(close, t, 0), logarithmSeries));
  return where(close, near, div(log1p(where(close, 1, t)), where(close, 1, xi)));
}

/** (eᵗ − 1)/t. */
export const expm1Ratio = (t: Tensor): Tensor => ratio(t, exponentialSeries, expm1);
