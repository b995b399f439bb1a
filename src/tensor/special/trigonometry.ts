/** x minus the nearest integer: in [−½, ½] and exact, so poles and zeros at integers stay where they are. */
const fraction = (x: number): number => x - Math.round(x);

/** |sin πx|, with a small relative error near its zeros. */
export const absSinPi = (x: number): number => Math.abs(Math.sin(Math.PI * fraction(x)));

/** cot πx, with a small relative error near its poles and zeros; ±∞ at the integers, with the sign of the residue in x. */
export const cotPi = (x: number): number => {
  const r = fraction(x);
  return Math.sin(Math.PI * (0.5 - Math.abs(r))) / Math.sin(Math.PI * r);
};

/**
 * The polynomial P with dⁿ/dxⁿ cot(πx) = πⁿ P(cot πx), lowest power first: P₀ = c and Pₙ₊₁ = −(1 + c²) Pₙ′.
 * Its terms have one parity and one sign, so evaluating it causes no cancellation.
 */
export const cotDerivative = (n: number): readonly number[] => {
  let p: readonly number[] = [0, 1];
  for (let order = 0; order < n; order++) {
    const slope = p.slice(1).map((c, i) => c * (i + 1));
    p = Array.from({ length: p.length + 1 }, (_, i) => 0 - (slope[i] ?? 0) - (slope[i - 2] ?? 0));
  }
  return p;
};
