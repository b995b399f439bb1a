/** What transformations of graphs cost, counted: nodes that they look at, not time. */
import { describe, expect, test } from "vitest";
import { simplify } from "../../src/compile/index.ts";
import { add, grad, input, mul, sin, substitute, sum, type Tensor } from "../../src/tensor/index.ts";

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
