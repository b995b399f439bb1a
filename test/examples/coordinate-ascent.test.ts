/** The example in small: what coordinate ascent looks at grows with the data, what minibatches look at does not. */
import { describe, expect, test } from "vitest";
import {
  arrival,
  ascend,
  ascendStochastically,
  climb,
  distance,
  drawData,
  type Summary,
} from "../../examples/coordinate-ascent.ts";

const truth: Summary = [0.35, -2, 2, 1, 1 / 0.49];

describe("two sizes of data", async () => {
  const sizes = [1_000, 16_000];
  const runs = await Promise.all(
    sizes.map(async (rows) => {
      const x = await drawData(rows, 0);
      const full = await ascend(x, 0);
      return {
        x,
        full,
        exact: full.at[full.at.length - 1],
        minibatches: await ascendStochastically(x, 300, 0),
      };
    }),
  );

  test("coordinate ascent ends near the truth, nearer with more data", () => {
    // A precision of 350 points has a standard error of √(2/350) = 8 %, of 5,600 points 2 %.
    expect(distance(runs[0].exact, truth)).toBeLessThan(0.3);
    expect(distance(runs[1].exact, truth)).toBeLessThan(0.08);
  });

  test("its rows grow with the data, those of minibatches do not", () => {
    const [small, large] = runs.map(({ full, exact, minibatches }) =>
      [full, minibatches].map((t) => t.looked[arrival(t, exact, 0.05) ?? Number.NaN]),
    );
    expect(large[0] / small[0]).toBeGreaterThan(10);
    expect(large[1] / small[1]).toBeLessThan(5);
    expect(large[0] / large[1]).toBeGreaterThan(5);
  });

  test("gradient steps go to the same place", async () => {
    const { x, exact } = runs[1];
    const { at } = await climb(x, 1500, 0);
    // Adam's last steps, at a rate near 0, average what minibatches of 500 say: a few percent of a precision.
    expect(distance(at[at.length - 1], exact)).toBeLessThan(0.05);
  });
});

test("an arrival is where a trail stays, not where it passes", () => {
  const at = [[1], [0.5], [1.01], [2], [1.001], [1]];
  const trail = {
    method: "coordinate ascent",
    rows: 1,
    looked: [1, 2, 3, 4, 5, 6],
    at,
    seconds: [],
  } as const;
  expect(arrival(trail, [1], 0.1)).toBe(4);
  expect(arrival({ ...trail, at: [[1], [2]] }, [1], 0.1)).toBeUndefined();
});
