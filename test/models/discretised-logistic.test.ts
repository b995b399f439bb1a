/** Masses of 256 levels, against differences of the distribution function, and what is made of them. */
import { expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { discretisedLogistic } from "../../src/models/discretised-logistic.ts";
import { type Tensor, tensor } from "../../src/tensor/index.ts";

const levels = Array.from({ length: 256 }, (_, k) => k / 255);
const sigmoid = (x: number) => 1 / (1 + Math.exp(-x));

/** log masses of all levels. */
const masses = async (loc: number, logScale: number, executor: "host" | "native" = "host") => {
  const dtype = executor === "host" ? "float64" : "float32";
  const f = compile(
    () =>
      discretisedLogistic(tensor(loc, { dtype }), tensor(logScale, { dtype })).logProb(
        tensor(levels, { dtype }),
      ),
    { executor },
  );
  return Array.from((await f()).data, Number);
};

const drawn = [
  [0.5, -2],
  [0.1, -4],
  [0.93, -3],
  [-0.4, -1],
  [1.7, 0.5],
  [0.5, -6],
] as const;

test.each(drawn)(
  "masses at %d, %d are differences of the distribution function, and sum to 1",
  async (loc, logScale) => {
    const found = await masses(loc, logScale);
    const scale = Math.exp(logScale);
    expect(found.reduce((sum, log) => sum + Math.exp(log), 0)).toBeCloseTo(1, 10);
    found.forEach((log, k) => {
      const upper = k === 255 ? 1 : sigmoid(((k + 0.5) / 255 - loc) / scale);
      const lower = k === 0 ? 0 : sigmoid(((k - 0.5) / 255 - loc) / scale);
      // The difference itself loses its digits where both are near 1.
      if (upper - lower > 1e-8 && upper < 1 - 1e-4) expect(log).toBeCloseTo(Math.log(upper - lower), 6);
    });
    const narrow = await masses(loc, logScale, "native");
    narrow.forEach((log, k) => {
      expect(Math.abs(log - found[k])).toBeLessThan(1e-3 * Math.max(1, Math.abs(found[k])));
    });
  },
);

test("far from the level nothing is lost: the mass of a tail", async () => {
  // ln(σ(a) − σ(b)) for both far below: a + ln(1 − e^(b − a)), with a = −400 and b = a − (1/255)/s.
  const scale = 0.0025;
  const found = await masses(0.5 / 255 + 400 * scale + 1 / 255, Math.log(scale));
  const width = 1 / 255 / scale;
  expect(found[1]).toBeCloseTo(-400 + Math.log(1 - Math.exp(-width)), 6);
});

test.each(drawn)("the mean at %d, %d is within a quarter of a level", async (loc, logScale) => {
  const found = await masses(loc, logScale);
  const expected = found.reduce((sum, log, k) => sum + Math.exp(log) * levels[k], 0);
  const mean = (l: number, s: number) => compile(() => discretisedLogistic(tensor(l), tensor(s)).mean())();
  const value = Number((await mean(loc, logScale)).data[0]);
  expect(Math.abs(value - expected)).toBeLessThan(0.25 / 255);
});

test("draws are levels, with the mean of the masses", async () => {
  const f = compile((l: Tensor) => discretisedLogistic(l, tensor(-2)).sample("x", [20_000]), { seed: 3 });
  const draws = Array.from((await f(0.3)).data, Number);
  for (const draw of draws.slice(0, 500)) expect(255 * draw).toBeCloseTo(Math.round(255 * draw), 3);
  const found = await masses(0.3, -2);
  const moment = (power: number) =>
    found.reduce((sum, log, k) => sum + Math.exp(log) * levels[k] ** power, 0);
  const deviation = Math.sqrt(moment(2) - moment(1) ** 2);
  const mean = draws.reduce((a, b) => a + b, 0) / draws.length;
  // 4 standard errors: a false alarm in 16,000 seeds.
  expect(Math.abs(mean - moment(1))).toBeLessThan((4 * deviation) / Math.sqrt(draws.length));
});
