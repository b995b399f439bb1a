/**
 * Simplified graphs against the same graphs as they were written, on the host: infinities, NaN and the signs of zeros are the same, and
 * so are finite values, bit by bit: the constants are powers of 2, by which factors are combined exactly. Inputs are zeros of both signs, infinities, NaN, subnormal, ordinary and huge numbers.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { compileHost } from "../../src/compile/host.ts";
import { simplify } from "../../src/compile/simplify.ts";
import {
  abs,
  add,
  arange,
  cast,
  clip,
  div,
  exp,
  expand,
  floor,
  full,
  gather,
  grad,
  input,
  log,
  log1p,
  matmul,
  maximum,
  minimum,
  mul,
  neg,
  pow,
  relu,
  reshape,
  scatterAdd,
  sigmoid,
  sign,
  softplus,
  sqrt,
  square,
  stopGradient,
  sub,
  sum,
  type Tensor,
  tensor,
  transpose,
  where,
} from "../../src/tensor/index.ts";
import { evaluateHost } from "./graphs.ts";

const F = "float64";
const LEAST = Number.MIN_VALUE;
const special = [
  0,
  -0,
  Number.POSITIVE_INFINITY,
  Number.NEGATIVE_INFINITY,
  Number.NaN,
  LEAST,
  -LEAST,
  3 * LEAST,
  -1e-310,
  2 ** -1022,
  1,
  -1,
  0.5,
  -3,
  7.25,
  1e200,
  -1e-200,
  1e308,
  -Number.MAX_VALUE,
];
const constants = [0, -0, 1, -1, 2, -4, 0.5, -0.25, 2 ** 600, 2 ** -600, Number.POSITIVE_INFINITY];

type Build = (a: Tensor, b: Tensor, c: number) => Tensor;
const column = (a: Tensor) => reshape(a, [a.size]);
/** Each from two earlier values of shape [6] and a constant. Sums of many terms are left out: their partial sums may overflow. */
const builds: Readonly<Record<string, Build>> = {
  add,
  sub,
  mul,
  div,
  maximum,
  minimum,
  neg,
  abs,
  sign,
  floor,
  square,
  exp,
  // Of nothing that is written as a logistic function, whose logarithm is right where it rounds to 0.
  log: (a) => log(abs(a)),
  sqrt,
  relu,
  softplus,
  sigmoid,
  stopGradient,
  plus: (a, _, c) => add(a, c),
  "plus from the left": (a, _, c) => add(full([6], c, F), a),
  minus: (a, _, c) => sub(a, c),
  from: (a, _, c) => sub(c, a),
  times: (a, _, c) => mul(a, c),
  "times twice": (a, _, c) => mul(mul(a, c), 2),
  "times, halved": (a, _, c) => mul(mul(a, c), 0.5),
  "doubled, times": (a, _, c) => mul(mul(2, a), c),
  "halved, times": (a, _, c) => mul(mul(0.5, a), c),
  "times from the left": (a, _, c) => mul(full([6], c, F), a),
  over: (a, _, c) => div(a, c),
  under: (a, _, c) => div(c, a),
  "minus itself": (a) => sub(a, a),
  "plus its negative": (a) => add(a, neg(a)),
  "negative difference": (a, b) => neg(sub(a, b)),
  "negative product": (a, _, c) => neg(mul(a, c)),
  "power of 1": (a) => pow(a, 1),
  "power of 2": (a) => pow(a, 2),
  "power of a half": (a) => pow(abs(a), 0.5),
  "times 0": (a) => mul(a, 0),
  "times −0": (a) => mul(a, -0),
  "sum of one": (a) => column(sum(reshape(a, [1, 6]), 0)),
  "sum of two": (a, b) => add(column(sum(reshape(a, [6, 1]), 1)), b),
  "rows in order": (a) => gather(a, arange(6)),
  "added in order": (a) => scatterAdd(full([6], 0, F), arange(6), a),
  "added to −0": (a) => scatterAdd(full([6], -0, F), arange(6), a),
  where: (a, b) => where(a.greater(b), a, b),
  "nested where": (a, b) => where(a.greater(0), where(a.greater(0), a, b), b),
  clip: (a) => clip(a, -1, 1),
  turned: (a) => column(neg(transpose(reshape(neg(a), [2, 3])))),
  repeated: (a, b) =>
    mul(expand(reshape(a, [1, 6]), [6, 6]), b)
      .slice({ axis: 0, end: 1 })
      .reshape([6]),
  product: (a) => column(matmul(reshape(a, [6, 1]), tensor([[1]], { dtype: F }))),
  slope: (a) => grad(sum(mul(sub(0, a), a)), [a])[0],
  "in float32": (a) => cast(cast(a, "float32"), F),
};

interface Drawn {
  readonly steps: readonly (readonly [name: string, i: number, j: number, c: number])[];
  /** Each of 12 numbers, for both leaves. */
  readonly values: readonly (readonly number[])[];
}

const leaves = [input("x", [6], F), input("y", [6], F)];

/** All values of a drawn graph. */
function graphOf({ steps }: Drawn): Tensor[] {
  const made: Tensor[] = [...leaves];
  const at = (n: number) => made[made.length - 1 - (n % made.length)];
  for (const [name, i, j, c] of steps) made.push(builds[name](at(i), at(j), c));
  return made.slice(leaves.length);
}

/** All outputs at each of the values of the leaves. */
function evaluate(outputs: readonly Tensor[], values: Drawn["values"]): number[][] {
  const program = compileHost(outputs);
  const results = outputs.map((t) => new Float64Array(t.size));
  const given = leaves.map(() => new Float64Array(6));
  const run = program.bind(
    program.leaves.map((leaf) => given[leaves.indexOf(leaf as (typeof leaves)[number])]),
    results,
  );
  return values.map((row) => {
    given.forEach((array, i) => {
      array.set(row.slice(6 * i, 6 * i + 6));
    });
    run();
    return results.flatMap((r) => Array.from(r));
  });
}

const step = (names: readonly string[]) =>
  fc.tuple(fc.constantFrom(...names), fc.nat({ max: 9 }), fc.nat({ max: 9 }), fc.constantFrom(...constants));
const values = fc.array(fc.constantFrom(...special), { minLength: 12, maxLength: 12 });

function check(drawn: Drawn): void {
  const graph = graphOf(drawn);
  // toEqual tells −0 and 0 apart.
  expect(evaluate(simplify(graph), drawn.values)).toEqual(evaluate(graph, drawn.values));
}

describe("a simplified graph has the values of the graph, the signs of its zeros among them", () => {
  // Every pair of special numbers is met.
  const pairs = special.map((_, shift) =>
    Array.from({ length: 12 }, (_, i) => special[(i * (shift + 1) + shift) % special.length]),
  );
  test.each(Object.keys(builds))("%s", (name) => {
    for (const c of constants)
      check({ steps: [[name, 0, 1, c] as const, ["under", 0, 0, 1]], values: pairs });
  });

  test("drawn graphs of up to ten ops", () => {
    const steps = fc.array(step(Object.keys(builds)), { minLength: 2, maxLength: 10 });
    const drawn = fc.record({ steps, values: fc.array(values, { minLength: 5, maxLength: 5 }) });
    fc.assert(fc.property(drawn, check), { numRuns: 400, seed: 17 });
  });
});

describe("logarithms of the logistic function", () => {
  const x = input("x", [9], F);
  const points = [Number.NEGATIVE_INFINITY, -800, -40, -0, 0, 40, 800, Number.POSITIVE_INFINITY, Number.NaN];
  const [direct, complement] = simplify([log(sigmoid(x)), log1p(neg(sigmoid(x)))]);

  test("are right where the function rounds to 0 or 1, with the signs of zero that they have as written", () => {
    const [of, ofRest] = evaluateHost([direct, complement], new Map([[x, points]]));
    // ln σ(x) = −ln(1 + e⁻ˣ); e⁻⁴⁰ = 4.248354255291589e-18.
    const tiny = -4.248354255291589e-18;
    expect(of).toEqual([-Infinity, -800, -40, -Math.LN2, -Math.LN2, tiny, 0, 0, Number.NaN]);
    expect(ofRest).toEqual([-0, -0, tiny, -Math.LN2, -Math.LN2, -40, -800, -Infinity, Number.NaN]);
  });
});
