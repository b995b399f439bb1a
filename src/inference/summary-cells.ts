/** Numbers in a summary's table. */
export const number = (v: number, digits: number): string => (Number.isFinite(v) ? v.toFixed(digits) : "–");

/** Digits after the point that an error of this size leaves worth printing: two of its own. */
export const digitsFor = (error: number): number =>
  error > 0 ? Math.min(6, Math.max(0, 1 - Math.floor(Math.log10(error)))) : 2;
