/** What is looked for in a graph is found in the bodies of loops as well, and what a body reads from outside is of the graph outside. */
import type { NodeProto } from "onnx-buf";
import { describe, expect, test } from "vitest";
import { checkTogether, checkValues } from "../../src/compile/memory.ts";
import { lowerToOnnx } from "../../src/compile/onnx.ts";
import { graphOf } from "../../src/compile/onnx-proto.ts";
import { simplify } from "../../src/compile/simplify.ts";
import { chooseExecutor } from "../../src/compile/work.ts";
import { Categorical } from "../../src/distributions/index.ts";
import { checkListed } from "../../src/inference/elimination.ts";
import { needsRanks } from "../../src/optim/together.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import {
  add,
  allNodesOf,
  cast,
  eigh,
  exp,
  expand,
  grad,
  input,
  matmul,
  mean,
  meanOverRanks,
  mul,
  pow,
  scan,
  sin,
  someNode,
  sub,
  substitute,
  sum,
  type Tensor,
  tensor,
  vmap,
} from "../../src/tensor/index.ts";

type Unary = (t: Tensor) => Tensor;

/** `f`, in a body inside as many loops. */
const inside = (depth: number, f: Unary, length = 2): Unary =>
  depth === 0
    ? f
    : (t) => scan(t, undefined, (h) => ({ carry: inside(depth - 1, f, length)(h) }), { length }).carry;

const depths = [0, 1, 2] as const;

/** Operators of a model, those of bodies included. */
const operators = (nodes: readonly NodeProto[]): NodeProto[] =>
  nodes.flatMap((n) => [n, ...n.attribute.flatMap(({ g }) => operators(g?.node ?? []))]);

describe.each(depths)("inside %i loops", (depth) => {
  const x = input("x", [2, 2]);

  test("an op", () => {
    const found = (f: Unary, op: Unary & { is(t: Tensor): boolean }) =>
      someNode([inside(depth, f)(x)], op.is);
    expect(found(exp, exp)).toBe(true);
    expect(found(sin, exp)).toBe(false);
    expect([...allNodesOf([inside(depth, exp)(x)])].filter(exp.is)).toHaveLength(1);
  });

  test("what only the host has", () => {
    // Large, so that the native executor is chosen as soon as it can be.
    const large = input("large", [300, 300]);
    const times = inside(depth, (h) => mul(matmul(h, h), 1e-3));
    const roots = inside(depth, (h) => add(h, eigh(h).values));
    expect(chooseExecutor([times(large)])).toBe("native");
    expect(chooseExecutor([roots(times(large))])).toBe("host");
  });

  test("a mean over ranks", () => {
    const f = (ranks: number): Unary => inside(depth, (h) => mul(h, meanOverRanks(mean(h), ranks)));
    expect(needsRanks([f(2)(x)])).toBe(true);
    expect(needsRanks([inside(depth, exp)(x)])).toBe(false);
  });

  test("a float64", () => {
    const f = inside(depth, (h) => cast(exp(cast(h, "float64")), "float32"));
    expect(lowerToOnnx(simplify([f(x)])).isWide).toBe(true);
    expect(lowerToOnnx(simplify([inside(depth, exp)(x)])).isWide).toBe(false);
  });

  test("a power of operands of different shapes, which WebGPU does not have", () => {
    const f = inside(depth, (h) => pow(h, sum(h, 0)));
    const expansions = (webgpu: boolean) =>
      operators(graphOf(lowerToOnnx(simplify([f(x)]), { webgpu }).bytes).node).filter(
        ({ opType }) => opType === "Expand",
      ).length;
    expect(expansions(true)).toBe(expansions(false) + 1);
  });

  test("a value that does not fit into memory", () => {
    const f = inside(depth, (h) => mul(h, sum(sub(expand(h, [500, 2, 2]), 0.5))));
    expect(() => checkValues([f(x)], 7000)).toThrow("A value of shape [500, 2, 2] takes");
    expect(() => checkValues([f(x)], 8000)).not.toThrow();
    expect(() => checkTogether([f(x)], 8000)).toThrow("The computation takes about");
    expect(() => checkTogether([f(x)], 8800)).not.toThrow();
  });

  test("an array that a sum over values needs", () => {
    const axis = { name: "k", size: 2 };
    const listed = {
      name: "k",
      axis,
      plates: [],
      placeholder: x,
      value: x,
      values: x,
      distribution: Categorical({ logits: tensor([0, 0]) }),
    };
    const f = inside(depth, (h) => expand(sum(expand(h, [2 ** 15, 2 ** 13, 2, 2])), [2, 2]));
    const term = { site: "y", value: f(x), plates: [], axes: [axis] };
    expect(() => checkListed([term], [listed])).toThrow("which would need an array of 1073741824 numbers");
    expect(() => checkListed([{ ...term, value: exp(x) }], [listed])).not.toThrow();
  });
});

/** A draw of an expression of a state and values from outside that are constants. */
function drawn(draw: () => number, state: Tensor, outside: readonly Tensor[], depth: number): Tensor {
  const one = (): Tensor => (draw() < 0.5 ? state : outside[Math.floor(draw() * outside.length)]);
  const kind = Math.floor(draw() * 4);
  if (kind === 0 && depth > 0)
    return scan(
      state,
      undefined,
      (h) => ({ carry: add(mul(0.5, h), sin(drawn(draw, h, outside, depth - 1))) }),
      {
        length: 2,
      },
    ).carry;
  if (kind === 1) return sin(add(one(), one()));
  return kind === 2 ? mul(one(), sub(one(), 0.3)) : mul(sin(one()), one());
}

test("constants that bodies read: derivatives, other values and batches are those of the unrolled steps", async () => {
  for (let seed = 0; seed < 40; seed++) {
    const outside = [tensor([0.3, -0.7], { dtype: "float64" }), tensor([1.1, 0.4], { dtype: "float64" })];
    const make = (initial: Tensor, given: readonly Tensor[], unrolled: boolean): Tensor => {
      let step = 0;
      const body: Unary = (h) => {
        const again = new Float64Array(400);
        fillUniform(again, stream(seed, "inside loops"));
        step = 0;
        return add(
          mul(0.5, h),
          drawn(() => again[step++], h, given, 2),
        );
      };
      if (unrolled) return sum(body(body(body(initial))));
      return sum(scan(initial, undefined, (h) => ({ carry: body(h) }), { length: 3 }).carry);
    };
    const initial = tensor([0.2, 0.9], { dtype: "float64" });
    const other = tensor([0.6, 0.1], { dtype: "float64" });
    const [loop, steps] = [false, true].map((unrolled) => make(initial, outside, unrolled));
    const rows = tensor(
      [
        [0.6, 0.1],
        [0.3, -0.7],
      ],
      { dtype: "float64" },
    );
    const [batched] = vmap([loop], new Map([[outside[0], rows]]));
    const both = async (of: (t: Tensor) => Tensor) => {
      const [a, b] = [await of(loop).value(), await of(steps).value()];
      Array.from(a.data as Float64Array).forEach((v, i) => {
        expect(v, `${seed}`).toBeCloseTo(Number(b.data[i]), 12);
      });
    };
    for (const x of [...outside, initial]) {
      await both((t) => grad(t, [x])[0]);
      await both((t) => grad(sum(sin(grad(t, [x])[0])), [outside[1]])[0]);
      await both((t) => substitute(t, new Map([[x, other]])));
    }
    const expected = await make(initial, [other, outside[1]], true).value();
    const [first, second] = (await batched.value()).data as Float64Array;
    expect(first).toBeCloseTo(Number(expected.data[0]), 12);
    expect(second).toBeCloseTo(Number((await steps.value()).data[0]), 12);
  }
});
