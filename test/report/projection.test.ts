import { describe, expect, test } from "vitest";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { project } from "../../src/report/projection.ts";

/** Three far-apart clusters in five dimensions: row i belongs to cluster i % 3. */
const clusters = (rows: number): Float32Array =>
  Float32Array.from({ length: rows * 5 }, (_, k) => {
    const row = Math.floor(k / 5);
    return (k % 5 === row % 3 ? 20 : 0) + Math.sin(k * 12.9898) * 0.5;
  });

describe("project", () => {
  test("two dimensions stay as they are", async () => {
    const points = Float32Array.of(1, 2, 3, 4, -5, 6);
    const projection = await project(points, 2);
    expect(projection).toEqual({
      points,
      rows: Int32Array.of(0, 1, 2),
      method: "identity",
      axes: ["z₀", "z₁"],
    });
  });

  test("one dimension keeps its value and is spread out over the other", async () => {
    const { points, method } = await project(Float32Array.of(1, 2, 3), 1);
    expect(method).toBe("identity");
    expect([points[0], points[2], points[4]]).toEqual([1, 2, 3]);
    for (const i of [1, 3, 5]) expect(Math.abs(points[i] ?? 9)).toBeLessThanOrEqual(1);
    expect(points[1]).not.toBe(points[3]);
  });

  test("drops rows that are not finite and keeps at most maxPoints, evenly spaced", async () => {
    const points = Float32Array.from({ length: 20 }, (_, i) => i);
    points[5] = Number.NaN; // row 2
    // Rows 0 1 3 4 5 6 7 8 9 remain; three of nine, evenly: the 0th, 3rd and 6th.
    const { rows, points: kept } = await project(points, 2, { maxPoints: 3 });
    expect(Array.from(rows)).toEqual([0, 4, 7]);
    expect(Array.from(kept)).toEqual([0, 1, 8, 9, 14, 15]);
  });

  test("UMAP is reproducible and keeps clusters apart", async () => {
    const points = clusters(90);
    const first = await project(points, 5, { seed: 3 });
    const second = await project(points, 5, { seed: 3 });
    expect(first.method).toBe("umap");
    expect(first.points).toEqual(second.points);
    // Every point's nearest neighbour in the picture is of its own cluster.
    const at = (row: number): readonly [number, number] => [
      first.points[2 * row] ?? 0,
      first.points[2 * row + 1] ?? 0,
    ];
    for (let row = 0; row < 90; row++) {
      let nearest = -1;
      let least = Number.POSITIVE_INFINITY;
      for (let other = 0; other < 90; other++) {
        const distance = Math.hypot(at(row)[0] - at(other)[0], at(row)[1] - at(other)[1]);
        if (other !== row && distance < least) [nearest, least] = [other, distance];
      }
      expect(nearest % 3).toBe(row % 3);
    }
  });

  test("PCA on request, for few points, and for a collapsed posterior", async () => {
    expect((await project(clusters(90), 5, { method: "pca" })).method).toBe("pca");
    expect((await project(clusters(20), 5)).method).toBe("pca");
    const collapsed = await project(new Float32Array(500), 5);
    expect(collapsed.method).toBe("pca");
    expect(collapsed.points.every((value) => value === 0)).toBe(true);
    expect(collapsed.axes).toEqual(["PC 1 (0 % of the variance)", "PC 2 (0 % of the variance)"]);
  });

  test("no points at all are no error", async () => {
    expect((await project(new Float32Array(0), 7)).rows.length).toBe(0);
  });

  test("says what it expected", async () => {
    await expect(project(new Float32Array(7), 2)).rejects.toThrow(
      new ShapeError(
        "project: expected points of shape [rows, 2], found 7 values, which is not a multiple of 2",
      ),
    );
    await expect(project(new Float32Array(4), 0)).rejects.toThrow(
      new UsageError("project: dimensions must be a whole number of at least 1, found 0"),
    );
  });
});
