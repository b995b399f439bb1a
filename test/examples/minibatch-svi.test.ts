import { expect, test } from "vitest";
import { drawData, gradients, walk } from "../../examples/minibatch-svi.ts";

test("the gradients of an epoch's minibatches average to the gradient of all rows", async () => {
  const data = await drawData(1000, 3);
  const { full, minibatches } = await gradients(data, 50, 0);
  expect(minibatches).toHaveLength(20);
  full.forEach((g, j) => {
    const each = minibatches.map((m) => m[j]);
    const mean = each.reduce((a, b) => a + b, 0) / each.length;
    // One draw of the weights, so the two are equal but for float32: the gradients are sums of a thousand terms, some 1000 large.
    expect(Math.abs(mean / g - 1)).toBeLessThan(1e-5);
    expect(Math.abs(each[0] / g - 1)).toBeGreaterThan(1e-3);
  });
});

test("with as many rows looked at, minibatches are nearer to the posterior", async () => {
  const data = await drawData(2000, 0);
  const small = await walk(data, 50, 2000, 0);
  const full = await walk(data, data.rows, 50, 0);
  const [end, fullEnd] = [small, full].map(({ looked, kl }) => ({
    looked: looked.at(-1),
    kl: kl.at(-1) ?? 0,
  }));
  expect(end.looked).toBe(fullEnd.looked);
  expect(end.kl).toBeLessThan(1);
  expect(fullEnd.kl).toBeGreaterThan(100 * end.kl);
});
