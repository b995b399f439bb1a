import { expect, test } from "vitest";
import { fillUniform, stream } from "../../src/random/index.ts";
import {
  calibrationErrorOf,
  shareOf,
  suspectsOf,
  temperatureOf,
  tempered,
} from "../../src/studio/judgement.ts";

test("Wilson's interval: 1 of 20, as scipy.stats.binomtest(1, 20).proportion_ci(method='wilson') has it", () => {
  const [low, high] = shareOf(1, 20)?.interval ?? [];
  expect(low).toBeCloseTo(0.0088814, 5);
  expect(high).toBeCloseTo(0.2361307, 5);
  expect(shareOf(0, 0)).toBeUndefined();
  expect(shareOf(0, 10)?.interval[0]).toBe(0);
});

/** Rows of two classes whose true odds are known, and probabilities that are `factor` times too sure. */
const overSure = (rows: number, factor: number) => {
  const draws = new Float32Array(2 * rows);
  fillUniform(draws, stream(2, "calibration"));
  const probabilities = new Float32Array(2 * rows);
  const labels = new Int32Array(rows);
  for (let i = 0; i < rows; i++) {
    const logit = 4 * draws[2 * i] - 2;
    labels[i] = Number(draws[2 * i + 1] < 1 / (1 + Math.exp(-logit)));
    const p = 1 / (1 + Math.exp(-factor * logit));
    probabilities.set([1 - p, p], 2 * i);
  }
  return { probabilities, labels };
};

test("the temperature of probabilities three times too sure is 3, and it mends their calibration", () => {
  const { probabilities, labels } = overSure(20_000, 3);
  // The estimate's standard error is below 0.06 here: five of them.
  expect(Math.abs(temperatureOf(probabilities, labels, 2) - 3)).toBeLessThan(0.3);
  // 2 · 10⁴ rows: the error of calibrated probabilities is about 0.01 by chance alone; untempered it is 0.16.
  expect(calibrationErrorOf(probabilities, labels, 2)).toBeLessThan(0.02);
  expect(tempered(Float32Array.of(0.9, 0.1), 2, 2)[0]).toBeCloseTo(3 / 4, 5);
  expect(temperatureOf(new Float32Array(), new Int32Array(), 2)).toBe(1);
});

test("a few rows that are all right do not make a model certain, and one mistake does not make it ignorant", () => {
  const rows = 12;
  const probabilities = Float32Array.from({ length: 2 * rows }, (_, i) => (i % 2 === 0 ? 0.9 : 0.1));
  const right = new Int32Array(rows);
  // Each row costs log(1 + 9^(∓1/T)), and the prior log(T)² / (2 · 0.5²): the least of a fine grid over log T.
  const best = (wrong: number): number => {
    const cost = (t: number) => {
      const odds = 9 ** (1 / Math.exp(t));
      return (rows - wrong) * Math.log1p(1 / odds) + wrong * Math.log1p(odds) + 2 * t ** 2;
    };
    const grid = Array.from({ length: 3001 }, (_, i) => (i - 1300) / 1000);
    return Math.exp(grid.reduce((a, b) => (cost(a) < cost(b) ? a : b)));
  };
  const oneWrong = right.map((_, i) => Number(i === 0));
  expect(temperatureOf(probabilities, right, 2)).toBeCloseTo(best(0), 2);
  expect(temperatureOf(probabilities, oneWrong, 2)).toBeCloseTo(best(1), 2);
  expect(best(0)).toBeGreaterThan(0.5);
  expect(best(1)).toBeLessThan(1.5);
});

test("a label among rows of another class is suspect; the others are not", () => {
  const values = Float32Array.from({ length: 80 }, (_, i) => (i < 40 ? 0 : 10) + i / 100);
  const probabilities = Float32Array.from({ length: 160 }, (_, i) => Number((i >> 1 < 40 ? 0 : 1) === i % 2));
  const labels = new Map([
    [5, 0],
    [10, 1],
    [60, 1],
  ]);
  const suspects = suspectsOf({ values, width: 1 }, probabilities, 2, labels);
  expect(suspects).toEqual([{ row: 10, given: 1, likely: 0, support: 0 }]);
});
