/** Graphs that compute the same share their functions, and nobody notices. */
import fc from "fast-check";
import { describe, expect, it, test } from "vitest";
import { graphKey } from "../../src/compile/graph-key.ts";
import { compileHost, fromPlainGraph, toPlainGraph, topological } from "../../src/compile/index.ts";
import { knownProgram } from "../../src/compile/known-programs.ts";
import { constant, div, input, isConstant, mul, scan, Tensor, tensor } from "../../src/tensor/index.ts";
import { type DrawnCase, drawnCases } from "../tensor/cases.ts";
import { drawLeaves, randomGraph } from "./graphs.ts";

const leavesOf = (outputs: readonly Tensor[]): Tensor[] =>
  topological(outputs).filter((t) => t.inputs.length === 0 && !isConstant(t));

const keyOf = (outputs: readonly Tensor[]) => graphKey(outputs, leavesOf(outputs));

/** The numbers of all arrays. */
const flat = (arrays: readonly Float64Array[]): number[] => arrays.flatMap((a) => Array.from(a));

/** A graph bound to numbers, and what it gives when it is run on its own. */
function user(outputs: readonly Tensor[], seed: number) {
  const drawn = drawLeaves(leavesOf(outputs), seed);
  const bind = (once: boolean) => {
    const program = compileHost(outputs, { once });
    const results = outputs.map((t) => new Float64Array(t.size));
    const read = program.leaves.map((leaf) => drawn.get(leaf)?.slice() ?? new Float64Array(0));
    return { read, results, run: program.bind(read, results) };
  };
  const alone = bind(true);
  alone.run();
  return { ...bind(false), expected: flat(alone.results) };
}

test("users of equal graphs in turn, each on its own numbers, get what they get alone", () => {
  fc.assert(
    fc.property(randomGraph({ dtype: "float64", jumps: true }), ({ leaves, outputs }) => {
      const again = fromPlainGraph(toPlainGraph(outputs, leaves)).outputs;
      expect(keyOf(again)).toEqual(keyOf(outputs));
      const users = [user(outputs, 1), user(again, 2), user(outputs, 3)];
      for (const { run } of [...users, ...users]) run();
      for (const { results, expected } of users) expect(flat(results)).toEqual(expected);
      // What is bound is read again at every run.
      const [first, second] = users;
      first.read.forEach((array, i) => {
        array.set(second.read[i]);
      });
      first.run();
      expect(flat(first.results)).toEqual(second.expected);
    }),
    { numRuns: 200 },
  );
});

describe("graphs that compute different things have different keys", () => {
  it("by attributes that JSON does not tell apart", () => {
    const x = input("x", [2], "float64");
    const given = [
      { to: Number.POSITIVE_INFINITY },
      { to: Number.NEGATIVE_INFINITY },
      { to: Number.NaN },
      { to: 0 },
      { to: -0 },
      { to: null },
      { to: () => 1 },
      { to: () => 1 },
      { to: new Map([[1, 2]]) },
      { to: new Map([[1, 2]]) },
      { to: "number NaN!" },
    ];
    const node = mul(x, x);
    const texts = given.map(
      (attributes) => keyOf([new Tensor(node.op, [x, x], attributes, [2], "float64")]).text,
    );
    expect(new Set(texts).size).toBe(given.length);
    const same = keyOf([new Tensor(node.op, [x, x], { to: [1, "a", true] }, [2], "float64")]);
    expect(keyOf([new Tensor(node.op, [x, x], { to: [1, "a", true] }, [2], "float64")])).toEqual(same);
  });

  it("over the cases of every op, twice", () => {
    const known = new Map<string, DrawnCase>();
    const valuesOf = ({ inputs, output }: DrawnCase, values: readonly Float64Array[]): number[] => {
      const program = compileHost([output], { once: true });
      const results = new Float64Array(output.size);
      program.bind(
        program.leaves.map((leaf) => values[inputs.indexOf(leaf)]),
        [results],
      )();
      return Array.from(results);
    };
    let pairs = 0;
    for (const c of [...drawnCases("float64"), ...drawnCases("float64")]) {
      const { text } = graphKey([c.output], c.inputs);
      const same = known.get(text) ?? c;
      known.set(text, same);
      if (same === c) continue;
      pairs++;
      expect(valuesOf(same, c.values), `${c.name} and ${same.name}`).toEqual(valuesOf(c, c.values));
    }
    expect(pairs).toBeGreaterThanOrEqual(drawnCases("float64").length);
  });

  const x = input("x", [100], "float64");
  const numbers = Float64Array.from({ length: 100 }, (_, i) => i);
  const product = (values: ArrayLike<number>) => mul(x, constant(values, [values.length], "float64"));
  /** The sum of a series that fades by a factor in each step. */
  const faded = (factor: number): Tensor =>
    scan(tensor(0, { dtype: "float64" }), x, (total, value) => ({
      carry: total.mul(factor).add(value),
      output: total,
    })).outputs;
  it.each<[string, () => Tensor, () => Tensor]>([
    ["a number of many", () => product(numbers), () => product(numbers.with(70, 70.5))],
    ["0 and −0 among many", () => product(numbers), () => product(numbers.with(0, -0))],
    ["0 and −0 alone", () => div(1, product([0])), () => div(1, product([-0]))],
    ["a number in the body of a loop", () => faded(0.5), () => faded(0.25)],
  ])("%s", (_, one, other) => {
    expect(keyOf([one()])).toEqual(keyOf([one()]));
    const [first, second] = [one, other].map((make) => user([make()], 5));
    for (const { run } of [first, second]) run();
    expect(flat(first.results)).toEqual(first.expected);
    expect(flat(second.results)).toEqual(second.expected);
    expect(second.expected).not.toEqual(first.expected);
  });
});

const program = (size: number) => ({ leaves: [], outputs: [], run: () => undefined, nodes: 1, size });

describe("what is kept", () => {
  /** Whether the program of a key has to be made. */
  const isNew = (text: string, size = 10, arrays: readonly Float64Array[] = []): boolean => {
    let made = false;
    knownProgram({ text, arrays }, () => {
      made = true;
      return program(size);
    });
    return made;
  };

  it("is found again, if all its large constants are the same", () => {
    expect(isNew("a", 10, [Float64Array.of(1, 2)])).toBe(true);
    expect(isNew("a", 10, [Float64Array.of(1, 2)])).toBe(false);
    expect(isNew("a", 10, [Float64Array.of(1, 3)])).toBe(true);
  });

  it("is 64 programs: those used last", () => {
    for (let i = 0; i < 64; i++) expect(isNew(`program ${i}`)).toBe(true);
    expect(isNew("program 0")).toBe(false);
    expect(isNew("one more")).toBe(true);
    expect(isNew("program 0")).toBe(false);
    expect(isNew("program 1")).toBe(true);
  });

  it("is 16 MiB of numbers, and never a program that is larger", () => {
    expect(isNew("half", 2 ** 20)).toBe(true);
    expect(isNew("too large", 2 ** 21 + 1)).toBe(true);
    expect(isNew("too large", 2 ** 21 + 1)).toBe(true);
    expect(isNew("half", 2 ** 20)).toBe(false);
    expect(isNew("more than half", 2 ** 20 + 1)).toBe(true);
    expect(isNew("half", 2 ** 20)).toBe(true);
  });
});
