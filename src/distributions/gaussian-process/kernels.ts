/**
 * Covariance functions of Gaussian processes.
 *
 * @module
 */
import { ShapeError, UsageError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules, required } from "../../options.ts";
import {
  add,
  div,
  exp,
  formatShape,
  full,
  matmul,
  mul,
  operands,
  prod,
  reshape,
  sin,
  square,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  unsqueeze,
} from "../../tensor/index.ts";
import { ClosedFormError } from "../errors.ts";
import { maternFunction } from "./matern-function.ts";
import { pointsOf } from "./points.ts";

/** A covariance function of points [n, d]; a vector [n] counts as n points of one dimension. */
export interface Kernel {
  readonly name: string;
  /** k(xᵢ, yⱼ). x [n, d], y [m, d] → [n, m]. */
  covariance(x: TensorLike, y: TensorLike): Tensor;
  /** k(xᵢ, xᵢ). x [n, d] → [n]. */
  variance(x: TensorLike): Tensor;
  /**
   * The spectral density S(ω) at angular frequencies ω [..., d], for stationary kernels: k(x − y) = (2π)⁻ᵈ ∫ S(ω) cos(ω · (x − y)) dω.
   *
   * @throws ClosedFormError when the kernel has none.
   */
  spectralDensity(frequencies: Tensor): Tensor;
}

/** Options of stationary kernels. */
export interface KernelOptions {
  /** The process's standard deviation, one number. Default 1. */
  readonly scale?: TensorLike;
  /** The distance over which values change, in units of x: one number, or one for each dimension, [d]. Default 1. */
  readonly lengthScale?: TensorLike;
}

const kernelRules: OptionRules<KernelOptions> = { scale: anything, lengthScale: anything };

/** Options of {@link periodic}. */
export interface PeriodicOptions extends KernelOptions {
  /** The period, in units of x. */
  readonly period: TensorLike;
}

const periodicRules: OptionRules<PeriodicOptions> = { ...kernelRules, period: required(anything) };

/** Options of {@link linear}. */
export interface LinearKernelOptions {
  /** The standard deviation of slopes: one number, or one for each dimension, [d]. Default 1. */
  readonly scale?: TensorLike;
  /** The place at which the process is known to be 0: one number, or [d]. Default 0. */
  readonly offset?: TensorLike;
}

const linearRules: OptionRules<LinearKernelOptions> = { scale: anything, offset: anything };

function pair(what: string, x: TensorLike, y: TensorLike): readonly [Tensor, Tensor] {
  const [a, b] = [pointsOf(what, x), pointsOf(what, y)];
  if (a.shape[1] !== b.shape[1])
    throw new ShapeError(
      `${what}: points ${formatShape(a.shape)} and ${formatShape(b.shape)} have ${a.shape[1]} and ${b.shape[1]} dimensions.`,
    );
  return [a, b];
}

/** One number, or one for each dimension. */
function parameterOf(what: string, name: string, value: TensorLike, like: Tensor, most: 0 | 1): Tensor {
  const [, t] = operands(what, like, value);
  if (t.rank <= most) return t;
  throw new ShapeError(
    `${what}: ${name} must be one number${most === 1 ? ", or one for each dimension, [d]" : ""}; found shape ${formatShape(t.shape)}.`,
  );
}

/** Differences [n, m, d], in units of the length scale. */
const gaps = (x: Tensor, y: Tensor, lengthScale: Tensor): Tensor =>
  div(sub(unsqueeze(x, 1), unsqueeze(y, 0)), lengthScale);

/** A kernel that is scale² times a function of the scaled squared distance. */
function stationary(
  name: string,
  options: KernelOptions,
  shape: (squared: Tensor) => Tensor,
  spectrum: (squaredFrequency: Tensor, dimensions: number) => Tensor,
): Kernel {
  checkOptions(name, options, kernelRules);
  const { scale = 1, lengthScale = 1 } = options;
  const amplitude = (like: Tensor) => square(parameterOf(name, "scale", scale, like, 0));
  const length = (like: Tensor) => parameterOf(name, "lengthScale", lengthScale, like, 1);
  return {
    name,
    covariance: (x, y) => {
      const [a, b] = pair(name, x, y);
      return mul(shape(sum(square(gaps(a, b, length(a))), -1)), amplitude(a));
    },
    variance: (x) => {
      const points = pointsOf(name, x);
      return mul(full([points.shape[0]], 1, points.dtype), amplitude(points));
    },
    spectralDensity: (frequencies) => {
      const d = frequencies.shape[frequencies.rank - 1];
      const each = length(frequencies);
      const volume = each.rank === 0 || each.size === 1 ? reshape(each, []).pow(d) : prod(each);
      const density = spectrum(sum(square(mul(frequencies, each)), -1), d);
      return mul(mul(density, volume), amplitude(frequencies));
    },
  };
}

/** The squared exponential kernel, scale² exp(−r² / 2) with r the distance in length scales: smooth processes. */
export const rbf = (options: KernelOptions = {}): Kernel =>
  stationary(
    "rbf",
    options,
    (s) => exp(mul(s, -0.5)),
    (w, d) => mul(exp(mul(w, -0.5)), (2 * Math.PI) ** (d / 2)),
  );

/** Γ(ν + d/2) 2ᵈ π^{d/2} (2ν)^ν / Γ(ν), for ν = 3/2 and 5/2. */
function maternFactor(nu: 1.5 | 2.5, d: number): number {
  // Γ of halves and wholes, from Γ(1/2) = √π and Γ(1) = 1.
  const gamma = (x: number): number =>
    x === 0.5 ? Math.sqrt(Math.PI) : x === 1 ? 1 : (x - 1) * gamma(x - 1);
  return (gamma(nu + d / 2) / gamma(nu)) * 2 ** d * Math.PI ** (d / 2) * (2 * nu) ** nu;
}

/**
 * scale² (1 + √3 r) exp(−√3 r): processes with one derivative. It has two derivatives in points everywhere, so that the covariance of slopes is right where points
 * coincide too; of higher ones there, those that do not exist are 0.
 */
export const matern32 = (options: KernelOptions = {}): Kernel =>
  stationary(
    "matern32",
    options,
    (s) => maternFunction(1, mul(s, 3)),
    (w, d) => mul(add(w, 3).pow(-1.5 - d / 2), maternFactor(1.5, d)),
  );

/**
 * scale² (1 + √5 r + 5 r² / 3) exp(−√5 r): processes with two derivatives. It has four derivatives in points everywhere but where points coincide, where the
 * first three are right, and the others 0.
 */
export const matern52 = (options: KernelOptions = {}): Kernel =>
  stationary(
    "matern52",
    options,
    (s) => mul(maternFunction(2, mul(s, 5)), 1 / 3),
    (w, d) => mul(add(w, 5).pow(-2.5 - d / 2), maternFactor(2.5, d)),
  );

const noSpectrum = (name: string) => (): never => {
  throw new ClosedFormError(
    `${name}: it has no spectral density on all frequencies; use rbf, matern32 or matern52, or the exact process.`,
  );
};

/** scale² exp(−2 Σ sin²(π (x − y) / period) / lengthScale²): functions that repeat (MacKay 1998). The length scale is without unit. */
export function periodic(options: PeriodicOptions): Kernel {
  checkOptions("periodic", options, periodicRules);
  const { scale = 1, lengthScale = 1, period } = options;
  return {
    name: "periodic",
    covariance: (x, y) => {
      const [a, b] = pair("periodic", x, y);
      const turns = gaps(a, b, parameterOf("periodic", "period", period, a, 1));
      const chords = div(sin(mul(turns, Math.PI)), parameterOf("periodic", "lengthScale", lengthScale, a, 1));
      return mul(
        exp(mul(sum(square(chords), -1), -2)),
        square(parameterOf("periodic", "scale", scale, a, 0)),
      );
    },
    variance: (x) => {
      const points = pointsOf("periodic", x);
      const amplitude = square(parameterOf("periodic", "scale", scale, points, 0));
      return mul(full([points.shape[0]], 1, points.dtype), amplitude);
    },
    spectralDensity: noSpectrum("periodic"),
  };
}

/** Σ scale² (x − offset)(y − offset): straight lines through `offset`. Add a {@link constant} for their height. */
export function linear(options: LinearKernelOptions = {}): Kernel {
  checkOptions("linear", options, linearRules);
  const { scale = 1, offset = 0 } = options;
  const scaled = (x: Tensor): Tensor =>
    mul(sub(x, parameterOf("linear", "offset", offset, x, 1)), parameterOf("linear", "scale", scale, x, 1));
  return {
    name: "linear",
    covariance: (x, y) => {
      const [a, b] = pair("linear", x, y);
      return matmul(scaled(a), scaled(b), { transposeB: true });
    },
    variance: (x) => sum(square(scaled(pointsOf("linear", x))), -1),
    spectralDensity: noSpectrum("linear"),
  };
}

/** scale² everywhere: an unknown constant. */
export const constant = (scale: TensorLike = 1): Kernel => {
  const filled = (shape: readonly number[], like: Tensor): Tensor =>
    mul(full(shape, 1, like.dtype), square(parameterOf("constant", "scale", scale, like, 0)));
  return {
    name: "constant",
    covariance: (x, y) => {
      const [a, b] = pair("constant", x, y);
      return filled([a.shape[0], b.shape[0]], a);
    },
    variance: (x) => {
      const points = pointsOf("constant", x);
      return filled([points.shape[0]], points);
    },
    spectralDensity: noSpectrum("constant"),
  };
};

function combined(
  name: string,
  kernels: readonly Kernel[],
  combine: (a: Tensor, b: Tensor) => Tensor,
): Kernel {
  if (kernels.length === 0) throw new UsageError(`${name}: expected at least one kernel, found none.`);
  return {
    name: `${name}(${kernels.map((k) => k.name).join(", ")})`,
    covariance: (x, y) => kernels.map((k) => k.covariance(x, y)).reduce((a, b) => combine(a, b)),
    variance: (x) => kernels.map((k) => k.variance(x)).reduce((a, b) => combine(a, b)),
    spectralDensity: (w) => {
      if (name === "sumOf") return kernels.map((k) => k.spectralDensity(w)).reduce((a, b) => add(a, b));
      return noSpectrum(name)();
    },
  };
}

/** The sum of kernels: a sum of independent processes. */
export const sumOf = (...kernels: readonly Kernel[]): Kernel => combined("sumOf", kernels, add);

/** The product of kernels. */
export const productOf = (...kernels: readonly Kernel[]): Kernel => combined("productOf", kernels, mul);
