import { expect, test } from "vitest";
import {
  answers,
  judged,
  leastSquares,
  probabilities,
  regress,
  roundedProbabilities,
} from "../../examples/ordinal-regression.ts";

const data = answers();

test("the fits are the maximum likelihood that SciPy finds", async () => {
  // BFGS of the same likelihoods, SciPy 1.17: logistic, then probit.
  const expected = {
    logistic: [
      -1501.49047, 1.47725, -0.0704, 0.28368, 0.29365, -1.91394, -0.67597, 0.02298, 0.27815, 0.92777, 2.09794,
    ],
    probit: [
      -1507.86379, 0.83491, -0.05386, 0.1667, 0.18334, -1.08606, -0.3763, 0.02781, 0.1745, 0.55069, 1.22685,
    ],
  } as const;
  for (const link of ["logistic", "probit"] as const) {
    const found = await regress(data, link);
    const { logLikelihood } = judged(data, await probabilities(data, link, found));
    const [best, ...numbers] = expected[link];
    expect(logLikelihood).toBeCloseTo(best, 3);
    [...found.slopes, ...found.cutpoints].forEach((v, i) => {
      expect(v).toBeCloseTo(numbers[i], 2);
    });
  }
});

test("the ordered fit knows that the ends are full and the middle is empty; a normal one of the codes does not", async () => {
  const ordered = judged(data, await probabilities(data, "logistic", await regress(data, "logistic")));
  const normal = judged(data, await roundedProbabilities(data, await leastSquares(data)));
  expect(ordered.logLikelihood - normal.logLikelihood).toBeGreaterThan(70);
  // 200 strong Democrats and 37 independents: each expected to within the root of its count.
  expect(Math.abs(ordered.expected[0] - 200)).toBeLessThan(14.2);
  expect(Math.abs(ordered.expected[3] - 37)).toBeLessThan(6.1);
  expect(normal.expected[3]).toBeGreaterThan(2 * 37);
});
