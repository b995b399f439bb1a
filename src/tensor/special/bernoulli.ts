/** Bernoulli numbers B₂, B₄, …, B₂₄ (DLMF Table 24.2.1): `bernoulli[k - 1]` is B₂ₖ. */
export const bernoulli: readonly number[] = [
  1 / 6,
  -1 / 30,
  1 / 42,
  -1 / 30,
  5 / 66,
  -691 / 2730,
  7 / 6,
  -3617 / 510,
  43867 / 798,
  -174611 / 330,
  854513 / 138,
  -236364091 / 2730,
];

/** B₂ₖ(½) = (2¹⁻²ᵏ − 1) B₂ₖ, from DLMF 24.4.27: the coefficients of expansions about a midpoint. */
export const bernoulliHalf: readonly number[] = bernoulli.map((b, i) => (2 ** (-1 - 2 * i) - 1) * b);
