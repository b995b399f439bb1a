/** Results do not depend on the units of the data. */
import { describe, expect, test } from "vitest";
import { HalfCauchy, Normal } from "../../src/distributions/index.ts";
import { autoNormal, svi } from "../../src/inference/index.ts";
import { laplace } from "../../src/inference/laplace.ts";
import { map } from "../../src/inference/map.ts";
import { nuts } from "../../src/inference/mcmc/nuts.ts";
import { summary } from "../../src/inference/summary.ts";
import { model } from "../../src/program/index.ts";
import { tensor } from "../../src/tensor/index.ts";

const x = Array.from({ length: 20 }, (_, i) => i / 10 - 1);
const y = x.map((v, i) => 55 + 3 * v + Math.sin(7.3 * i));

/** A regression, its data and priors in another unit. */
const regression = (unit: number) =>
  model(
    ({ sample, observe, plate }) => {
      const a = sample("a", Normal(0, 100 * unit));
      const b = sample("b", Normal(0, 10 * unit));
      const s = sample("s", HalfCauchy(unit));
      plate("row", 20, () =>
        observe(
          "y",
          Normal(a.add(b.mul(tensor(x))), s),
          tensor(
            y.map((v) => v * unit),
            { dtype: "float32" },
          ),
        ),
      );
    },
    { name: "regression" },
  );

const units = [1e-9, 3e-8, 1e-6, 1e-3, 1, 20, 1e3, 7e5, 1e6, 1e9];
const names = ["a", "b", "s"];

describe("a mode is the same in every unit", async () => {
  const { values } = await map(regression(1)).run([]);
  const expected = names.map((name) => values.get(name)?.item() ?? 0);
  test.each(units)("%d", async (unit) => {
    for (const seed of [0, 1]) {
      const found = await map(regression(unit)).run([], { seed });
      // The tolerance is 1e-6 standard deviations; data are float32.
      names.forEach((name, i) => {
        expect((found.values.get(name)?.item() ?? 0) / unit / expected[i]).toBeCloseTo(1, 5);
      });
    }
  });
});

describe("Laplace's evidence, the same", async () => {
  const { logEvidence } = await laplace(regression(1)).run([], { draws: 25 });
  test.each(units)("%d", async (unit) => {
    const found = await laplace(regression(unit)).run([], { draws: 25 });
    expect(found.logEvidence + y.length * Math.log(unit)).toBeCloseTo(logEvidence, 4);
  });
});

describe("NUTS", async () => {
  const run = async (unit: number) =>
    summary(await nuts(regression(unit)).run([], { chains: 2, warmUp: 400, draws: 400, seed: 2 }));
  const plain = await run(1);
  // Six comparisons in each of four units, at four standard errors: a false alarm for 0.15 % of seeds.
  test.each([1e-9, 1e-5, 1e5, 1e9])("%d", async (unit) => {
    const { rows, divergences, saturated } = await run(unit);
    expect([divergences, saturated]).toEqual([0, 0]);
    rows.forEach((row, i) => {
      const there = plain.rows[i];
      const error = (a: number, b: number): number => 4 * Math.hypot(a / unit, b);
      expect(Math.abs(row.mean / unit - there.mean)).toBeLessThan(error(row.mcseMean, there.mcseMean));
      expect(Math.abs(row.sd / unit - there.sd)).toBeLessThan(error(row.mcseSd, there.mcseSd));
      expect(row.rHat).toBeLessThan(1.03);
      expect(row.essBulk).toBeGreaterThan(200);
    });
  });
});

describe("svi, whose steps have one length for all parameters, is near the evidence or says that it is not", () => {
  const fitted = async (unit: number, steps: number) => {
    const program = regression(unit);
    const { elbo, warnings } = await svi(program, autoNormal(program)).run([], { steps, seed: 0 });
    const last = elbo.slice(-steps / 10);
    return { warnings, bound: last.reduce((a, b) => a + b, 0) / last.length + y.length * Math.log(unit) };
  };
  test.each([...units, 1e-4, 0.01, 0.1])("%d", async (unit) => {
    // The evidence is −33.06; a mean-field guide that is fitted lies 0.2 nats below.
    const { bound, warnings } = await fitted(unit, 3000);
    if (warnings.length === 0) expect(Math.abs(bound + 33.06)).toBeLessThan(3);
    else expect(warnings.join(" ")).toContain("the guide is not fitted");
  });

  test("a fit that has arrived has no warning", async () => {
    const { bound, warnings } = await fitted(0.1, 6000);
    expect(warnings).toEqual([]);
    expect(Math.abs(bound + 33.06)).toBeLessThan(0.5);
  });
});
