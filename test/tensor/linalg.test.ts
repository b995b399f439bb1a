import { describe, expect, test } from "vitest";
import { compileHost } from "../../src/compile/host.ts";
import { build } from "../../src/compile/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import {
  cholesky,
  choleskyLogdet,
  choleskySolve,
  constant,
  diagonal,
  eye,
  grad,
  input,
  matmul,
  solveRows,
  type Tensor,
  tensor,
  transpose,
  triangularSolve,
  tril,
  triu,
  zeros,
} from "../../src/tensor/index.ts";

const float64 = { dtype: "float64" } as const;
const evaluate = (t: Tensor): number[] => {
  const out = new Float64Array(t.size);
  compileHost([t]).bind([], [out])();
  return Array.from(out);
};
const closeTo = (actual: number[], expected: readonly number[], tolerance = 1e-14) => {
  expect(actual).toHaveLength(expected.length);
  actual.forEach((v, i) => {
    expect(Math.abs(v - expected[i]), `element ${i}: ${v} against ${expected[i]}`).toBeLessThan(
      tolerance * Math.max(1, Math.abs(expected[i])),
    );
  });
};

const a = tensor(
  [
    [4, 2, 0.4],
    [2, 5, 1],
    [0.4, 1, 3],
  ],
  float64,
);
const b = tensor(
  [
    [-5, 2],
    [-2, 5],
    [1, -3],
  ],
  float64,
);

describe("against torch 1.13, A = [[4, 2, .4], [2, 5, 1], [.4, 1, 3]]", () => {
  const l = cholesky(a);
  test("torch.linalg.cholesky(A)", () => {
    closeTo(evaluate(l), [2, 0, 0, 1, 2, 0, 0.2, 0.4, 1.6733200530681511]);
  });
  test("torch.logdet(A)", () => {
    closeTo(evaluate(choleskyLogdet(l)), [3.802208139420939]);
  });
  test("torch.linalg.solve_triangular(L, B, upper=False), and (L.T, B, upper=True)", () => {
    closeTo(evaluate(triangularSolve(l, b)), [-2.5, 1, 0.25, 2, 0.8366600265340755, -2.390457218668787]);
    const transposed = [
      -2, -0.25, -1.1195228609334393, 2.8585685828003182, 0.5976143046671968, -1.7928429140015902,
    ];
    closeTo(evaluate(triangularSolve(l, b, { transpose: true })), transposed);
    closeTo(evaluate(triangularSolve(transpose(l), b, { lower: false })), transposed);
  });
});

test("L Lᵀ = A, and choleskySolve inverts it, for a batch and a vector", () => {
  const batch = tensor(
    [
      [
        [2, 1],
        [1, 3],
      ],
      [
        [5, -2],
        [-2, 1],
      ],
    ],
    float64,
  );
  const l = cholesky(batch);
  closeTo(evaluate(matmul(l, l, { transposeB: true })), [2, 1, 1, 3, 5, -2, -2, 1]);
  const v = tensor([1, -1], float64);
  const x = choleskySolve(l, v);
  expect(x.shape).toEqual([2, 2]);
  // By Cramer's rule: [[2, 1], [1, 3]] x = (1, −1): x = (4, −3) / 5; [[5, −2], [−2, 1]] x = (1, −1): x = (−1, −3).
  closeTo(evaluate(x), [0.8, -0.6, -1, -3]);
});

test("the gradient of ln |A| is A⁻¹", () => {
  const [g] = grad(choleskyLogdet(cholesky(a)), [a]);
  closeTo(evaluate(matmul(g, a)), evaluate(eye(3, "float64")));
});

test("second derivative of ln |B Bᵀ + 2 I| in B against differences of the first", () => {
  const leaf = input("b", [2, 2], "float64");
  const value = choleskyLogdet(
    cholesky(matmul(leaf, leaf, { transposeB: true }).add(eye(2, "float64").mul(2))),
  );
  const [first] = grad(value, [leaf]);
  const weights = tensor(
    [
      [0.3, -1],
      [0.7, 2],
    ],
    float64,
  );
  const total = first.mul(weights).sum();
  const [second] = grad(total, [leaf]);
  const at = (t: Tensor, values: Float64Array) => {
    const out = new Float64Array(t.size);
    compileHost([t]).bind([values], [out])();
    return out;
  };
  const point = Float64Array.of(0.4, -0.9, 1.3, 0.2);
  const exact = at(second, point);
  const h = 1e-5;
  // Central differences: error h²/6 · f‴ + ε f / h, about 1e-10 each.
  point.forEach((v, i) => {
    const difference = (at(total, point.with(i, v + h))[0] - at(total, point.with(i, v - h))[0]) / (2 * h);
    expect(Math.abs(exact[i] - difference)).toBeLessThan(1e-8);
  });
});

test("a matrix that is not positive definite is NaN, the others of its batch are not", () => {
  const batch = tensor(
    [
      [
        [1, 2],
        [2, 1],
      ],
      [
        [4, 2],
        [2, 5],
      ],
    ],
    float64,
  );
  expect(evaluate(cholesky(batch))).toEqual([NaN, NaN, NaN, NaN, 2, 0, 1, 2]);
});

test("tril, triu and diagonal", () => {
  const x = tensor(
    [
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ],
    float64,
  );
  expect(evaluate(tril(x))).toEqual([1, 0, 0, 4, 5, 0, 7, 8, 9]);
  expect(evaluate(tril(x, -1))).toEqual([0, 0, 0, 4, 0, 0, 7, 8, 0]);
  expect(evaluate(triu(x, 1))).toEqual([0, 2, 3, 0, 0, 6, 0, 0, 0]);
  expect(evaluate(diagonal(x))).toEqual([1, 5, 9]);
});

describe("faults", () => {
  test("shapes", () => {
    expect(() => cholesky(input("a", [2, 3]))).toThrow(
      "cholesky: expected square matrices [..., n, n], found [2, 3].",
    );
    expect(() => triangularSolve(input("l", [3, 3]), input("b", [2, 3]))).toThrow(
      "triangularSolve: l [3, 3] needs a right-hand side with 3 rows, [..., n, m] or [n], found [2, 3].",
    );
    expect(() => tril(input("x", [3]))).toThrow("tril: expected at least two axes, found shape [3].");
  });
});

describe("triangular systems in arrays", () => {
  test("solved along rows, both ways, from any first element that is not 0", () => {
    for (let seed = 0; seed < 20; seed++) {
      const n = 1 + (seed % 6);
      const l = new Float64Array(n * n);
      for (let i = 0; i < n; i++)
        for (let j = 0; j <= i; j++)
          l[i * n + j] = i === j ? 1.5 + Math.cos(seed + i) : Math.sin(seed * 3 + i * n + j);
      const x = Float64Array.from({ length: n }, (_, i) => (i < seed % 3 ? 0 : Math.sin(i + seed) * 4));
      for (const transposed of [false, true]) {
        const b = Float64Array.from(x, (_, i) =>
          x.reduce((s, v, j) => s + (transposed ? l[j * n + i] : l[i * n + j]) * v, 0),
        );
        solveRows(l, n, b, transposed);
        b.forEach((v, i) => {
          expect(v).toBeCloseTo(x[i], 11);
        });
      }
    }
  });
});

describe("the native loops against the host's kernels", () => {
  const drawn = (site: string, size: number): Float64Array => {
    const values = new Float64Array(size);
    fillNormal(values, stream(11, site));
    return values;
  };
  const both = async (outputs: readonly Tensor[]): Promise<Float64Array[][]> =>
    Promise.all(
      (["host", "native"] as const).map(async (executor) => {
        const program = await build(outputs, { executor, threads: 1 });
        const out = outputs.map((t) => new Float64Array(t.size));
        await program.bind([], out)();
        await program.release();
        return out;
      }),
    );
  const definite = (batch: readonly number[], n: number): Tensor => {
    const root = tensorOf("root", [...batch, n, n]);
    return matmul(root, root, { transposeB: true }).add(eye(n, "float64"));
  };
  const tensorOf = (site: string, shape: readonly number[]): Tensor => {
    const values = drawn(
      site,
      shape.reduce((a, b) => a * b, 1),
    );
    return zeros(shape, "float64").add(constant(values, shape, "float64"));
  };

  // One block, a block and a remainder of one row, three blocks, and batches of them.
  test.each([
    { batch: [], n: 1 },
    { batch: [2, 3], n: 5 },
    { batch: [], n: 65 },
    { batch: [2], n: 66 },
    { batch: [], n: 130 },
  ])("factor, solutions and gradients: $batch of $n × $n", async ({ batch, n }) => {
    const given = definite(batch, n);
    const l = cholesky(given);
    const b = tensorOf("b", [...batch, n, 2]);
    const ways = [true, false].flatMap((lower) =>
      [true, false].map((transposed) =>
        triangularSolve(lower ? l : transpose(l), b, { lower, transpose: transposed }),
      ),
    );
    const value = choleskyLogdet(l).sum().add(triangularSolve(l, b).square().sum());
    const [host, native] = await both([l, ...ways, ...grad(value, [given])]);
    host.forEach((expected, k) => {
      const scale = Math.max(1, ...expected.map(Math.abs));
      // The condition number of these matrices is below 600: errors of some 1e-13.
      expected.forEach((v, i) => {
        expect(Math.abs(native[k][i] - v) / scale, `output ${k}, element ${i}`).toBeLessThan(1e-11);
      });
    });
  });

  test("what is not positive definite is NaN whole, in any block, and only there", async () => {
    const n = 70;
    const flat = [3, 68].flatMap((bad) =>
      Array.from({ length: n * n }, (_, k) => (k % (n + 1) !== 0 ? 0 : k === bad * (n + 1) ? 0 : 4)),
    );
    const good = Array.from({ length: n * n }, (_, k) => (k % (n + 1) === 0 ? 4 : 0));
    const [host, native] = await both([
      cholesky(constant([...flat, ...good], [3, n, n], "float64").add(zeros([3, n, n], "float64"))),
    ]);
    expect(native[0]).toEqual(host[0]);
    expect(host[0].slice(0, 2 * n * n).every(Number.isNaN)).toBe(true);
    expect(host[0].slice(2 * n * n).some(Number.isNaN)).toBe(false);
  });

  test("the triangle that is not read may hold anything", async () => {
    const l = tensor(
      [
        [2, NaN],
        [1, 4],
      ],
      float64,
    );
    const b = tensor([2, 9], float64);
    const [host, native] = await both([
      triangularSolve(l.add(0), b.add(0)),
      triangularSolve(l.add(0), b.add(0), { transpose: true }),
    ]);
    // 2 x = 2, x + 4 y = 9; and 4 y = 9, 2 x + y = 2.
    expect(host).toEqual([Float64Array.of(1, 2), Float64Array.of(-0.125, 2.25)]);
    expect(native).toEqual(host);
  });

  test("matrices without rows, and batches without matrices", async () => {
    const [host, native] = await both([
      choleskyLogdet(cholesky(zeros([2, 0, 0], "float64"))).add(1),
      triangularSolve(zeros([0, 0], "float64"), zeros([0, 3], "float64")).sum(),
      cholesky(zeros([0, 2, 2], "float64")).sum(),
    ]);
    expect(host).toEqual([Float64Array.of(1, 1), Float64Array.of(0), Float64Array.of(0)]);
    expect(native).toEqual(host);
  });
});
