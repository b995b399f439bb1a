/** Batching rules: for every case of every op, batching any subset of its inputs equals stacking single results. */
import { describe, expect, test } from "vitest";
import { build, type Executor } from "../../src/compile/compile.ts";
import { ShapeError } from "../../src/errors.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { allocate, convert, type DType, isFloat } from "../../src/tensor/dtype.ts";
import {
  conv2d,
  expand,
  gather,
  input,
  matmul,
  noise,
  type Shape,
  sum,
  type Tensor,
  tensor,
  vjp,
  vmap,
} from "../../src/tensor/index.ts";
import { rebuild } from "../../src/tensor/op.ts";
import { sizeOf } from "../../src/tensor/shape.ts";
import { nodesOf } from "../../src/tensor/substitute.ts";
import { Batch } from "../../src/tensor/vmap.ts";
import { type DrawnCase, drawnCases } from "./cases.ts";

const SIZE = 3;

type Values = ReadonlyMap<Tensor, Float64Array>;

async function evaluate(
  outputs: readonly Tensor[],
  values: Values,
  executor: Executor = "host",
): Promise<number[][]> {
  const program = await build(outputs, { executor, threads: 1 });
  const out = outputs.map((t) =>
    executor === "host" ? new Float64Array(t.size) : allocate(t.dtype, t.size),
  );
  const leaves = program.leaves.map((l) => {
    const found = values.get(l);
    if (found === undefined) throw new Error(`no values for ${l}`);
    return executor === "host" ? found : convert(found, l.dtype);
  });
  await program.bind(leaves, out)();
  return out.map((o) => Array.from(o, Number));
}

/** Another value for each element of the batch: floats are scaled, which keeps them in their domain, others take turns. */
const varied = (values: Float64Array, dtype: DType, element: number): Float64Array =>
  isFloat(dtype)
    ? values.map((v) => Math.fround(v * (1 + 0.06 * element)))
    : values.map((_, i) => values[(i + element) % values.length]);

const stacked = (parts: readonly ArrayLike<number>[]): Float64Array =>
  Float64Array.from(parts.flatMap((p) => Array.from(p)));

/** All subsets of the first n numbers, but for the empty one. */
const subsets = (n: number): number[][] =>
  Array.from({ length: 2 ** n - 1 }, (_, mask) =>
    Array.from({ length: n }, (_, i) => i).filter((i) => ((mask + 1) >> i) & 1),
  );

interface Batched {
  readonly label: string;
  readonly output: Tensor;
  /** Leaves and what they are for each element of the batch; the same for all where it is one array. */
  readonly leaves: ReadonlyMap<Tensor, readonly Float64Array[]>;
}

/** The op's case with each subset of its inputs batched. */
function plain({ inputs, values, output, name }: DrawnCase): Batched[] {
  return subsets(inputs.length).map((chosen) => ({
    label: `${name}, batched [${chosen}]`,
    output,
    leaves: new Map(
      inputs.map((x, i) => [
        x,
        Array.from({ length: chosen.includes(i) ? SIZE : 1 }, (_, b) => varied(values[i], x.dtype, b)),
      ]),
    ),
  }));
}

/** The case with one input, batched, that does not vary along one of its axes, or along any: what is repeated is not written out. */
function repeated({ inputs, values, output, name }: DrawnCase): Batched[] {
  return inputs.flatMap((x, i) => {
    const axes = x.shape.flatMap((n, axis) => (n > 1 ? [[axis]] : []));
    const lists = axes.length > 1 ? [...axes, axes.flat()] : axes;
    return lists.flatMap((list) =>
      [[i], inputs.map((_, j) => j)].map((chosen) => {
        const shape = x.shape.map((n, axis) => (list.includes(axis) ? 1 : n));
        const leaf = input("leaf", shape, x.dtype);
        const first = firstAlong(values[i], x.shape, list);
        const others = inputs.map((y, j) => (j === i ? leaf : y));
        const wide = inputs.map((y, j) => (j === i ? expand(leaf, x.shape) : y));
        return {
          label: `${name}, input ${i} repeated along [${list}], batched [${chosen}]`,
          output: rebuild(output, wide),
          leaves: new Map(
            others.map((y, j) => [
              y,
              Array.from({ length: chosen.includes(j) ? SIZE : 1 }, (_, b) =>
                varied(j === i ? first : values[j], y.dtype, b),
              ),
            ]),
          ),
        };
      }),
    );
  });
}

/** The elements whose index along each of `axes` is 0. */
function firstAlong(values: Float64Array, shape: Shape, axes: readonly number[]): Float64Array {
  return values.filter((_, at) =>
    axes.every((axis) => Math.floor(at / sizeOf(shape.slice(axis + 1))) % shape[axis] === 0),
  );
}

/** Gradients of an output, with respect to its inputs, as functions of inputs and cotangent. */
function gradients({ inputs, values, output, name }: DrawnCase): Batched[] {
  const floats = inputs.filter((x) => x.dtype === output.dtype);
  if (!isFloat(output.dtype) || floats.length === 0) return [];
  const cotangent = input("cotangent", output.shape, output.dtype);
  const weights = new Float64Array(output.size);
  fillNormal(weights, stream(4, name));
  const leaves = [...inputs, cotangent];
  return vjp(output, cotangent, floats).flatMap((slope, n) =>
    [[leaves.length - 1], [0], leaves.map((_, i) => i)].map((chosen) => ({
      label: `gradient ${n} of ${name}, batched [${chosen}]`,
      output: slope,
      leaves: new Map(
        leaves.map((x, i) => [
          x,
          Array.from({ length: chosen.includes(i) ? SIZE : 1 }, (_, b) =>
            varied(values[i] ?? weights, x.dtype, b),
          ),
        ]),
      ),
    })),
  );
}

/** The batch's output, and the leaves that it reads. */
function lifted({ output, leaves }: Batched): { readonly all: Tensor; readonly values: Values } {
  const values = new Map<Tensor, Float64Array>();
  const wide = new Map<Tensor, Tensor>();
  for (const [leaf, each] of leaves) {
    values.set(leaf, each[0]);
    if (each.length === 1) continue;
    const all = input("all", [each.length, ...leaf.shape], leaf.dtype);
    wide.set(leaf, all);
    values.set(all, stacked(each));
  }
  return { all: vmap([output], wide)[0], values };
}

/** Single results in float64, one behind the other. */
async function single(cases: readonly Batched[]): Promise<number[][]> {
  const compiled = new Map<Tensor, Awaited<ReturnType<typeof build>>>();
  const results: number[][] = [];
  for (const { output, leaves } of cases) {
    const program = compiled.get(output) ?? (await build([output], { executor: "host" }));
    compiled.set(output, program);
    const parts: number[] = [];
    for (let b = 0; b < SIZE; b++) {
      const out = new Float64Array(output.size);
      const read = program.leaves.map((leaf) => {
        const each = leaves.get(leaf);
        if (each === undefined) throw new Error(`no values for ${leaf}`);
        return each[b] ?? each[0];
      });
      await program.bind(read, [out])();
      parts.push(...out);
    }
    results.push(parts);
  }
  return results;
}

/** Rounding of the result and of a few intermediate steps, in units of the type's precision. */
const tolerance: Partial<Record<DType, number>> = { float32: 3e-6, float64: 1e-13 };

function compare(found: readonly number[], expected: readonly number[], dtype: DType, label: string): void {
  expect(found.length, label).toBe(expected.length);
  const allowed = tolerance[dtype] ?? 0;
  expected.forEach((v, i) => {
    if (Object.is(found[i], v)) return;
    const error = Math.abs(found[i] - v) / Math.max(1, Math.abs(v));
    expect(error, `${label}, element ${i}: single ${v}, batched ${found[i]}`).toBeLessThanOrEqual(allowed);
  });
}

const supported = (t: Tensor): boolean =>
  [...nodesOf(t)].every((x) => !(typeof x.op.native === "object" && "unsupported" in x.op.native));

/** All cases of one op at once: a session of the runtime costs more than an op. */
async function check(cases: readonly Batched[], executors: readonly Executor[]): Promise<void> {
  const expected = await single(cases);
  const batches = cases.map(lifted);
  const values = new Map(batches.flatMap((b) => [...b.values]));
  for (const executor of executors) {
    const chosen = batches.flatMap(({ all }, i) => (executor === "host" || supported(all) ? [i] : []));
    if (chosen.length === 0) continue;
    const found = await evaluate(
      chosen.map((i) => batches[i].all),
      values,
      executor,
    );
    chosen.forEach((i, k) => {
      const { dtype } = batches[i].all;
      const precise = executor === "host" && isFloat(dtype) ? "float64" : dtype;
      expect(batches[i].all.shape, cases[i].label).toEqual([SIZE, ...cases[i].output.shape]);
      compare(found[k], expected[i], precise, `${cases[i].label}, ${executor}`);
    });
  }
}

for (const float of ["float32", "float64"] as const) {
  const byOp = new Map<string, DrawnCase[]>();
  for (const c of drawnCases(float)) byOp.set(c.op.name, [...(byOp.get(c.op.name) ?? []), c]);

  describe(`batching any inputs of an op is stacking its single results, ${float}`, () => {
    test.each([...byOp])("%s", async (_, cases) => {
      await check(
        cases.flatMap((c) => [...plain(c), ...repeated(c)]),
        float === "float32" ? ["native"] : ["host", "native"],
      );
    });
  });

  if (float === "float64") {
    describe("so is batching its gradients", () => {
      test.each([...byOp].filter(([, cases]) => cases.flatMap(gradients).length > 0))(
        "%s",
        async (_, cases) => {
          await check(cases.flatMap(gradients), ["host"]);
        },
      );
    });

    describe("and so is batching what is batched already", () => {
      test.each([...byOp])("%s", async (_, cases) => {
        for (const c of cases) {
          const subsets = plain(c);
          for (const { output, leaves, label } of [subsets[0], subsets[subsets.length - 1]]) {
            // The second axis is put on the inputs of the first batch: on all of them, and on one alone.
            const { all, values } = lifted({ output, leaves, label });
            const read = [...values.keys()].filter((leaf) => nodesOf(all).has(leaf));
            const inner = (chosen: readonly Tensor[]): Batched => ({
              label: `${label}, twice`,
              output: all,
              leaves: new Map(
                read.map((leaf) => [
                  leaf,
                  Array.from({ length: chosen.includes(leaf) ? SIZE : 1 }, (_, b) =>
                    varied(values.get(leaf) ?? new Float64Array(0), leaf.dtype, b),
                  ),
                ]),
              ),
            });
            await check([inner(read), inner([read[0]])], ["host"]);
          }
        }
      });
    });
  }
}

const count = (outputs: readonly Tensor[], name: string): Tensor[] =>
  [...new Set(outputs.flatMap((t) => [...nodesOf(t)]))].filter((t) => t.op.name === name);

describe("what a batch costs", () => {
  const x = input("x", [5, 4]);
  const w = input("w", [4, 6]);

  test("a product with a batched left side is one product of matrices", () => {
    const [y] = vmap([matmul(x, w)], new Map([[x, input("xs", [7, 5, 4])]]));
    expect(y.shape).toEqual([7, 5, 6]);
    expect(count([y], "matmul").map((t) => t.shape)).toEqual([[35, 6]]);
  });

  test("a matrix times a batch of vectors is one product of matrices", () => {
    const v = input("v", [4]);
    const [y] = vmap([matmul(x, v)], new Map([[v, input("vs", [7, 4])]]));
    expect(y.shape).toEqual([7, 5]);
    expect(count([y], "matmul").map((t) => t.shape)).toEqual([[7, 5]]);
    expect(count([y], "transpose")).toEqual([]);
  });

  test("a value that is repeated over rows is multiplied once, not once a row", () => {
    const one = input("one", [1, 4]);
    const y = matmul(expand(one, [100, 4]), w)
      .add(input("h", [100, 6]))
      .relu();
    const [all] = vmap([y], new Map([[one, input("ones", [7, 1, 4])]]));
    expect(all.shape).toEqual([7, 100, 6]);
    expect(count([all], "matmul").map((t) => t.shape)).toEqual([[7, 6]]);
  });

  test("one kernel for many batches of images is one convolution", () => {
    const image = input("image", [2, 3, 8, 8]);
    const kernel = input("kernel", [4, 3, 3, 3]);
    const [y] = vmap([conv2d(image, kernel)], new Map([[image, input("images", [5, 2, 3, 8, 8])]]));
    expect(count([y], "conv2d").map((t) => t.shape)).toEqual([[10, 4, 6, 6]]);
  });

  test("what does not depend on the batch is the node that it was", () => {
    const fixed = matmul(x, w);
    const b = input("b", [6]);
    const [y] = vmap([fixed.add(b)], new Map([[b, input("bs", [7, 6])]]));
    expect(nodesOf(y).has(fixed)).toBe(true);
  });
});

test("a node asked for twice is one node, also where the batch is asked again later", () => {
  const x = input("x", [3]);
  const batch = new Batch(4, new Map([[x, input("xs", [4, 3])]]));
  const y = x.exp();
  const first = batch.core(y);
  const [total] = [batch.core(sum(y))];
  expect(total?.inputs[0]).toBe(first);
});

test("a graph of 20,000 nodes in a row is batched without recursion", () => {
  const x = input("x", []);
  let y: Tensor = x;
  for (let i = 0; i < 20_000; i++) y = y.add(1);
  expect(vmap([y], new Map([[x, input("xs", [2])]]))[0].shape).toEqual([2]);
});

test("an index outside its own axis is an error, not the neighbour's value", async () => {
  const x = input("x", [3]);
  const at = input("at", [], "int64");
  const [all, places] = [input("xs", [2, 3]), input("places", [2], "int64")];
  const [y] = vmap(
    [gather(x, at)],
    new Map([
      [x, all],
      [at, places],
    ]),
  );
  const read = (indices: readonly number[]) =>
    evaluate(
      [y],
      new Map([
        [all, Float64Array.of(1, 2, 3, 4, 5, 6)],
        [places, Float64Array.from(indices)],
      ]),
    );
  expect(await read([2, -3])).toEqual([[3, 4]]);
  await expect(read([3, 0])).rejects.toThrow(ShapeError);
  await expect(read([0, -4])).rejects.toThrow(ShapeError);
});

test("a value that does not fit its leaf is refused", () => {
  const x = noise("normal", "x", [3]);
  expect(() => vmap([x], new Map([[x, tensor([1, 2, 3])]]))).toThrow(
    "vmap: a node of shape [3] needs values of shape [3, 3], found [3].",
  );
  expect(() => vmap([x], new Map())).toThrow(
    "vmap: expected at least one leaf with values along a batch axis, found none.",
  );
});
