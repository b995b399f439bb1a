/** Decides the kind of a column of numbers by how well the distribution of each kind fits it. */
import { scaledBy } from "./table-cells.ts";

/** With fewer values than this, which distribution fits best is mostly chance. */
const ENOUGH = 20;
/** How much better than a normal another kind must fit, in nats per value; otherwise the column is plain numbers. */
const MARGIN = 0.05;
/** A mean below which whole numbers are taken for counts if a count fits as well as a normal; above it, a count must fit better by {@link MARGIN}. */
const SMALL_COUNTS = 50;
/** More different whole numbers than this are not levels. */
const MOST_LEVELS = 10;

/** The kind of a column of numbers, and the reason. */
export type Choice =
  | { readonly kind: "numeric" }
  | { readonly kind: "positive" | "count" | "ordinal"; readonly why: string }
  | { readonly kind: "bounded"; readonly low: number; readonly high: number; readonly why: string };

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const varianceOf = (values: readonly number[]): number => {
  const mean = sum(values) / values.length;
  return sum(values.map((value) => (value - mean) ** 2)) / values.length;
};

/** Mean log density under the normal that fits best. */
const normalFit = (values: readonly number[]): number =>
  -0.5 * Math.log(2 * Math.PI * Math.E * varianceOf(values));

/** ln Γ(x), by Stirling's series if x is large enough; smaller x are first raised by the recurrence. */
const logGamma = (x: number): number => {
  let shift = 0;
  let at = x;
  for (; at < 10; at++) shift += Math.log(at);
  const inverse = 1 / (at * at);
  const series = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse / 1680))) / at;
  return (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + series - shift;
};

/** Mean log mass under the negative binomial with the values' mean and variance, or a Poisson if the variance is not above the mean. */
const countFit = (values: readonly number[]): number => {
  const mean = sum(values) / values.length;
  const total = mean ** 2 / Math.max(varianceOf(values) - mean, mean * 1e-3);
  const mass = values.map(
    (k) =>
      logGamma(k + total) -
      logGamma(total) -
      logGamma(k + 1) +
      total * Math.log(total / (total + mean)) +
      k * Math.log(mean / (total + mean)),
  );
  return sum(mass) / values.length;
};

/** Mean log mass under the observed shares of the values. */
const sharesFit = (values: readonly number[]): number => {
  const times = new Map<number, number>();
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1);
  return sum([...times.values()].map((n) => (n / values.length) * Math.log(n / values.length)));
};

/** The margin of a bounded column with this many values, after Smithson and Verkuilen (2006): it gives values at an end a finite logit. */
export const marginOf = (values: number): number => 0.5 / Math.max(values, 2);

/** The mean log density of values between two ends under the logit-normal that fits best. */
const boundedFit = (values: readonly number[], low: number, high: number): number => {
  const margin = marginOf(values.length);
  const logits = values.map((value) => scaledBy.bounded(value, { low, high, margin }));
  // d logit(u) / d value = (1 − 2 margin) / ((high − low) u (1 − u)).
  const slopes = logits.map(
    (x) => Math.log((1 - 2 * margin) / (high - low)) + 2 * Math.log1p(Math.exp(-Math.abs(x))) + Math.abs(x),
  );
  return normalFit(logits) + sum(slopes) / values.length;
};

/** The kind of a column of numbers, by its values. */
export const chooseKind = (name: string, values: readonly number[]): Choice => {
  const low = values.reduce((a, b) => Math.min(a, b), Infinity);
  const high = values.reduce((a, b) => Math.max(a, b), -Infinity);
  if (values.length < ENOUGH || low < 0) return { kind: "numeric" };
  return values.every(Number.isInteger)
    ? chooseWhole(values, low, high)
    : chooseReal(name, values, low, high);
};

const chooseWhole = (values: readonly number[], low: number, high: number): Choice => {
  const distinct = new Set(values).size;
  const levels = distinct <= MOST_LEVELS && high - low + 1 === distinct;
  const mean = sum(values) / values.length;
  const countable = low <= 1;
  // Compared by the Bayesian information criterion, because the shares of levels have more parameters than a count.
  const penalty = (parameters: number): number =>
    (0.5 * parameters * Math.log(values.length)) / values.length;
  const asLevels = sharesFit(values) - penalty(distinct - 1);
  const asCount = countable ? countFit(values) - penalty(2) : -Infinity;
  if (levels && asLevels >= asCount) {
    return { kind: "ordinal", why: `whole numbers from ${low} to ${high}, like levels` };
  }
  // A normal's density is close to its mass within a unit if the numbers vary by more than that. For whole numbers that start at 0 or 1 a
  // count only has to fit as well.
  if (asCount > normalFit(values) + (mean < SMALL_COUNTS ? 0 : MARGIN)) {
    return {
      kind: "count",
      why: `whole numbers from ${low} to ${high}, which a count fits better than a normal`,
    };
  }
  return choosePositive(values, low);
};

const choosePositive = (values: readonly number[], low: number): Choice => {
  if (!(low > 0)) return { kind: "numeric" };
  const logs = values.map(Math.log);
  return normalFit(logs) - sum(logs) / values.length > normalFit(values) + MARGIN
    ? { kind: "positive", why: "above 0, and a log-normal fits better than a normal" }
    : { kind: "numeric" };
};

const chooseReal = (name: string, values: readonly number[], low: number, high: number): Choice => {
  const end = high <= 1 ? 1 : high <= 100 && /percent|pct|share|%/i.test(name) ? 100 : undefined;
  const positive = choosePositive(values, low);
  if (end === undefined) return positive;
  const logs = values.map(Math.log);
  const others = Math.max(
    normalFit(values),
    low > 0 ? normalFit(logs) - sum(logs) / values.length : -Infinity,
  );
  // Small numbers alone do not make shares: some must be large.
  return high > end / 2 && boundedFit(values, 0, end) > others + MARGIN
    ? {
        kind: "bounded",
        low: 0,
        high: end,
        why: `from 0 to ${end}, and a logit-normal fits better than a normal`,
      }
    : positive;
};
