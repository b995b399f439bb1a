/** Loops against the same steps written one after another: values, derivatives of both orders, executors, precisions, batches. */
import { describe, expect, test } from "vitest";
import { build, type Executor } from "../../src/compile/compile.ts";
import { fromPlainGraph, toPlainGraph } from "../../src/compile/plain-graph.ts";
import { inPrecision } from "../../src/compile/precision.ts";
import { simplify } from "../../src/compile/simplify.ts";
import { chooseExecutor } from "../../src/compile/work.ts";
import { ShapeError } from "../../src/errors.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { allocate, convert, type DType, isFloat } from "../../src/tensor/dtype.ts";
import {
  add,
  cast,
  exp,
  gather,
  grad,
  input,
  isConstant,
  isNoise,
  logsumexp,
  matmul,
  mul,
  noise,
  type Shape,
  scan,
  sigmoid,
  sizeOf,
  slice,
  square,
  squeeze,
  stack,
  sub,
  sum,
  type Tensor,
  tanh,
  tensor,
  unsqueeze,
  vmap,
  zeros,
} from "../../src/tensor/index.ts";
import { nodesOf } from "../../src/tensor/substitute.ts";

type Body = (carry: readonly Tensor[], x: readonly Tensor[]) => { carry: Tensor[]; output: Tensor[] };
interface Model {
  /** Carries, then inputs without their first axis, then values from outside. */
  readonly carries: readonly Shape[];
  readonly inputs: readonly Shape[];
  readonly shared: readonly Shape[];
  readonly body: (shared: readonly Tensor[]) => Body;
}

const models: Readonly<Record<string, Model>> = {
  "a variance that follows squares": {
    carries: [[]],
    inputs: [[]],
    shared: [[], [], []],
    body:
      ([w, a, b]) =>
      ([v], [y]) => ({
        carry: [add(add(exp(w), mul(exp(a), square(y))), mul(sigmoid(b), v))],
        output: [v, mul(y, v)],
      }),
  },
  "a recurrent layer": {
    carries: [[2, 3]],
    inputs: [[2, 2]],
    shared: [[3, 3], [2, 3], [3]],
    body:
      ([u, w, b]) =>
      ([h], [x]) => {
        const z = sigmoid(add(add(matmul(h, u), matmul(x, w)), b));
        const next = add(mul(z, h), mul(sub(1, z), tanh(matmul(mul(z, h), u))));
        return { carry: [next], output: [sum(next, 1)] };
      },
  },
  "a forward algorithm": {
    carries: [[3]],
    inputs: [[3]],
    shared: [[3, 3]],
    body:
      ([a]) =>
      ([alpha], [e]) => ({ carry: [add(logsumexp(add(unsqueeze(alpha, 1), a), 0), e)], output: [alpha] }),
  },
  "carries that change places, delay an input, stay, and count": {
    carries: [[2], [2], [], [2]],
    inputs: [[2], []],
    shared: [[2]],
    body:
      ([s]) =>
      ([a, b, old, fixed], [x, y]) => ({
        carry: [b, tanh(add(add(mul(a, s), x), mul(old, fixed))), y, fixed],
        output: [add(a, old), mul(b, x), sum(x)],
      }),
  },
  "steps with a loop of their own": {
    carries: [[2]],
    inputs: [[3, 2]],
    shared: [[2]],
    body:
      ([s]) =>
      ([h], [xs]) => {
        const inner = scan(h, xs, (g, x) => ({ carry: tanh(add(mul(g, s), x)), output: mul(g, x) }));
        return { carry: [mul(inner.carry, h)], output: [sum(inner.outputs)] };
      },
  },
  "no dependence between steps": {
    carries: [],
    inputs: [[2]],
    shared: [[2]],
    body:
      ([s]) =>
      (_, [x]) => ({ carry: [], output: [tanh(mul(s, x))] }),
  },
};

function unrolled(
  body: Body,
  carries: readonly Tensor[],
  inputs: readonly Tensor[],
  length: number,
  reverse: boolean,
) {
  let carry = [...carries];
  const outputs: Tensor[][] = [];
  for (let k = 0; k < length; k++) {
    const t = reverse ? length - 1 - k : k;
    const step = body(
      carry,
      inputs.map((x) => squeeze(slice(x, { axis: 0, start: t, end: t + 1 }), 0)),
    );
    carry = step.carry;
    outputs[t] = step.output;
  }
  return { carry, outputs: outputs[0].map((_, i) => stack(outputs.map((o) => o[i]))) };
}

/** The same numbers for each leaf of the same name. */
function valuesFor(leaf: Tensor): Float64Array {
  const name = "name" in leaf.attributes ? String(leaf.attributes.name) : "";
  const out = new Float64Array(leaf.size);
  fillNormal(out, stream(5, name));
  return out.map((v) => Math.fround(0.6 * v));
}

async function evaluate(outputs: readonly Tensor[], executor: Executor): Promise<number[][]> {
  const program = await build(outputs, { executor, threads: 1 });
  const out = outputs.map((t) =>
    executor === "host" ? new Float64Array(t.size) : allocate(t.dtype, t.size),
  );
  const leaves = program.leaves.map((l) =>
    executor === "host" ? valuesFor(l) : convert(valuesFor(l), l.dtype),
  );
  await program.bind(leaves, out)();
  await program.release();
  return out.map((o) => Array.from(o, Number));
}

/** Largest difference, relative to the largest number. */
function difference(a: readonly number[], b: readonly number[]): number {
  expect(a.length).toBe(b.length);
  const scale = Math.max(1, ...b.map(Math.abs));
  return Math.max(0, ...a.map((v, i) => Math.abs(v - b[i]) / scale));
}

function leavesOf(model: Model, length: number, dtype: DType) {
  const leaf = (name: string, shape: Shape): Tensor => input(name, shape, dtype);
  return {
    carries: model.carries.map((s, i) => leaf(`carry ${i}`, s)),
    inputs: model.inputs.map((s, i) => leaf(`input ${i}`, [length, ...s])),
    shared: model.shared.map((s, i) => leaf(`shared ${i}`, s)),
  };
}

/** Values, gradients of a weighed sum of them, and gradients of a weighed sum of those. */
function withDerivatives(values: readonly Tensor[], leaves: readonly Tensor[]): Tensor[] {
  const weighed = (list: readonly Tensor[], name: string): Tensor =>
    list
      .filter((t) => t.size > 0)
      .map((t, i) => sum(mul(t, input(`${name} ${i}`, t.shape, t.dtype))))
      .reduce((a, b) => add(a, b));
  const first = grad(weighed(values, "weight"), leaves);
  return [...values, ...first, ...grad(weighed(first, "second weight"), leaves)];
}

const cases = Object.entries(models).flatMap(([name, model]) =>
  [1, 2, 7].flatMap((length) =>
    [false, true].map((reverse) => ({
      label: `${name}, ${length} steps${reverse ? ", backwards" : ""}`,
      model,
      length,
      reverse,
    })),
  ),
);

function bothForms(model: Model, length: number, reverse: boolean, dtype: DType = "float64") {
  const { carries, inputs, shared } = leavesOf(model, length, dtype);
  const body = model.body(shared);
  const looped = scan(carries, inputs, body, { reverse, length });
  const straight = unrolled(body, carries, inputs, length, reverse);
  const leaves = [...carries, ...inputs, ...shared];
  return {
    leaves,
    looped: [...looped.carry, ...looped.outputs],
    straight: [...straight.carry, ...straight.outputs],
  };
}

describe("a loop is its steps, with both derivatives", () => {
  test.each(cases.map((c) => [c.label, c] as const))("%s", async (_, { model, length, reverse }) => {
    const { leaves, looped, straight } = bothForms(model, length, reverse);
    const expected = await evaluate(withDerivatives(straight, leaves), "host");
    const found = await evaluate(withDerivatives(looped, leaves), "host");
    found.forEach((v, i) => {
      expect(difference(v, expected[i]), `output ${i}`).toBeLessThan(1e-12);
    });
    const native = await evaluate(withDerivatives(looped, leaves), "native");
    native.forEach((v, i) => {
      expect(difference(v, expected[i]), `output ${i}, native`).toBeLessThan(1e-11);
    });
  });
});

/** A number and a pair through so many steps that no two of them can be written as one. */
const chained = (steps: number, pair: Tensor, number: Tensor): Tensor[] => {
  let [p, n] = [pair, number];
  for (let i = 1; i <= steps; i++) [p, n] = [tanh(add(mul(p, n), i / steps)), sub(sum(p), tanh(mul(n, i)))];
  return [p, n];
};

/** Bodies that do or do not fit into one function of generated code, and loops of both kinds in them. */
const large = (outside: number, inside: number): Model => ({
  carries: [[2], [], []],
  inputs: [[3, 2], []],
  shared: [[2], []],
  body:
    ([s, one]) =>
    ([h, n, old], [xs, y]) => {
      const [before, m] = chained(outside, h, add(n, mul(one, old)));
      const inner = scan({ g: before, k: m }, { x: xs }, ({ g, k }, { x }) => {
        const [next, l] = chained(inside, mul(g, s), add(k, one));
        return { carry: { g: mul(next, x), k: l }, output: { l, next } };
      });
      const [after, last] = chained(outside, inner.carry.g, inner.carry.k);
      return { carry: [after, y, mul(last, n)], output: [inner.outputs.l, mul(after, m)] };
    },
});

test.each([
  [1, 1],
  [1, 40],
  [40, 1],
  [40, 40],
])(
  "bodies of %i steps, and loops of bodies of %i in them, in one function or in several",
  async (...steps) => {
    for (const reverse of [false, true]) {
      const { leaves, looped, straight } = bothForms(large(...steps), 3, reverse);
      const weighed = (list: readonly Tensor[]) => list.map((t) => sum(t)).reduce((a, b) => add(a, b));
      const all = (list: readonly Tensor[]) => [...list, ...grad(weighed(list), leaves)];
      const [found, expected] = [await evaluate(all(looped), "host"), await evaluate(all(straight), "host")];
      found.forEach((v, i) => {
        expect(difference(v, expected[i]), `output ${i}`).toBeLessThan(1e-12);
      });
    }
  },
);

test.each(Object.entries(models))("in float32, and converted to float64: %s", async (_, model) => {
  const { leaves, looped, straight } = bothForms(model, 5, false, "float32");
  const outputs = withDerivatives(looped, leaves);
  const expected = await evaluate(withDerivatives(straight, leaves), "host");
  const native = await evaluate(outputs, "native");
  native.forEach((v, i) => {
    expect(difference(v, expected[i]), `output ${i}`).toBeLessThan(3e-5);
  });
  const wide = await evaluate(inPrecision(outputs, "float64").outputs, "native");
  wide.forEach((v, i) => {
    expect(difference(v, expected[i]), `output ${i}, converted`).toBeLessThan(1e-11);
  });
});

describe("over a batch, any of the leaves of which vary", () => {
  const SIZE = 3;
  test.each(Object.entries(models))("%s", async (_, model) => {
    const { leaves, looped, straight } = bothForms(model, 4, true);
    for (let only = -1; only < leaves.length; only++) {
      const chosen = only < 0 ? leaves : [leaves[only]];
      const all = new Map(
        chosen.map((t, i) => [t, input(`batch ${only} ${i}`, [SIZE, ...t.shape], t.dtype)] as const),
      );
      const expected = await evaluate(vmap(withDerivatives(straight, leaves), all), "host");
      const found = await evaluate(vmap(withDerivatives(looped, leaves), all), "host");
      found.forEach((v, i) => {
        expect(difference(v, expected[i]), `output ${i}, batched ${only}`).toBeLessThan(1e-12);
      });
      if (only > 0) continue;
      const native = await evaluate(vmap(withDerivatives(looped, leaves), all), "native");
      native.forEach((v, i) => {
        expect(difference(v, expected[i]), `output ${i}, batched ${only}, native`).toBeLessThan(1e-11);
      });
    }
  });

  test("the gradient of a batch is the batch of gradients", async () => {
    const model = models["a recurrent layer"];
    const { leaves, looped } = bothForms(model, 3, false);
    const all = new Map(leaves.map((t, i) => [t, input(`all ${i}`, [SIZE, ...t.shape], t.dtype)] as const));
    const total = (list: readonly Tensor[]): Tensor =>
      list.map((t) => sum(square(t))).reduce((a, b) => add(a, b));
    const inner = vmap(grad(total(looped), leaves), all);
    const outer = grad(total(vmap(looped, all)), [...all.values()]);
    const [a, b] = [await evaluate(inner, "host"), await evaluate(outer, "host")];
    a.forEach((v, i) => {
      expect(difference(v, b[i])).toBeLessThan(1e-12);
    });
  });
});

test("no steps leave the carry as it was, and give outputs without elements", async () => {
  const carry = input("carry 0", [2], "float64");
  const { carry: last, outputs } = scan(carry, zeros([0, 2], "float64"), (h, x) => ({
    carry: add(h, x),
    output: [h, sum(x)],
  }));
  expect(last).toBe(carry);
  expect(outputs.map((t) => t.shape)).toEqual([[0, 2], [0]]);
});

test("whole numbers and conditions are carried, gathered by and returned: the path of a table", async () => {
  const table = tensor([2, 0, 1, 3]).cast("int64");
  const start = tensor(0, { dtype: "int64" });
  const { carry, outputs } = scan(
    start,
    undefined,
    (at) => ({ carry: gather(table, at), output: { at, odd: cast(sub(at, 1), "bool") } }),
    { length: 4 },
  );
  for (const executor of ["host", "native"] as const) {
    const found = await evaluate([carry, outputs.at, outputs.odd], executor);
    // 0 → 2 → 1 → 0 → 2
    expect(found).toEqual([[2], [0, 2, 1, 0], [1, 1, 0, 1]]);
  }
});

test("noise of the body is drawn for each step, noise from outside once", () => {
  const outside = noise("normal", "outside", []);
  const { outputs } = scan(
    zeros([]),
    undefined,
    (h) => {
      const next = add(mul(h, 0.5), add(noise("normal", "inside", [2]).sum(), outside));
      return { carry: next, output: next };
    },
    { length: 6 },
  );
  const leaves = [...nodesOf(outputs)].filter(isNoise);
  expect(leaves.map((l) => [l.attributes.site, l.shape])).toEqual(
    expect.arrayContaining([
      ["inside", [6, 2]],
      ["outside", []],
    ]),
  );
  expect(leaves.length).toBe(2);
});

test("the graph does not grow with the number of steps, nor does its derivative", () => {
  const sizes = [10, 1000].map((length) => {
    const { leaves, looped } = bothForms(models["a recurrent layer"], length, false);
    const total = looped.map((t) => sum(t)).reduce((a, b) => add(a, b));
    return new Set(simplify([total, ...grad(total, leaves)]).flatMap((t) => [...nodesOf(t)])).size;
  });
  expect(sizes[1]).toBe(sizes[0]);
});

test("carries that only delay their inputs need no loop", () => {
  const y = input("input 0", [9], "float64");
  const { outputs } = scan([zeros([], "float64"), zeros([], "float64")], y, ([one, two], now) => ({
    carry: [now, one],
    output: sub(now, add(mul(one, 0.5), mul(two, 0.2))),
  }));
  expect([...nodesOf(outputs)].some((t) => scan.is(t))).toBe(false);
});

test("products with inputs are one product over all steps, and so are the gradients of weights", () => {
  const { leaves, looped } = bothForms(models["a recurrent layer"], 50, false);
  const total = looped.map((t) => sum(t)).reduce((a, b) => add(a, b));
  const nodes = simplify([total, ...grad(total, leaves)]).flatMap((t) => [...nodesOf(t)]);
  const loops = [...new Set(nodes)].filter((t) => scan.is(t));
  expect(loops.length).toBe(2);
  const inside = loops.map((t) =>
    scan.is(t) ? new Set(t.attributes.body.outputs.flatMap((o) => [...nodesOf(o)])) : new Set<Tensor>(),
  );
  // Forwards h·u and (z h)·u; backwards the gradient through each.
  expect(inside.map((set) => [...set].filter((t) => matmul.is(t)).length)).toEqual([2, 2]);
  // Nothing in a loop is as large as all steps.
  for (const set of inside) for (const t of set) expect(t.size).toBeLessThanOrEqual(9);
});

test("a loop of carries alone, whose body reads values from outside, forwards and backwards", async () => {
  const start = input("start", [3], "float64");
  const rate = input("rate", [3], "float64");
  for (const reverse of [false, true]) {
    const { carry } = scan(start, undefined, (v) => ({ carry: mul(v, rate) }), { length: 9, reverse });
    const outputs = [carry, ...grad(sum(carry), [start, rate])];
    const [host, native] = [await evaluate(outputs, "host"), await evaluate(outputs, "native")];
    const [v, r] = [valuesFor(start), valuesFor(rate)];
    const expected = [
      Array.from(v, (x, i) => x * r[i] ** 9),
      Array.from(v, (_, i) => r[i] ** 9),
      Array.from(v, (x, i) => 9 * x * r[i] ** 8),
    ];
    for (const found of [host, native])
      found.forEach((values, k) => {
        expect(difference(values, expected[k])).toBeLessThan(1e-13);
      });
  }
});

test("a graph with a loop can be sent to a worker", async () => {
  const { leaves, looped } = bothForms(models["steps with a loop of their own"], 3, false);
  const outputs = withDerivatives(looped, leaves);
  const bound = [...new Set(outputs.flatMap((t) => [...nodesOf(t)]))].filter(
    (t) => t.inputs.length === 0 && !isConstant(t),
  );
  const sent = structuredClone(toPlainGraph(outputs, bound));
  const { outputs: received, leaves: places } = fromPlainGraph(sent);
  const program = await build(received, { executor: "host" });
  const out = received.map((t) => new Float64Array(t.size));
  await program.bind(
    program.leaves.map((l) => valuesFor(bound[places.indexOf(l)])),
    out,
  )();
  const expected = await evaluate(outputs, "host");
  out.forEach((v, i) => {
    expect(Array.from(v)).toEqual(expected[i]);
  });
});

test("the choice of executor counts the steps of a loop", () => {
  const total = (length: number): Tensor => {
    const { leaves, looped } = bothForms(models["a forward algorithm"], length, false);
    return grad(sum(looped[0]), leaves)[2];
  };
  expect(chooseExecutor([total(1000)])).toBe("host");
  const wide = scan(input("h", [256, 256]), input("x", [50, 256, 256]), (h, x) => ({
    carry: tanh(matmul(h, x)),
  }));
  expect(chooseExecutor([wide.carry])).toBe("native");
});

test("what cannot be a loop is refused, with the place", () => {
  const x = input("x", [4, 2]);
  expect(() => scan(zeros([]), x, (h, y) => ({ carry: add(h, y) }))).toThrow(
    /carry begins as float32 \[\], and the body returned float32 \[2\]/,
  );
  expect(() => scan({ a: zeros([]) }, x, () => ({ carry: { b: zeros([]) } as never }))).toThrow(ShapeError);
  expect(() => scan(zeros([]), [x, input("y", [3])], (h) => ({ carry: h }))).toThrow(
    /3 steps, where there are 4/,
  );
  expect(() => scan(zeros([]), undefined, (h) => ({ carry: h }))).toThrow(/number of steps must be said/);
  expect(() => scan(zeros([]), x, () => undefined as never)).toThrow(ShapeError);
  expect(() => scan(zeros([]), x, (h) => ({ carry: h }), { lenght: 3 } as never)).toThrow(/length/);
});

test("float precision of inputs is kept", () => {
  for (const dtype of ["float32", "float64"] as const) {
    const { looped } = bothForms(models["a recurrent layer"], 3, false, dtype);
    expect(looped.every((t) => t.dtype === dtype && isFloat(t.dtype))).toBe(true);
    expect(looped.map((t) => sizeOf(t.shape))).toEqual([6, 6]);
  }
});
