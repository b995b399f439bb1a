/** The host's code in float32, with kernels for products and functions, against the host in float64. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileFloat32 } from "../../src/compile/float32-host.ts";
import { compileHost } from "../../src/compile/host.ts";
import { simplify } from "../../src/compile/simplify.ts";
import { MemoryPlan } from "../../src/kernels/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { allocate, convert, isFloat, type TypedArray } from "../../src/tensor/dtype.ts";
import {
  add,
  argmax,
  cast,
  concat,
  constant,
  exp,
  grad,
  greater,
  type HostArray,
  input,
  matmul,
  mul,
  relu,
  reshape,
  type Shape,
  scan,
  sigmoid,
  slice,
  softplus,
  sum,
  type Tensor,
  tanh,
  transpose,
} from "../../src/tensor/index.ts";
import { drawnCases } from "../tensor/cases.ts";
import { drawLeaves, LARGE_SHAPES, randomGraph } from "./graphs.ts";
import { compared, randomView } from "./random-views.ts";

type Values = (leaf: Tensor) => ArrayLike<number>;

const bound = (leaf: Tensor, values: Values): TypedArray => convert(values(leaf), leaf.dtype);

/** What the code in float32 makes of a graph, in a memory of its own. */
function ownOf(outputs: readonly Tensor[], values: Values): number[][] {
  const program = compileFloat32(simplify(outputs));
  const written = outputs.map((t) => allocate(t.dtype, t.size));
  const read = program.leaves.map((leaf) => {
    const array = bound(leaf, values);
    return array instanceof BigInt64Array ? Float64Array.from(array, Number) : array;
  });
  program.bind(read, written)();
  return written.map((w) => Array.from(w, Number));
}

function hostOf(outputs: readonly Tensor[], values: Values): number[][] {
  const program = compileHost(simplify(outputs));
  const written = outputs.map((t) => new Float64Array(t.size));
  program.bind(
    program.leaves.map((leaf) => Float64Array.from(values(leaf))),
    written,
  )();
  return written.map((w) => Array.from(w));
}

describe("every op of the registry", () => {
  test.each(drawnCases("float32").map((c) => [c.name, c] as const))("%s", (_, c) => {
    const values: Values = (leaf) => c.values[c.inputs.indexOf(leaf)];
    const [[own], [host]] = [ownOf([c.output], values), hostOf([c.output], values)];
    const allowed = isFloat(c.output.dtype) ? 3e-6 : 0;
    host.forEach((expected, i) => {
      const error = Math.abs(own[i] - expected) / Math.max(1, Math.abs(expected));
      expect(error, `element ${i}: host ${expected}, float32 ${own[i]}`).toBeLessThanOrEqual(allowed);
    });
  });
});

test("random graphs on degenerate shapes, with derivatives", async () => {
  const found: string[] = [];
  for (let seed = 5_000_000; seed < 5_000_100; seed++) {
    const { leaves, values, outputs } = randomView(seed, "float32");
    const own = ownOf(outputs, (leaf) => values[leaves.indexOf(leaf)]);
    found.push(...(await compared(seed, "float32", own)).found);
  }
  expect(found).toEqual([]);
}, 300_000);

test("random graphs with so many elements that products and functions have kernels", async () => {
  await fc.assert(
    fc.asyncProperty(
      randomGraph({ dtype: "float32", shapes: LARGE_SHAPES }),
      fc.nat({ max: 1e6 }),
      async ({ leaves, outputs }, seed) => {
        const drawn = drawLeaves(leaves, seed);
        const values = leaves.map((leaf) => drawn.get(leaf) ?? new Float64Array(leaf.size));
        const own = ownOf(outputs, (leaf) => values[leaves.indexOf(leaf)]);
        const { found } = await compared(seed, "float32", own, { leaves, values, outputs });
        expect(found).toEqual([]);
      },
    ),
    { seed: 3, numRuns: 60 },
  );
}, 300_000);

const drawn = (site: string, shape: Shape): Float64Array => {
  const values = new Float64Array(shape.reduce((a, b) => a * b, 1));
  fillNormal(values, stream(7, site));
  return values.map((v) => Math.fround(v));
};

/** A network with most of what a program can do with its arrays: products both ways, functions, constants, views, several uses of one value. */
function network() {
  const x = input("x", [9, 30]);
  const w = input("w", [30, 20]);
  const rows = input("rows", [2], "int64");
  const h = matmul(x, add(w, constant(drawn("shift", [30, 20]), [30, 20])));
  const g = matmul(sigmoid(h), transpose(w));
  const back = matmul(h, softplus(h), { transposeA: true });
  const flat = reshape(exp(mul(h, 0.1)), [180]);
  const outputs = [
    h,
    h,
    g,
    back,
    slice(flat, { axis: 0, start: 5, end: 90 }),
    transpose(h),
    sum(g, 0),
    sum(g, 1),
    sum(back),
    x,
    constant(drawn("fixed", [70]), [70]),
    reshape(h, [20, 9]),
    greater(h, 0),
    cast(greater(h, 0), "int64"),
    argmax(h, 1),
    concat([relu(h), g], 1),
    cast(rows, "float32"),
  ];
  const all = new Map<Tensor, Float64Array>([
    [x, drawn("x", x.shape)],
    [w, drawn("w", w.shape)],
    [rows, Float64Array.of(3, 2 ** 24 + 2)],
  ]);
  return { outputs, values: (leaf: Tensor) => all.get(leaf) ?? new Float64Array(0) };
}

test("views, constants, values that are asked for twice, whole numbers and truth values come out as on the host", () => {
  const { outputs, values } = network();
  const [own, host] = [ownOf(outputs, values), hostOf(outputs, values)];
  for (const [k, t] of outputs.entries()) {
    own[k].forEach((a, i) => {
      const allowed = isFloat(t.dtype) ? 2e-5 * Math.max(1, Math.abs(host[k][i])) : 0;
      expect(Math.abs(a - host[k][i]), `output ${k}, element ${i}`).toBeLessThanOrEqual(allowed);
    });
  }
});

test("in a given memory the results are the same bit for bit, run after run, and nothing else in it changes", () => {
  const { outputs, values } = network();
  const expected = ownOf(outputs, values);
  const program = compileFloat32(simplify(outputs));
  const plan = new MemoryPlan();
  const guards = [plan.reserve("first", 16, "float32")];
  const slotOf = (name: string, { dtype, size }: Tensor) =>
    dtype === "float32" ? plan.reserve(name, size, "float32") : undefined;
  const reads = program.leaves.map((leaf, i) => slotOf(`read ${i}`, leaf));
  const writes = outputs.map((t, i) => slotOf(`written ${i}`, t));
  program.reserve(plan);
  guards.push(plan.reserve("last", 16, "float32"));
  const memory = plan.allocate();
  for (const slot of guards) memory.view(slot).fill(7);
  const read = program.leaves.map((leaf, i): HostArray => {
    const slot = reads[i];
    return slot ? memory.view(slot) : Float64Array.from(values(leaf));
  });
  const written = outputs.map((t, i) => {
    const slot = writes[i];
    return slot ? memory.view(slot) : allocate(t.dtype, t.size);
  });
  const run = program.bind(read, written, memory);
  for (const scale of [1, 0.5, 1]) {
    program.leaves.forEach((leaf, i) => {
      if (leaf.dtype === "float32") read[i].set(Float32Array.from(values(leaf), (v) => scale * v));
    });
    run();
    const found = written.map((w) => Array.from(w, Number));
    if (scale === 1) expect(found).toEqual(expected);
    else expect(found).not.toEqual(expected);
  }
  for (const slot of guards) expect(Array.from(memory.view(slot))).toEqual(new Array(16).fill(7));
});

test("loops over steps: products inside and of their results, derivatives, and whole numbers beyond 2^24", () => {
  const [w, x] = [input("w", [6, 6]), input("x", [40, 6])];
  const { carry, outputs } = scan(
    { h: constant(drawn("h", [6]), [6]), count: constant([2 ** 24 + 1], [], "int64") },
    { x },
    ({ h, count }, row) => {
      const next = tanh(add(matmul(h, w), row.x));
      return { carry: { h: next, count: add(count, 2) }, output: { next, square: mul(next, next) } };
    },
  );
  const product = matmul(outputs.next, outputs.square, { transposeA: true });
  const total = sum(mul(product, product));
  const results = [product, carry.h, carry.count, exp(outputs.next), ...grad(total, [w, x])];
  const values = (leaf: Tensor) => (leaf === w ? drawn("w", [6, 6]) : drawn("x", [40, 6]));
  const [own, host] = [ownOf(results, values), hostOf(results, values)];
  expect(own[2]).toEqual([2 ** 24 + 81]);
  for (const [k, expected] of host.entries()) {
    const size = Math.max(1, ...expected.map(Math.abs));
    own[k].forEach((a, i) => {
      expect(Math.abs(a - expected[i]), `result ${k}, element ${i}`).toBeLessThan(1e-5 * size);
    });
  }
});

test("sums are kept in float64 until all of it is there", () => {
  // In float32 a sum that begins with 2^24 would stay there.
  const x = input("x", [4097, 4]);
  const values = Float32Array.from({ length: x.size }, (_, i) => (i < 4 ? 2 ** 24 : 1));
  expect(ownOf([sum(x, 0)], () => values)[0]).toEqual(new Array(4).fill(2 ** 24 + 4096));
  expect(ownOf([sum(x)], () => values)[0]).toEqual([4 * (2 ** 24 + 4096)]);
});

test("a number that is too large for float32 is infinite when it is stored, as natively", () => {
  const x = input("x", [100]);
  const [own] = ownOf([mul(mul(x, 1e30), 1e30)], () => new Float32Array(100).fill(1));
  expect(own[0]).toBe(Number.POSITIVE_INFINITY);
});
