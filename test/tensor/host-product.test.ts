/** Products by vector instructions against loops that are written down here, for drawn sizes, layouts and constants. */
import { describe, expect, test } from "vitest";
import { compileHost } from "../../src/compile/host.ts";
import { fillNormal, fillUniform, stream } from "../../src/random/index.ts";
import { add, constant, input, matmul, type Shape, sizeOf, type Tensor } from "../../src/tensor/index.ts";
import { isVectorised } from "../../src/tensor/ops/host-product.ts";

const drawn = (site: string, shape: Shape): Float64Array => {
  const values = new Float64Array(sizeOf(shape));
  fillNormal(values, stream(7, site));
  return values;
};

interface Case {
  readonly batch: readonly [Shape, Shape];
  readonly sizes: readonly [number, number, number];
  readonly transposeA: boolean;
  readonly transposeB: boolean;
  /** Which operand is a constant. */
  readonly kept: "a" | "b" | "neither";
}

/** The product, and for each element the sum of the sizes of what is added. */
function byLoops({ sizes: [m, k, n], transposeA, transposeB }: Case, x: Float64Array, y: Float64Array) {
  const [value, size] = [new Float64Array(m * n), new Float64Array(m * n)];
  for (let i = 0; i < m; i++) {
    for (let j = 0; j < n; j++) {
      for (let p = 0; p < k; p++) {
        const term = x[transposeA ? p * m + i : i * k + p] * y[transposeB ? j * k + p : p * n + j];
        value[i * n + j] += term;
        size[i * n + j] += Math.abs(term);
      }
    }
  }
  return { value, size };
}

const shapeOf = (batch: Shape, rows: number, columns: number, transposed: boolean): Shape => [
  ...batch,
  ...(transposed ? [columns, rows] : [rows, columns]),
];

function check(one: Case, which: string): void {
  const { sizes, batch, kept, transposeA, transposeB } = one;
  const [m, k, n] = sizes;
  const shapes = [shapeOf(batch[0], m, k, transposeA), shapeOf(batch[1], k, n, transposeB)];
  const values = shapes.map((shape, i) => drawn(`${which} ${i}`, shape));
  const leaves = shapes.map((shape, i) => input(`x${i}`, shape, "float64"));
  const [a, b] = shapes.map((shape, i) =>
    kept === "ab"[i] ? constant(values[i], shape, "float64") : leaves[i],
  );
  const product = matmul(a, b, { transposeA, transposeB });
  expect(isVectorised(product, { transposeA, transposeB })).toBe(true);
  const program = compileHost([product]);
  const out = new Float64Array(product.size);
  const run = program.bind(
    program.leaves.map((leaf) => values[leaves.indexOf(leaf as Tensor & typeof leaf)]),
    [out],
  );
  // Twice: nothing of the first run stays in the second one.
  run();
  run();
  const count = sizeOf(product.shape.slice(0, -2));
  for (let c = 0; c < count; c++) {
    const own = (i: number): Float64Array => {
      const each = values[i].length / sizeOf(batch[i]);
      const at = sizeOf(batch[i]) === 1 ? 0 : c;
      return values[i].subarray(at * each, (at + 1) * each);
    };
    const { value, size } = byLoops(one, own(0), own(1));
    for (let i = 0; i < m * n; i++)
      expect(Math.abs(out[c * m * n + i] - value[i])).toBeLessThanOrEqual(k * 2 ** -52 * size[i]);
  }
}

describe("products by vector instructions", () => {
  const flags = [false, true].flatMap((transposeA) =>
    [false, true].map((transposeB) => ({ transposeA, transposeB })),
  );
  test.each(flags)("drawn sizes, %o", (flag) => {
    const draws = new Float64Array(3 * 24);
    fillUniform(draws, stream(11, `sizes ${JSON.stringify(flag)}`));
    for (let i = 0; i < 24; i++) {
      const [u, v, w] = draws.subarray(3 * i, 3 * i + 3);
      const side = (z: number): number => 11 + Math.floor(20 * z);
      // A matrix by a vector, a vector by a matrix, two matrices.
      const [wide, long] = [16 + Math.floor(40 * u), 16 + Math.floor(40 * v)];
      const [sizes, kept]: [Case["sizes"], Case["kept"]] =
        i % 3 === 0
          ? [[wide, long, 1], "a"]
          : i % 3 === 1
            ? [[1, wide, long], "b"]
            : [[side(u), side(v), side(w)], (["a", "b", "neither"] as const)[Math.floor(i / 3) % 3]];
      check({ ...flag, sizes, kept, batch: [[], []] }, `${i} ${JSON.stringify(flag)}`);
    }
  });

  test.each(flags)("a small constant that is long and thin, %o", (flag) => {
    for (const [m, k] of [
      [100, 3],
      [195, 5],
      [3, 100],
      [5, 195],
    ] as const) {
      check({ ...flag, sizes: [m, k, 1], kept: "a", batch: [[], []] }, "thin");
      check({ ...flag, sizes: [1, m, k], kept: "b", batch: [[], []] }, "thin");
    }
  });

  test.each(flags)("batches, and one matrix for all of a batch, %o", (flag) => {
    const sizes = [13, 14, 15] as const;
    for (const batch of [
      [[3], [3]],
      [[3], [1]],
      [[1], [3]],
    ] as const)
      for (const kept of ["a", "b", "neither"] as const) check({ ...flag, sizes, kept, batch }, "batch");
  });

  test("infinities and NaN go where they belong, and −0 stays 0", () => {
    const x = drawn("matrix", [40, 40]);
    [x[3 * 40 + 7], x[5 * 40 + 39], x[6 * 40 + 1]] = [
      Number.POSITIVE_INFINITY,
      Number.NaN,
      Number.NEGATIVE_INFINITY,
    ];
    const v = input("v", [40, 1], "float64");
    const product = matmul(constant(x, [40, 40], "float64"), v);
    const out = new Float64Array(40);
    const run = compileHost([product]).bind([new Float64Array(40).fill(1)], [out]);
    run();
    expect([...out].map((y, i) => (Number.isFinite(y) ? "" : `${i} ${y}`)).filter(String)).toEqual([
      "3 Infinity",
      "5 NaN",
      "6 -Infinity",
    ]);
    const zero = matmul(constant(new Float64Array(1600), [40, 40], "float64"), v);
    const zeros = new Float64Array(40);
    compileHost([zero]).bind([new Float64Array(40).fill(-1)], [zeros])();
    expect([...zeros].every((y) => Object.is(y, 0))).toBe(true);
  });

  test("two products that grow the same memory do not disturb each other", () => {
    const [a, b] = [input("a", [20, 20], "float64"), input("b", [200, 200], "float64")];
    const small = matmul(a, a);
    const large = matmul(b, b);
    const program = compileHost([add(matmul(small, a), 0), large, small]);
    const [x, y] = [drawn("a", [20, 20]), drawn("b", [200, 200])];
    const outs = [400, 40_000, 400].map((n) => new Float64Array(n));
    program.bind(
      program.leaves.map((leaf) => (leaf === a ? x : y)),
      outs,
    )();
    const square = (m: number, z: Float64Array, w = z): Float64Array =>
      byLoops(
        { sizes: [m, m, m], transposeA: false, transposeB: false, batch: [[], []], kept: "neither" },
        z,
        w,
      ).value;
    const wanted = [square(20, square(20, x), x), square(200, y), square(20, x)];
    outs.forEach((out, i) => {
      out.forEach((v, k) => {
        expect(v).toBeCloseTo(wanted[i][k], 9);
      });
    });
  });

  test("small products, and matrices that change before a vector, stay with loops", () => {
    const flag = { transposeA: false, transposeB: false };
    const vector = input("v", [100, 1], "float64");
    expect(isVectorised(matmul(input("m", [100, 100], "float64"), vector), flag)).toBe(false);
    expect(isVectorised(matmul(constant(drawn("m", [100, 100]), [100, 100], "float64"), vector), flag)).toBe(
      true,
    );
    expect(isVectorised(matmul(input("m", [4, 4], "float64"), input("n", [4, 4], "float64")), flag)).toBe(
      false,
    );
  });
});
