import { expect, test } from "vitest";
import { amortisation, figure } from "../../examples/amortisation.ts";

test("parameters of each image overtake the encoder, at a price that grows with the data", async () => {
  const images = 40;
  const result = await amortisation({ train: 4000, epochs: 2, images, steps: 400, seed: 0 });
  const { local, amortised, gap, memory } = result;
  // From the prior on they start far below, and end above: their family holds the encoder's answer for each image.
  expect(local[0].elbo).toBeLessThan(amortised - 20);
  expect(gap).toBeGreaterThan(0.5);
  expect(local.map((p) => p.step)).toEqual([1, 2, 5, 10, 20, 50, 100, 200, 400]);
  // 784·200 + 200 + 2 (200·20 + 20) parameters against 60,000 · 40; each with its gradient and two moments, 4 bytes each.
  expect(memory.amortised).toBeCloseTo((165_040 * 16) / 2 ** 20, 6);
  expect(memory.local).toBeCloseTo((2_400_000 * 16) / 2 ** 20, 6);
  const svg = await figure(result, images);
  expect(svg).toContain("<svg");
  expect(svg).toContain("encoder");
});
