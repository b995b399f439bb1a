/** The q-quantile of `values`, interpolated linearly (type 7 of Hyndman and Fan, 1996). */
export const quantile = (values, q) => {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const below = Math.floor(at);
  return sorted[below] + (at - below) * ((sorted[below + 1] ?? sorted[below]) - sorted[below]);
};

export const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

const rounded = (value) => Math.round(value * 1000) / 1000;

export const summary = (values) => ({
  median: rounded(quantile(values, 0.5)),
  min: rounded(Math.min(...values)),
  max: rounded(Math.max(...values)),
  q1: rounded(quantile(values, 0.25)),
  q3: rounded(quantile(values, 0.75)),
});
