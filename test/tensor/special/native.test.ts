import { describe, expect, test } from "vitest";
import { build } from "../../../src/compile/index.ts";
import { digamma, input, lgamma } from "../../../src/tensor/index.ts";
import { digamma as digammaOf, lgamma as lgammaOf } from "../../../src/tensor/special/index.ts";

/** Log-spaced over (0, 10⁶), dense about the zeros of lgamma (1, 2) and of digamma (1.4616…). */
const grid = (): number[] => {
  const points: number[] = [];
  for (let e = -6; e <= 6; e += 0.003) points.push(10 ** e);
  for (const zero of [1, 1.4616321449683622, 2])
    for (let d = -0.05; d <= 0.05; d += 0.0005) points.push(zero + d);
  for (const zero of [1, 1.4616321449683622, 2])
    for (let e = -7; e < -1; e += 0.1) points.push(zero * (1 + 10 ** e), zero * (1 - 10 ** e), zero);
  return points.filter((x) => x < 1e6);
};

/** Relative error, at the zeros too. */
const error = (found: number, expected: number): number =>
  found === expected ? 0 : Math.abs(found - expected) / Math.abs(expected);

describe("on ONNX Runtime itself, over (0, 10⁶)", () => {
  test.each([
    ["lgamma", lgamma, lgammaOf, "float32", 1e-6],
    ["lgamma", lgamma, lgammaOf, "float64", 1e-12],
    ["digamma", digamma, digammaOf, "float32", 1e-6],
    ["digamma", digamma, digammaOf, "float64", 1e-12],
  ] as const)("%s (%#) is within its bound", async (_, op, reference, dtype, bound) => {
    const points = dtype === "float32" ? Float32Array.from(grid()) : Float64Array.from(grid());
    const program = await build([op(input("x", [points.length], dtype))], { executor: "native", threads: 1 });
    const out = points.slice();
    await program.bind([points], [out])();
    let worst = { x: 0, error: 0 };
    points.forEach((x, i) => {
      // The number functions are held against 50-digit references in their own tests.
      const e = error(out[i], reference(x));
      if (!(e <= worst.error)) worst = { x, error: e };
    });
    expect(worst.error, `worst at ${worst.x}`).toBeLessThanOrEqual(bound);
  });
});
