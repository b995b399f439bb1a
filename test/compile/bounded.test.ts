import { existsSync, readdirSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { ArrayValue, build, compile } from "../../src/compile/index.ts";
import {
  add,
  concat,
  grad,
  input,
  scalar,
  sin,
  slice,
  sum,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";

const threads = (): number => (existsSync("/proc/self/task") ? readdirSync("/proc/self/task").length : 0);

test("a compiled function keeps the shapes that it met last, and gives the threads of the others back", async () => {
  const traced: number[] = [];
  const f = compile(
    (x) => {
      traced.push(x.size);
      return sum(tanh(x));
    },
    { threads: 2, spin: false },
  );
  const at = (n: number) => f(new ArrayValue([n], "float32", new Float32Array(n).fill(0.5)));
  await at(1);
  const before = threads();
  for (let n = 2; n <= 80; n++) {
    expect((await at(n)).item()).toBeCloseTo(n * Math.tanh(0.5), 4);
    await at(1);
  }
  // 31 other sessions of two threads, one of which is the caller's.
  expect(threads() - before).toBeLessThanOrEqual(31);
  expect(traced.filter((n) => n === 1)).toHaveLength(1);
  await at(3);
  expect(traced.filter((n) => n === 3)).toHaveLength(2);
});

describe("graphs of many nodes compile without recursion", () => {
  const x = input("x", [2]);
  const run = async (outputs: Tensor[], executor: "host" | "native", at = 0.3) => {
    const program = await build(outputs, { executor, threads: 1 });
    const out = outputs.map((t) => new Float32Array(t.size));
    await program.bind(
      program.leaves.map((l) => new Float32Array(l.size).fill(at)),
      out,
    )();
    await program.release();
    return out;
  };
  const chain = (count: number) => {
    let y: Tensor = x;
    for (let i = 0; i < count; i++) y = sin(add(y, x));
    return y;
  };
  // The fixed point y = sin(y + 0.3).
  const fixed = 0.9485154747962952;

  test("a chain of 60,000 on the host, and its gradient through 8,000", async () => {
    expect((await run([chain(30_000)], "host"))[0][0]).toBeCloseTo(fixed, 5);
    const [[slope]] = await run(grad(sum(chain(4_000)), [x]), "host");
    // dy/dx = c (1 + dy/dx), c = cos(y + 0.3).
    const c = Math.cos(fixed + 0.3);
    expect(slope).toBeCloseTo(c / (1 - c), 4);
  });

  test("a chain of 4,000 natively, and 1,500 parts put together", async () => {
    expect((await run([chain(2_000)], "native"))[0][0]).toBeCloseTo(fixed, 5);
    const parts = Array.from({ length: 1_500 }, (_, i) => sin(add(x, i)));
    const [joined] = await run([concat(parts)], "native");
    expect(joined[2 * 1_234]).toBeCloseTo(Math.sin(1_234 + Math.fround(0.3)), 3);
  });

  test("a derivative through every element of an array is linear in their number", async () => {
    const elements = (n: number) => {
      const z = input("z", [n]);
      let total: Tensor = scalar(0);
      for (let i = 0; i < n; i++) total = add(total, sum(sin(slice(z, { axis: 0, start: i, end: i + 1 }))));
      return grad(total, [z]);
    };
    const [g] = await run(elements(800), "host");
    for (const v of g) expect(v).toBeCloseTo(Math.cos(Math.fround(0.3)), 6);
  });
});
