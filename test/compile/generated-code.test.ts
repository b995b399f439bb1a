import { expect, test } from "vitest";
import { type Bindings, GeneratedCode, type HostRun, writeWhole } from "../../src/compile/generated-code.ts";
import { exactWhole } from "../../src/tensor/index.ts";

/** The function of some statements, on one buffer. */
function functionOf(statements: readonly string[], buffer: Float64Array): HostRun {
  const code = new GeneratedCode();
  for (const statement of statements) code.add(statement);
  const bindings: Bindings = { L: [], O: [], C: [], K: [], B: [buffer], W: writeWhole, X: exactWhole };
  return code.compile()(bindings);
}

test.each([
  ["one function", ["B0[0] += t;"]],
  ["several functions", Array.from({ length: 500 }, (_, i) => `B0[0] += t; /* statement ${i} */`)],
])("the same code, often compiled and often called, runs on its own arrays each time: %s", (_, lines) => {
  const buffers = [0, 1, 2].map(() => new Float64Array(1));
  const runs = buffers.map((buffer) => functionOf(lines, buffer));
  // Half-way the functions become those of a text of their own.
  for (let call = 0; call < 20_000; call++) for (const [i, run] of runs.entries()) run(i + 1);
  expect(buffers.map(([total]) => total)).toEqual([1, 2, 3].map((t) => t * 20_000 * lines.length));
});
