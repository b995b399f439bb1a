/** The examples in the families' docstrings: they run, and give what stands beside them. */
import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import "../../src/compile/index.ts";
import * as families from "../../src/distributions/index.ts";
import * as tensors from "../../src/tensor/index.ts";

const folder = new URL("../../src/distributions/", import.meta.url);

/** Lines of one evaluation with its result: `await EXPRESSION; // RESULT`. */
const examples = readdirSync(folder)
  .filter((file) => file.endsWith(".ts"))
  .flatMap((file) =>
    [...readFileSync(new URL(file, folder), "utf8").matchAll(/^ \* (await [A-Z].*;) \/\/ (.*)$/gm)].map(
      ([, code, result]) => [file, code, result] as const,
    ),
  );

/** "[0, -Infinity]", "ln 2 = 0.6931", "0: uniform", "-2.4515, of the first number": the numbers that are meant. */
function numbersIn(result: string): number[] {
  const list = /^\[(.*)\]/.exec(result);
  if (list !== null) return list[1].split(",").map(Number);
  const stated = /(?:= )?(-?[\d.]+(?:e-?\d+)?)(?:$|:|,)/.exec(result);
  return [Number(stated?.[1])];
}

test.each(examples)("%s: %s", async (_, code, result) => {
  const scope = { ...tensors, ...families };
  const run = new Function(...Object.keys(scope), `return (async () => (${code.slice(0, -1)}))();`);
  const found = await run(...Object.values(scope));
  const data = Array.from(found.data as ArrayLike<number>, Number);
  const expected = numbersIn(result);
  expect(data).toHaveLength(expected.length);
  expected.forEach((e, i) => {
    if (Number.isFinite(e)) expect(data[i]).toBeCloseTo(e, 3);
    else expect(data[i]).toBe(e);
  });
});

test("there are examples", () => {
  expect(examples.length).toBeGreaterThan(30);
});
