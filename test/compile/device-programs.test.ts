/** Drawn programs on a graphics processor: loops, reading, adding and ordering by place, on axes of 0, 1 and more elements. */
import { expect, test } from "vitest";
import { fillUniform, stream } from "../../src/random/index.ts";
import {
  add,
  argsort,
  cast,
  concat,
  exp,
  floor,
  gather,
  grad,
  input,
  less,
  logicalAnd,
  logsumexp,
  matmul,
  max,
  maximum,
  mul,
  pow,
  reshape,
  scan,
  scatterAdd,
  sin,
  slice,
  softplus,
  sort,
  square,
  sub,
  sum,
  type Tensor,
  tanh,
  transpose,
  where,
  zeros,
} from "../../src/tensor/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";
import { computed, difference, keptDevice } from "./on-both.ts";

/** Uniform numbers. */
type Draw = () => number;

/** A row for each row, chosen by what is in the first column; from the end if that is negative. */
function rowsBy(x: Tensor): Tensor {
  const [rows] = x.shape;
  const first = reshape(slice(x, { axis: 1, end: 1 }), [rows]);
  return cast(floor(mul(tanh(first), rows - 0.01)), "int64");
}

/** Changes of [rows, columns] that keep its shape. */
const steps: readonly ((x: Tensor, draw: Draw) => Tensor)[] = [
  (x) => sin(mul(x, 3)),
  (x) => where(logicalAnd(less(x, sum(x, 0)), less(-0.5, x)), x, tanh(x)),
  (x, draw) => sort(x, Math.floor(2 * draw()), { descending: draw() < 0.5 }),
  (x, draw) => cast(argsort(x, Math.floor(2 * draw())), "float32"),
  (x) => (x.size === 0 ? x : gather(x, rowsBy(x), 0)),
  (x) => (x.size === 0 ? x : scatterAdd(x, rowsBy(x), x)),
  (x) => {
    const [rows, columns] = x.shape;
    return scan(zeros([columns]), x, (h, row) => {
      const next = tanh(add(mul(h, 0.5), row));
      return { carry: next, output: add(next, h) };
    }).outputs.add(zeros([rows, columns]));
  },
  (x) => scan(x, undefined, (h) => ({ carry: sort(add(mul(h, 0.5), sin(h)), 1) }), { length: 2 }).carry,
  (x) => sub(x, logsumexp(concat([x, zeros([x.shape[0], 1])], 1), 1, { keepDims: true })),
  (x) => mul(pow(maximum(x, 0.1), 0.5), softplus(x)),
  (x) => matmul(x, mul(matmul(x, x, { transposeA: true }), 0.1)),
  (x) => (x.shape[0] === 0 ? x : sub(x, max(x, 0, { keepDims: true }))),
  (x) => transpose(add(transpose(x, [1, 0]), 1), [1, 0]),
];

const drawsOf = (seed: number): Draw => {
  const u = new Float64Array(500);
  fillUniform(u, stream(seed, "device programs"));
  let at = 0;
  return () => u[at++ % u.length];
};

test.skipIf(!hasSoftwareGpu)("are right on webgpu, and so are their gradients", async () => {
  const release = await keptDevice();
  const wrong: string[] = [];
  for (let seed = 0; seed < 40; seed++) {
    const draw = drawsOf(seed);
    const [rows, columns] = [0, 1].map(() => [0, 1, 1, 2, 3, 4, 8][Math.floor(7 * draw())]);
    const x = input("x", [rows, columns]);
    const chosen = Array.from({ length: 3 }, () => Math.floor(steps.length * draw()));
    const y = chosen.reduce((t, i) => steps[i](t, draw), x);
    const values = [Array.from({ length: x.size }, () => 4 * draw() - 2)];
    const outputs = [y, sum(exp(mul(y, 0.1)))];
    outputs.push(grad(sum(square(y)), [x])[0]);
    for (const [k, output] of outputs.entries()) {
      const here = await computed("host", output, [x], values);
      const there = await computed("webgpu", output, [x], values).catch((error: Error) => error.message);
      const found = typeof there === "string" ? there : difference(here, there, output);
      if (found !== undefined) wrong.push(`seed ${seed} [${x.shape}] steps ${chosen}, output ${k}: ${found}`);
    }
  }
  await release();
  expect(wrong).toEqual([]);
});
