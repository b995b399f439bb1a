import { expect, test } from "vitest";
import { expectedStatistics, Normal } from "../../src/distributions/index.ts";
import { tensor } from "../../src/tensor/index.ts";

test("natural parameters may depend on each other: expected statistics are partial derivatives", async () => {
  const { exponentialFamily: family } = Normal(0, 1);
  if (family === undefined) return expect.unreachable();
  // η = (μ/σ², −1/(2σ²)) with μ/σ² = 1.5 and 1/σ² = 1.5: mean 1, second moment 1 + 1/1.5.
  const first = tensor(1.5).cast("float64");
  for (const eta of [
    [first, first.mul(-0.5)],
    [first, tensor(-0.75).cast("float64")],
  ]) {
    const [mean, square] = expectedStatistics(family, eta);
    expect((await mean.value()).item()).toBeCloseTo(1, 12);
    expect((await square.value()).item()).toBeCloseTo(1 + 1 / 1.5, 12);
  }
});
