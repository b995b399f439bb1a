/** Gaussian processes as sums of sines: linear in the number of observations, and a linear model with normal weights. */
import { UsageError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules, required } from "../../options.ts";
import {
  constant,
  isConstant,
  mul,
  operands,
  sin,
  sqrt,
  sub,
  type Tensor,
  type TensorLike,
  unsqueeze,
} from "../../tensor/index.ts";
import type { Kernel } from "./kernels.ts";
import { pointsOf } from "./points.ts";

/** Options of {@link hilbertSpaceFeatures}. */
export interface HilbertSpaceOptions {
  /** Number of functions along each dimension: one number, or [d]. A process with a short length scale needs more. */
  readonly basis: number | readonly number[];
  /**
   * Half the width of the box in which the process lives, around the centre: one number, or [d], in units of x. It must hold all points; 1.2 to 2 times
   * their half range is usual, more for longer length scales. Towards the ends of the box the process goes to 0.
   */
  readonly boundary: number | readonly number[];
  /** The middle of the box: one number, or [d]. Default 0. */
  readonly centre?: number | readonly number[];
}

const rules: OptionRules<HilbertSpaceOptions> = {
  basis: required(anything),
  boundary: required(anything),
  centre: anything,
};

function perDimension(name: string, value: number | readonly number[], d: number): readonly number[] {
  const list = typeof value === "number" ? new Array<number>(d).fill(value) : value;
  if (list.length === d && list.every((v) => typeof v === "number" && Number.isFinite(v))) return list;
  throw new UsageError(
    `hilbertSpaceFeatures: ${name} must be one number or ${d}, one for each dimension of the points; found ${JSON.stringify(value)}.`,
  );
}

/**
 * Features Φ [n, m] with f(x) ≈ Φ β for independent standard normal weights β [m]: eigenfunctions of the Laplacian on a box, each with the standard
 * deviation √S(√λ) that the kernel's spectral density gives (Solin and Särkkä 2020; Riutort-Mayol et al. 2023). m is the product of the numbers of
 * functions along the dimensions. The kernel's parameters may be sites; the box may not.
 *
 * @param x points [n, d] or [n]
 *
 * @example
 * const features = hilbertSpaceFeatures(kernels.rbf({ scale, lengthScale }), x, { basis: 30, boundary: 1.5 });
 * const beta = sample("beta", Normal(0, 1).expand([30]).toEvent(1));
 * observe("y", Normal(features.matmul(beta), noise), y);
 *
 * @throws UsageError when points that are known lie outside the box, or numbers make no box.
 * @throws ClosedFormError for kernels without a spectral density.
 */
export function hilbertSpaceFeatures(kernel: Kernel, x: TensorLike, options: HilbertSpaceOptions): Tensor {
  checkOptions("hilbertSpaceFeatures", options, rules);
  const points = pointsOf("hilbertSpaceFeatures", x);
  const [n, d] = points.shape;
  const basis = perDimension("basis", options.basis, d);
  const boundary = perDimension("boundary", options.boundary, d);
  const centre = perDimension("centre", options.centre ?? 0, d);
  if (!basis.every((m) => Number.isInteger(m) && m >= 1))
    throw new UsageError(
      `hilbertSpaceFeatures: basis must be whole numbers of at least 1, found ${basis.join(", ")}.`,
    );
  if (!boundary.every((b) => b > 0))
    throw new UsageError(`hilbertSpaceFeatures: boundary must be above 0, found ${boundary.join(", ")}.`);
  const [given] = operands("hilbertSpaceFeatures", x);
  if (isConstant(given)) {
    given.attributes.values.forEach((v, i) => {
      const k = i % d;
      if (Math.abs(v - centre[k]) <= boundary[k]) return;
      throw new UsageError(
        `hilbertSpaceFeatures: the point ${v} (row ${Math.floor(i / d)}) is outside the box from ${centre[k] - boundary[k]} to ` +
          `${centre[k] + boundary[k]}; choose a larger boundary, or the centre of the points.`,
      );
    });
  }
  const total = basis.reduce((a, b) => a * b, 1);
  // Of each function, its number along each dimension, from 1; the last dimension changes fastest.
  const numbers = Array.from({ length: total }, (_, index) => {
    const each = new Array<number>(d).fill(0);
    for (let k = d - 1, rest = index; k >= 0; k--) {
      each[k] = 1 + (rest % basis[k]);
      rest = Math.floor(rest / basis[k]);
    }
    return each;
  });
  const frequencies = numbers.map((each) => each.map((j, k) => (j * Math.PI) / (2 * boundary[k])));
  const root = constant(frequencies.flat(), [total, d], points.dtype);
  const fromStart = sub(
    points,
    constant(
      centre.map((c, k) => c - boundary[k]),
      [d],
      points.dtype,
    ),
  );
  const waves = Array.from({ length: d }, (_, k) => {
    const along = constant(
      frequencies.map((each) => each[k]),
      [total],
      points.dtype,
    );
    const place = unsqueeze(fromStart.slice({ axis: 1, start: k, end: k + 1 }).reshape([n]), -1);
    return mul(sin(mul(place, along)), 1 / Math.sqrt(boundary[k]));
  });
  return mul(
    waves.reduce((a, b) => mul(a, b)),
    sqrt(kernel.spectralDensity(root)),
  );
}
