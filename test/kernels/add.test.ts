import { expect, test } from "vitest";
import { MemoryPlan, threadsFor } from "../../src/kernels/index.ts";

test("addTo adds at every length around the vector width, and to nothing after it", () => {
  const plan = new MemoryPlan();
  const [a, b] = ["a", "b"].map((name) => plan.reserve(name, 24, "float32"));
  const memory = plan.allocate();
  for (let n = 0; n <= 20; n++) {
    const [sum, x] = [memory.view(a), memory.view(b)];
    sum.set(Array.from({ length: 24 }, (_, i) => i / 3));
    x.set(Array.from({ length: 24 }, (_, i) => 1 / (i + 1)));
    const expected = [...sum].map((value, i) => (i < n ? Math.fround(value + x[i]) : value));
    memory.kernels.addTo(a.byteOffset, b.byteOffset, n);
    expect([...sum]).toEqual(expected);
  }
});

test("addTo on several threads gives the sums of one", async () => {
  const count = 200_003;
  const plan = new MemoryPlan();
  const [a, b] = ["a", "b"].map((name) => plan.reserve(name, count, "float32"));
  const memory = plan.allocate(await threadsFor(2 ** 20, 3));
  const [sum, x] = [memory.view(a), memory.view(b)];
  sum.forEach((_, i) => {
    sum[i] = Math.sin(i);
    x[i] = Math.cos(i);
  });
  const expected = sum.map((value, i) => value + x[i]);
  // Again and again, while the threads start.
  for (let turn = 0; turn < 20; turn++) {
    const before = sum.slice();
    memory.kernels.addTo(a.byteOffset, b.byteOffset, count);
    expect(sum.every((value, i) => value === expected[i])).toBe(true);
    sum.set(before);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  memory.release();
});
