/** What a device gets wrong if it computes it by itself: special numbers, numbers near 0, large angles, bools that are broadcast, places outside an axis, order. */
import { fillUniform, stream } from "../../src/random/index.ts";
import {
  abs,
  argsort,
  cast,
  constant,
  cos,
  div,
  exp,
  expm1,
  gather,
  input,
  less,
  log1p,
  logicalAnd,
  pow,
  scatterAdd,
  sin,
  sort,
  sub,
  type Tensor,
  takeAlong,
  tensor,
  topk,
} from "../../src/tensor/index.ts";
import { computed, difference, keptDevice } from "./on-both.ts";

/** A graph of float32 inputs, and what it computes: the host's values unless there are others. */
interface HardCase {
  readonly name: string;
  readonly output: Tensor;
  readonly leaves: readonly Tensor[];
  readonly values: readonly (readonly number[])[];
  readonly expected?: readonly number[];
  /** Whether errors are relative, however small the value. */
  readonly relative?: boolean;
}

const LARGEST = (2 - 2 ** -23) * 2 ** 127;
const INFINITY = Number.POSITIVE_INFINITY;
const SIGNED = [0, 0.5, 1, 1.5, 2, 3, 1e-30, 1e30, 16777215, 3e38, INFINITY];
const SPECIAL = [Number.NaN, ...SIGNED, ...SIGNED.map((v) => -v)];

/** Uniform numbers of a name. */
function drawsOf(name: string): () => number {
  const u = new Float64Array(20_000);
  fillUniform(u, stream(0, name));
  let at = 0;
  return () => u[at++ % u.length];
}

/** Every special base with every special exponent: operands of one shape, broadcast, and with exponents that are constants. */
function* powers(): Generator<HardCase> {
  const n = SPECIAL.length;
  const all = SPECIAL.map((_, i) => i);
  const [a, b] = [input("a", [n, n]), input("b", [n, n])];
  const bases = all.flatMap((i) => all.map(() => SPECIAL[i]));
  const exponents = all.flatMap(() => SPECIAL);
  yield { name: "pow", output: pow(a, b), leaves: [a, b], values: [bases, exponents] };
  const [column, row] = [input("a", [n, 1]), input("b", [n])];
  yield {
    name: "pow, broadcast",
    output: pow(column, row),
    leaves: [column, row],
    values: [SPECIAL, SPECIAL],
  };
  for (const exponent of SPECIAL) {
    const x = input("x", [n]);
    yield { name: `pow ${exponent}`, output: pow(x, exponent), leaves: [x], values: [SPECIAL] };
  }
}

function* functions(): Generator<HardCase> {
  const some = [Number.NaN, INFINITY, -INFINITY, 0, -0, 1];
  const x = input("x", [some.length]);
  // An infinite exponential would be a finite number here.
  for (const output of [div(1, exp(x)), exp(sub(x, x))])
    yield { name: String(output), output, leaves: [x], values: [some] };
  const next = drawsOf("numbers");
  const count = 200;
  const y = input("y", [count]);
  const drawn = (f: () => number): number[] => Array.from({ length: count }, () => Math.fround(f()));
  const sign = (): number => (next() < 0.5 ? -1 : 1);
  for (const [f, most] of [
    [expm1, 80],
    [log1p, 0.99],
  ] as const) {
    const values = [drawn(() => sign() * Math.min(most, 10 ** (2 * next() - 12 * next())))];
    yield { name: f(y).op.name, output: f(y), leaves: [y], values, relative: true };
  }
  for (const f of [sin, cos]) {
    const values = drawn(() => sign() * Math.min(65536, 10 ** (5 * next() - 3 * next())));
    yield { name: f(y).op.name, output: f(y), leaves: [y], values: [values] };
    yield {
      name: `${f(y).op.name} of angles that float32 does not resolve`,
      output: f(y),
      leaves: [y],
      values: [values.map((v) => v * 1e10)],
      expected: values.map((v) => (Math.abs(v * 1e10) > 65536 ? Number.NaN : f === sin ? Math.sin(v) : 1)),
    };
  }
}

const SHAPES = [
  [],
  [1],
  [4],
  [1, 4],
  [3, 1],
  [3, 4],
  [5],
  [3, 5],
  [2, 3, 1],
  [2, 1, 4],
  [2, 3, 4],
  [1, 1, 8],
];
const sizeOf = (shape: readonly number[]): number => shape.reduce((n, d) => n * d, 1);

/** Bools of the device's own, of all shapes that broadcast. */
function* bools(): Generator<HardCase> {
  const next = drawsOf("bools");
  for (const one of SHAPES)
    for (const other of SHAPES) {
      const fits = one.every((d, i) => {
        const e = other[i + other.length - one.length] ?? 1;
        return d === e || d === 1 || e === 1;
      });
      if (!fits) continue;
      const leaves = [input("a", one), input("b", other)];
      const [a, b] = leaves.map((t) => less(t.mul(2), 1));
      yield {
        name: `and of [${one}] and [${other}]`,
        output: cast(logicalAnd(a, b), "float32").mul(3),
        leaves,
        values: leaves.map((t) => Array.from({ length: sizeOf(t.shape) }, next)),
      };
    }
}

/** Indices of both types, from the start and from the end, some outside the axis: NaN is what they read, and the row that they add to. */
function* places(): Generator<HardCase> {
  const next = drawsOf("places");
  for (const dtype of ["int32", "int64"] as const)
    for (const size of [1, 3, 4, 8])
      for (const isOutside of [false, true]) {
        const x = input("x", [size]);
        const at = input("at", [6]);
        const reach = isOutside ? size + 2 : size;
        const indices = Array.from({ length: 6 }, () => Math.floor(2 * reach * next()) - reach);
        const numbers = Array.from({ length: size }, (_, i) => i + 1);
        const from = indices.map((i) => (i < -size || i >= size ? undefined : i < 0 ? i + size : i));
        const common = { leaves: [x, at], values: [numbers, indices] };
        const of = `of ${size} by ${dtype}${isOutside ? ", some outside" : ""}`;
        yield {
          ...common,
          name: `gather ${of}`,
          output: gather(x, cast(at, dtype), 0),
          expected: from.map((i) => (i === undefined ? Number.NaN : numbers[i])),
        };
        yield {
          ...common,
          name: `takeAlong ${of}`,
          output: takeAlong(x, cast(at, dtype), 0),
          expected: from.map((i) => (i === undefined ? Number.NaN : numbers[i])),
        };
        const added = [...numbers];
        for (const i of from) added[i ?? 0] += i === undefined ? Number.NaN : 10;
        yield {
          ...common,
          name: `scatterAdd ${of}`,
          output: scatterAdd(x, cast(at, dtype), tensor(new Array<number>(6).fill(10))),
          expected: added,
        };
      }
  const x = input("x", [3, 4]);
  const rows = constant([2, -3, 0], [3], "int64");
  const values = [Array.from({ length: 12 }, next)];
  yield { name: "gather by constants", output: gather(x, rows, 0), leaves: [x], values };
  yield { name: "gather along axis 1", output: gather(x, rows, 1), leaves: [x], values };
  // Integers have no NaN: these are read on the processor.
  yield {
    name: "gather of int32",
    output: cast(gather(cast(x.mul(9), "int32"), cast(abs(x.mul(2)), "int64"), 0), "float32").mul(2),
    leaves: [x],
    values,
  };
}

/** Few different numbers, so that many are equal, in both directions, along either axis. */
function* orders(): Generator<HardCase> {
  const next = drawsOf("orders");
  const numbers = [Number.NaN, 0, -0, 1, 2, LARGEST, -LARGEST, 3.4e38, INFINITY, -INFINITY];
  for (const width of [1, 2, 3, 5, 8, 13, 64, 65])
    for (const descending of [false, true]) {
      const x = input("x", [2, width]);
      const values = [Array.from({ length: 2 * width }, () => numbers[Math.floor(next() * numbers.length)])];
      const way = descending ? "descending" : "ascending";
      for (const axis of [0, 1]) {
        const output = argsort(x, axis, { descending });
        yield { name: `argsort of ${width}, ${way}, axis ${axis}`, output, leaves: [x], values };
      }
      yield { name: `sort of ${width}, ${way}`, output: sort(x, 1, { descending }), leaves: [x], values };
      const { indices } = topk(x, Math.ceil(width / 2));
      yield { name: `topk of ${width}`, output: indices, leaves: [x], values };
    }
}

const hardCases = (): HardCase[] => [...powers(), ...functions(), ...bools(), ...places(), ...orders()];

/** The cases whose values on a device are not those expected, and how many there are. */
export async function differencesOfHardCases(): Promise<{
  readonly cases: number;
  readonly wrong: string[];
}> {
  const release = await keptDevice();
  const wrong: string[] = [];
  const cases = hardCases();
  for (const { name, output, leaves, values, expected, relative } of cases) {
    const there = await computed("webgpu", output, leaves, values);
    const here = expected ?? (await computed("host", output, leaves, values));
    const scale = here.map((v) => (relative && v !== 0 && Number.isFinite(v) ? Math.abs(v) : 1));
    const scaled = (all: readonly number[]) => all.map((v, i) => v / scale[i]);
    const found = difference(scaled(here), scaled(there), output);
    if (found !== undefined) wrong.push(`${name}, ${found}`);
  }
  await release();
  return { cases: cases.length, wrong };
}
