import { describe, expect, test } from "vitest";
import { principalComponents, symmetricEigen } from "../../src/report/principal-components.ts";

describe("symmetricEigen", () => {
  test("solves a matrix known by hand", () => {
    // [[2, 1], [1, 2]] has eigenvalues 3 and 1 with vectors (1, 1)/√2 and (1, −1)/√2.
    const { values, vectors } = symmetricEigen(Float64Array.of(2, 1, 1, 2), 2);
    expect([...values].sort()).toEqual([expect.closeTo(1, 12), expect.closeTo(3, 12)]);
    const top = values.indexOf(Math.max(...values));
    expect((vectors[top] ?? 0) * (vectors[2 + top] ?? 0)).toBeCloseTo(0.5, 12);
  });

  test("V diag(λ) Vᵀ is the matrix again, for one of 40 dimensions", () => {
    const n = 40;
    const matrix = new Float64Array(n * n);
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) matrix[i * n + j] = Math.sin(i * j + i + j) + (i === j ? i / 3 : 0);
    }
    const { values, vectors } = symmetricEigen(matrix, n);
    let worst = 0;
    for (let i = 0; i < n; i++) {
      for (let j = 0; j < n; j++) {
        let sum = 0;
        for (let k = 0; k < n; k++)
          sum += (vectors[i * n + k] ?? 0) * (values[k] ?? 0) * (vectors[j * n + k] ?? 0);
        worst = Math.max(worst, Math.abs(sum - (matrix[i * n + j] ?? 0)));
      }
    }
    // Rounding: 40 terms of size about 20 at 2e-16 each.
    expect(worst).toBeLessThan(1e-12);
  });
});

describe("principalComponents", () => {
  test("finds the line that the points lie on", () => {
    // Four points on the direction (2, −1, 2)/3, at −3, −1, 1, 3 from their mean.
    const points = Float32Array.from(
      [-3, -1, 1, 3].flatMap((t) => [5 + (2 * t) / 3, 1 - t / 3, (2 * t) / 3]),
    );
    const { points: flat, explained } = principalComponents(points, 3);
    expect(explained[0]).toBeCloseTo(1, 6);
    expect(Array.from(flat).filter((_, i) => i % 2 === 0)).toEqual(
      [-3, -1, 1, 3].map((t) => expect.closeTo(t, 5)),
    );
    for (let i = 0; i < 4; i++) expect(flat[2 * i + 1]).toBeCloseTo(0, 5);
  });

  test("points that are all alike explain nothing and stay finite", () => {
    const { points, explained } = principalComponents(new Float32Array(30).fill(0.1), 3);
    expect(explained).toEqual([0, 0]);
    expect(points.every((value) => Math.abs(value) < 1e-12)).toBe(true);
  });
});
