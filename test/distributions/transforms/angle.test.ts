import { expect, test } from "vitest";
import "../../../src/compile/index.ts";
import { transforms, VonMises } from "../../../src/distributions/index.ts";
import { exp, sum, tensor } from "../../../src/tensor/index.ts";

const { angle, biject } = transforms;

test("numbers are wound around the circle", async () => {
  const turned = await angle.forward(tensor([0, 3, 4, -4, 3 + 20 * Math.PI], { dtype: "float64" })).value();
  [0, 3, 4 - 2 * Math.PI, 2 * Math.PI - 4, 3].forEach((y, i) => {
    expect(Number(turned.data[i])).toBeCloseTo(y, 12);
  });
});

test("a density on the circle totals 1 on the line, wherever its mode is", async () => {
  const t = biject(VonMises(0, 1).support);
  const n = 40_000;
  const x = tensor(
    Array.from({ length: n }, (_, i) => -60 + (120 * i) / n),
    { dtype: "float64" },
  );
  for (const [loc, kappa] of [
    [0, 0.1],
    [Math.PI, 20],
    [-2, 5],
  ]) {
    const d = VonMises(tensor(loc, { dtype: "float64" }), tensor(kappa, { dtype: "float64" }));
    const { value, logDet } = t.forwardAndLogDet(x);
    const total = sum(exp(d.logProb(value).add(logDet))).mul(120 / n);
    expect((await total.value()).item()).toBeCloseTo(1, 10);
  }
});
