/** Pooling: the largest or the mean value of each window, in one and two dimensions. */
import { ShapeError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules } from "../../options.ts";
import { constant } from "../leaf.ts";
import { formatShape } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { mul } from "./arithmetic.ts";
import type { Padding, Pair } from "./conv-geometry.ts";
import { checkDType } from "./elementwise.ts";
import { gather } from "./gather.ts";
import { squeeze, unsqueeze } from "./movement.ts";
import { pad } from "./parts.ts";
import { max, sum } from "./reduce.ts";

/** Steps and padding of pooling in two dimensions. */
export interface Pool2dOptions {
  /** Step between windows. Default their size, so that windows do not overlap. */
  readonly strides?: Pair;
  /** Places around the image, less than a window; they count neither for the largest value nor for the mean. Default 0. */
  readonly padding?: Padding;
}

const pool2dRules: OptionRules<Pool2dOptions> = { strides: anything, padding: anything };

/** Steps and padding of pooling in one dimension. */
export interface Pool1dOptions {
  /** Step between windows. Default their size, so that windows do not overlap. */
  readonly strides?: number;
  /** Places at both ends, less than a window, or "same" or "valid". They count neither for the largest value nor for the mean. Default 0. */
  readonly padding?: number | "same" | "valid";
}

/** The windows along one axis: the places of each, and which of them are inside. */
interface Windows {
  readonly size: number;
  /** First place of each; negative before the axis. */
  readonly starts: readonly number[];
}

function windowsOf(
  what: string,
  length: number,
  size: number,
  stride: number,
  padding: number | "same" | "valid",
): Windows {
  const wholes = { size, stride };
  for (const [name, n] of Object.entries(wholes))
    if (!Number.isInteger(n) || n < 1)
      throw new ShapeError(`${what}: the ${name} must be a whole number of at least 1, found ${String(n)}.`);
  const same = Math.max(0, (Math.ceil(length / stride) - 1) * stride + size - length);
  const [before, after] =
    padding === "same"
      ? [Math.floor(same / 2), Math.ceil(same / 2)]
      : padding === "valid"
        ? [0, 0]
        : [padding, padding];
  if (!Number.isInteger(before) || before < 0)
    throw new ShapeError(
      `${what}: padding must be "same", "valid" or whole numbers, found ${String(padding)}.`,
    );
  if (before >= size || after >= size)
    throw new ShapeError(
      `${what}: padding ${Math.max(before, after)} must be less than the window, ${size}: a window would be empty.`,
    );
  const count = Math.floor((length + before + after - size) / stride) + 1;
  if (count < 1) throw new ShapeError(`${what}: a window of ${size} does not fit into ${length} places.`);
  return { size, starts: Array.from({ length: count }, (_, i) => i * stride - before) };
}

const pairOf = <T>(value: T | readonly [T, T]): readonly [T, T] =>
  Array.isArray(value) ? (value as readonly [T, T]) : [value as T, value as T];

function windows2d(what: string, x: Tensor, size: Pair, options: Pool2dOptions): readonly [Windows, Windows] {
  checkOptions(what, options, pool2dRules);
  checkDType(what, x.dtype, "float");
  if (x.rank !== 4)
    throw new ShapeError(
      `${what}: expected x [batch, channels, height, width], found ${formatShape(x.shape)}.`,
    );
  const sizes = pairOf<number>(size);
  const strides = pairOf<number>(options.strides ?? size);
  const padding = pairOf<number | "same" | "valid">(options.padding ?? 0);
  const [rows, columns] = ([0, 1] as const).map((i) =>
    windowsOf(what, x.shape[2 + i], sizes[i], strides[i], padding[i]),
  );
  return [rows, columns];
}

/** Places of the windows along an axis, [size, windows]. */
const placesOf = ({ size, starts }: Windows, place: (start: number, tap: number) => number): Tensor =>
  constant(
    Array.from({ length: size * starts.length }, (_, k) =>
      place(starts[k % starts.length], Math.floor(k / starts.length)),
    ),
    [size, starts.length],
    "int64",
  );

/**
 * The largest value of each window: x [batch, channels, height, width] → [batch, channels, height', width'] with
 * height' = ⌊(height + padding − size) / stride⌋ + 1. NaN if any value of the window is; tied values share the gradient.
 *
 * @param size of a window, or [height, width]
 *
 * @example
 * maxPool2d(input("x", [8, 16, 28, 28]), 2); // [8, 16, 14, 14]
 *
 * @throws ShapeError when a window does not fit or could be empty.
 */
export function maxPool2d(x: Tensor, size: Pair, options: Pool2dOptions = {}): Tensor {
  let y = x;
  windows2d("maxPool2d", x, size, options).forEach((windows, i) => {
    // A place outside is replaced by the nearest one, which is in the same window.
    const last = x.shape[2 + i] - 1;
    const places = placesOf(windows, (start, tap) => Math.min(Math.max(start + tap, 0), last));
    y = max(gather(y, places, 2 + i), 2 + i);
  });
  return y;
}

/**
 * The mean of each window over the places that are inside the image: x [batch, channels, height, width] → [batch, channels, height', width'], as
 * {@link maxPool2d}.
 *
 * @param size of a window, or [height, width]
 *
 * @throws ShapeError when a window does not fit or could be empty.
 */
export function meanPool2d(x: Tensor, size: Pair, options: Pool2dOptions = {}): Tensor {
  let y = x;
  windows2d("meanPool2d", x, size, options).forEach((windows, i) => {
    const [axis, length] = [2 + i, x.shape[2 + i]];
    const { starts } = windows;
    const before = Math.max(0, -Math.min(...starts));
    const after = Math.max(0, Math.max(...starts) + windows.size - length);
    const places = placesOf(windows, (start, tap) => start + tap + before);
    const total = sum(gather(pad(y, axis, before, after), places, axis), axis);
    const shares = starts.map((start) => 1 / (Math.min(start + windows.size, length) - Math.max(start, 0)));
    y = mul(total, constant(shares, i === 0 ? [starts.length, 1] : [starts.length], x.dtype));
  });
  return y;
}

function in1d(what: string, x: Tensor, pool: (image: Tensor) => Tensor): Tensor {
  if (x.rank !== 3)
    throw new ShapeError(`${what}: expected x [batch, channels, length], found ${formatShape(x.shape)}.`);
  return squeeze(pool(unsqueeze(x, 2)), 2);
}

const wide = (options: Pool1dOptions): Pool2dOptions => ({
  ...(options.strides !== undefined && { strides: [1, options.strides] as const }),
  ...(options.padding !== undefined && {
    padding: typeof options.padding === "number" ? ([0, options.padding] as const) : options.padding,
  }),
});

/** The largest value of each window of a series: x [batch, channels, length], as {@link maxPool2d}. */
export function maxPool1d(x: Tensor, size: number, options: Pool1dOptions = {}): Tensor {
  checkOptions("maxPool1d", options, pool2dRules);
  return in1d("maxPool1d", x, (image) => maxPool2d(image, [1, size], wide(options)));
}

/** The mean of each window of a series: x [batch, channels, length], as {@link meanPool2d}. */
export function meanPool1d(x: Tensor, size: number, options: Pool1dOptions = {}): Tensor {
  checkOptions("meanPool1d", options, pool2dRules);
  return in1d("meanPool1d", x, (image) => meanPool2d(image, [1, size], wide(options)));
}
