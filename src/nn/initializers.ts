/**
 * Rules for the first values of parameters.
 *
 * @module
 */
import { UsageError } from "../errors.ts";
import { type Draws, formatShape, type Initializer, type Shape, sizeOf } from "../tensor/index.ts";

/** The same value everywhere. */
export const constant = (value: number): Initializer => ({
  name: `constant(${value})`,
  values: (shape) => new Float64Array(sizeOf(shape)).fill(value),
});

/** All zeros. */
export const zeros: Initializer = { ...constant(0), name: "zeros" };
/** All ones. */
export const ones: Initializer = { ...constant(1), name: "ones" };

function checkScale(what: string, value: number): void {
  if (!(value >= 0 && Number.isFinite(value)))
    throw new UsageError(`${what} must be a finite number of at least 0, found ${value}.`);
}

/** Normal with mean 0. */
export function normal(std = 1): Initializer {
  checkScale("normal: the standard deviation", std);
  return {
    name: `normal(${std})`,
    values: (shape, draws) => draws.normal(sizeOf(shape)).map((z) => z * std),
  };
}

/** Uniform between two numbers. */
export function uniform(low: number, high: number): Initializer {
  if (!(low <= high && Number.isFinite(high - low)))
    throw new UsageError(`uniform: expected finite low ≤ high, found ${low} and ${high}.`);
  return {
    name: `uniform(${low}, ${high})`,
    values: (shape, draws) => draws.uniform(sizeOf(shape)).map((u) => low + (high - low) * u),
  };
}

/**
 * Normal with mean 0, redrawn while it is more than 2 `std` from 0. `std` is the standard deviation before truncation;
 * that of the values is 0.8796 `std`.
 */
export function truncatedNormal(std = 1): Initializer {
  checkScale("truncatedNormal: the standard deviation", std);
  return {
    name: `truncatedNormal(${std})`,
    values: (shape, draws) => {
      const out = new Float64Array(sizeOf(shape));
      for (let filled = 0; filled < out.length; ) {
        for (const z of draws.normal(out.length - filled)) if (Math.abs(z) < 2) out[filled++] = z * std;
      }
      return out;
    },
  };
}

/**
 * The number of inputs that an output sums over, and the number of outputs that an input goes to. A matrix is [inputs, outputs], as in
 * `dense`; a kernel with more axes is [outputs, inputs, …taps], as in convolutions; for a vector or scalar both are its number of
 * elements (1 for a scalar).
 */
export function fans(shape: Shape): { readonly fanIn: number; readonly fanOut: number } {
  if (shape.length < 2) return { fanIn: shape[0] ?? 1, fanOut: shape[0] ?? 1 };
  if (shape.length === 2) return { fanIn: shape[0], fanOut: shape[1] };
  const taps = sizeOf(shape.slice(2));
  return { fanIn: shape[1] * taps, fanOut: shape[0] * taps };
}

type Fans = ReturnType<typeof fans>;

/** Mean 0 and a variance that depends on the fans. */
const scaled = (name: string, kind: "uniform" | "normal", varianceOf: (f: Fans) => number): Initializer => ({
  name,
  values: (shape, draws) => {
    const std = Math.sqrt(varianceOf(fans(shape)));
    const rule = kind === "normal" ? normal(std) : uniform(-std * Math.sqrt(3), std * Math.sqrt(3));
    return rule.values(shape, draws);
  },
});

const glorot = ({ fanIn, fanOut }: Fans): number => 2 / (fanIn + fanOut);
const he = ({ fanIn }: Fans): number => 2 / fanIn;

/** Variance 2 / (fan-in + fan-out): Glorot & Bengio, "Understanding the difficulty of training deep feedforward neural networks" (2010). */
export const glorotUniform: Initializer = scaled("glorotUniform", "uniform", glorot);
/** Normal with variance 2 / (inputs + outputs) (Glorot and Bengio 2010). */
export const glorotNormal: Initializer = scaled("glorotNormal", "normal", glorot);

/** Variance 2 / fan-in, for ReLU: He et al., "Delving deep into rectifiers" (2015). */
export const heUniform: Initializer = scaled("heUniform", "uniform", he);
/** Normal with variance 2 / inputs, for layers before a relu (He et al. 2015). */
export const heNormal: Initializer = scaled("heNormal", "normal", he);

/**
 * A random matrix with orthonormal rows or columns, whichever are fewer; an array with more axes is treated as a matrix by merging its
 * last axes. Saxe, McClelland & Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear networks" (2014).
 * Uniform over such matrices.
 */
export const orthogonal: Initializer = {
  name: "orthogonal",
  values: (shape, draws) => {
    if (shape.length < 2)
      throw new UsageError(`orthogonal: expected at least two axes, found shape ${formatShape(shape)}.`);
    const rows = shape[0];
    const columns = sizeOf(shape.slice(1));
    const [count, length] = rows <= columns ? [rows, columns] : [columns, rows];
    const vectors = orthonormal(count, length, draws);
    const out = new Float64Array(rows * columns);
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++)
        out[i * columns + j] = rows <= columns ? vectors[i][j] : vectors[j][i];
    }
    return out;
  },
};

/** Gram–Schmidt on normal vectors, with each projection done twice, which suffices for full precision. */
function orthonormal(count: number, length: number, draws: Draws): Float64Array[] {
  const done: Float64Array[] = [];
  const dot = (a: Float64Array, b: Float64Array) => a.reduce((total, v, i) => total + v * b[i], 0);
  for (let n = 0; n < count; n++) {
    let v = draws.normal(length);
    for (const u of [...done, ...done]) {
      const along = dot(u, v);
      v = v.map((x, i) => x - along * u[i]);
    }
    const norm = Math.sqrt(dot(v, v));
    done.push(v.map((x) => x / norm));
  }
  return done;
}

/** Initialises a kernel [inputs, outputs, …taps] of a transposed convolution with a rule for the order [outputs, inputs, …taps]. */
export const transposedKernel = (rule: Initializer): Initializer => ({
  name: rule.name,
  values: (shape, draws) => {
    const [inputs, outputs, ...rest] = shape;
    const taps = sizeOf(rest);
    const values = rule.values([outputs, inputs, ...rest], draws);
    return Float64Array.from({ length: sizeOf(shape) }, (_, k) => {
      const [i, o] = [Math.floor(k / taps / outputs), Math.floor(k / taps) % outputs];
      return values[(o * inputs + i) * taps + (k % taps)];
    });
  },
});
