import { expect, test } from "vitest";
import { build } from "../../src/compile/compile.ts";
import { gather, input, mul } from "../../src/tensor/index.ts";

const ROWS = 2 ** 18;

test("natively, large outputs are written in place, and the runtime hands out no copies of them", async () => {
  const x = input("x", [ROWS]);
  const program = await build([mul(x, 2), mul(x, -1)], { executor: "native", threads: 1 });
  const data = new Float32Array(ROWS);
  const outputs = [new Float32Array(ROWS), new Float32Array(ROWS)];
  const run = program.bind([data], outputs);
  const before = process.memoryUsage().arrayBuffers;
  for (let step = 1; step <= 10; step++) {
    data.fill(step);
    await run();
    expect(outputs.map((out) => [out[0], out[ROWS - 1]])).toEqual([
      [2 * step, 2 * step],
      [-step, -step],
    ]);
  }
  // Less than one of the twenty outputs, of 1 MiB each.
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(4 * ROWS);
});

test.each([ROWS, 8])("natively, an error of the runtime is told, with outputs of %i", async (rows) => {
  const at = input("at", [rows], "int32");
  const program = await build([gather(input("x", [4]), at)], { executor: "native", threads: 1 });
  const run = program.bind(
    program.leaves.map((leaf) => (leaf === at ? new Int32Array(rows).fill(4) : new Float32Array(4))),
    [new Float32Array(rows)],
  );
  await expect(run()).rejects.toThrow(
    /^ONNX Runtime stopped while computing: .*indices element out of data bounds/,
  );
});
