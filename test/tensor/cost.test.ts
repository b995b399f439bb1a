/** What transformations of graphs cost, counted: nodes that they look at, not time. */
import { describe, expect, test } from "vitest";
import { ArrayValue, compile, hostWork, simplify } from "../../src/compile/index.ts";
import {
  add,
  concat,
  exp,
  grad,
  input,
  matmul,
  mul,
  reshape,
  sin,
  slice,
  substitute,
  sum,
  type Tensor,
  transpose,
} from "../../src/tensor/index.ts";

/** A node whose inputs are counted when they are read. */
function watched(t: Tensor, onRead: () => void): Tensor {
  const { inputs } = t;
  Object.defineProperty(t, "inputs", {
    get: () => {
      onRead();
      return inputs;
    },
  });
  return t;
}

describe("what a transformation need not look at", () => {
  test("a gradient does not walk through what is older than all that it is with respect to", () => {
    let reads = 0;
    let old: Tensor = input("x", [2]);
    for (let i = 0; i < 500; i++) old = watched(sin(old), () => reads++);
    const own = add(old, 1);
    const [slope] = grad(sum(mul(own, own)), [own]);
    expect(slope.shape).toEqual([2]);
    expect(reads).toBe(0);
  });

  test("a substitution copies no list of parts, and does not look below them", () => {
    let reads = 0;
    const parts = new Map<Tensor, Tensor>();
    parts[Symbol.iterator] = () => {
      throw new Error("the parts were listed");
    };
    let old: Tensor = input("x", [2]);
    for (let i = 0; i < 300; i++) {
      old = watched(sin(old), () => reads++);
      parts.set(old, input(`y${i}`, [2]));
    }
    const replaced = substitute(mul(add(old, 1), 2), parts);
    expect(replaced.inputs[0].inputs[0]).toBe(parts.get(old));
    expect(reads).toBe(0);
  });

  test("constants of a thousand nodes are folded without a thousand programs", () => {
    const { Function: original } = globalThis;
    let made = 0;
    globalThis.Function = new Proxy(original, {
      construct(target, args) {
        made++;
        return Reflect.construct(target, args) as object;
      },
    });
    try {
      const constants = Array.from({ length: 1000 }, (_, i) => sin(add(mul(1 + i, 2), 3)));
      expect(simplify(constants)).toHaveLength(1000);
      expect(made).toBeLessThan(20);
    } finally {
      globalThis.Function = original;
    }
  });
});

describe("the gradient of n pieces of an array of n elements costs n, however the pieces are cut", () => {
  const at = (x: Tensor, i: number, axis = 0): Tensor => slice(x, { axis, start: i, end: i + 1 });
  const all = (n: number, piece: (i: number) => Tensor): Tensor =>
    concat(
      Array.from({ length: n }, (_, i) => reshape(piece(i), [piece(i).size])),
      0,
    );
  /** n elements as pieces of x, [n] or [√n, √n], in the order of its elements. */
  const cuts: Readonly<Record<string, (x: Tensor, n: number, m: number) => Tensor>> = {
    "rows of a vector": (x, n) => all(n, (i) => at(x, i)),
    "elements of a matrix": (x, n, m) => all(n, (k) => at(at(x, Math.floor(k / m)), k % m, 1)),
    "elements of a matrix by columns": (x, n, m) => all(n, (k) => at(at(x, k % m, 1), Math.floor(k / m))),
    "of a transpose written each time": (x, _, m) =>
      transpose(
        reshape(
          all(m, (i) => at(transpose(x), i)),
          [m, m],
        ),
      ),
    "of a reshape written each time": (x, n) => all(n, (i) => at(reshape(x, [n]), i)),
    "of a product written each time": (x, n) => all(n, (i) => mul(at(mul(x, 2), i), 0.5)),
    "rows of a matrix product": (x, _, m) =>
      all(m, (i) => matmul(at(x, i), reshape(exp(mul(at(x, i), 0)), [m, 1]))),
  };

  test.each(Object.entries(cuts))("%s", async (name, cut) => {
    const gradient = (n: number, given?: Tensor): { x: Tensor; slope: Tensor; curvature: Tensor } => {
      const m = Math.round(Math.sqrt(n));
      const x = given ?? input("x", /matrix|transpose/.test(name) ? [m, m] : [n], "float64");
      const [slope] = grad(sum(sin(cut(x, n, m))), [x]);
      const [curvature] = grad(sum(slope), [x]);
      return { x, slope, curvature };
    };
    const work = (n: number) => {
      const { slope, curvature } = gradient(n);
      return [hostWork([slope]), hostWork([curvature])];
    };
    const [few, many] = [work(256), work(1024)];
    for (const order of [0, 1]) expect(many[order] / few[order]).toBeLessThan(5);

    const n = 16;
    const values = Float64Array.from({ length: n }, (_, i) => Math.cos(3 * i) / 2);
    const run = compile(
      (x: Tensor) => {
        const { slope, curvature } = gradient(n, x);
        return { slope, curvature };
      },
      { executor: "host" },
    );
    const shape = gradient(n).x.shape;
    const { slope, curvature } = await run(new ArrayValue(shape, "float64", values));
    // sin of each element; of a row's sum where rows are multiplied by ones.
    const m = Math.sqrt(n);
    const isSum = name === "rows of a matrix product";
    const of = (i: number) => {
      const row = Math.floor(i / m) * m;
      return isSum ? values.subarray(row, row + m).reduce((a, b) => a + b, 0) : values[i];
    };
    values.forEach((_, i) => {
      expect(slope.data[i]).toBeCloseTo(Math.cos(of(i)), 12);
      expect(curvature.data[i]).toBeCloseTo(-Math.sin(of(i)) * (isSum ? m : 1), 12);
    });
  });
});
