/** c₀ + c₁ z + c₂ z² + … by Horner's rule. */
export const horner = (z: number, coefficients: readonly number[]): number => {
  let sum = 0;
  for (let k = coefficients.length - 1; k >= 0; k--) sum = sum * z + (coefficients[k] ?? 0);
  return sum;
};
