import { expect, test } from "vitest";
import { compared, nativeOf } from "./random-views.ts";

/** `npm run fuzz -- --graphs 2000 --seed 7` draws others. */
const graphs = Number(process.env.TIGHTBOUND_FUZZ_GRAPHS ?? 120);
const first = Number(process.env.TIGHTBOUND_FUZZ_SEED ?? 1) * 1_000_000;
const precisions = ["float32", "float64"] as const;

test(
  `${graphs} random graphs on degenerate shapes, with derivatives: native agrees with host in both precisions`,
  async () => {
    const found: string[] = [];
    const worst = { float32: 0, float64: 0 };
    for (let i = 0; i < graphs; i++) {
      for (const dtype of precisions) {
        const one = await compared(first + i, dtype);
        found.push(...one.found);
        worst[dtype] = Math.max(worst[dtype], one.worst);
      }
      if (graphs > 500 && (i + 1) % 500 === 0) console.log(`${i + 1} graphs, ${found.length} disagreements`);
    }
    if (graphs > 500) {
      console.log(
        `largest difference, as a share of what is allowed: float32 ${worst.float32.toFixed(2)}, float64 ${worst.float64.toFixed(2)}`,
      );
    }
    expect(found).toEqual([]);
  },
  Math.max(300_000, 1_000 * graphs),
);

test("what is allowed is little: one digit less than the precision has is seen in most graphs", async () => {
  const sizes = { float32: 1e-5, float64: 1e-13 };
  for (const dtype of precisions) {
    let [seen, computed] = [0, 0];
    for (let seed = 0; seed < 20; seed++) {
      const native = await nativeOf(seed, dtype);
      // A value that is not 0, and is not an input as it stands.
      if (!native.some((output) => output.some((v) => Number.isFinite(v) && Math.abs(v) > 1e-3))) continue;
      computed++;
      const off = native.map((output) => output.map((v) => v * (1 + sizes[dtype])));
      if ((await compared(seed, dtype, off)).found.length > 0) seen++;
    }
    expect(computed).toBeGreaterThan(10);
    expect(seen / computed, dtype).toBeGreaterThan(0.6);
  }
});
