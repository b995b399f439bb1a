import { encode } from "fast-png";
import { ShapeError, UsageError } from "../errors.ts";

/** A grid of equally sized images: see {@link imageGrid}. */
export interface ImageGridOptions {
  /** Shape `[count, height, width, channels]`, row-major. Floats are in [0, 1]; bytes are used as they are. */
  readonly pixels: Float32Array | Uint8Array;
  /** Images. */
  readonly count: number;
  /** Pixels from top to bottom of an image. */
  readonly height: number;
  /** Pixels from side to side of an image. */
  readonly width: number;
  /** 1 for grey, 3 for red, green and blue. */
  readonly channels: 1 | 3;
  /** Images in a row of the grid. */
  readonly columns: number;
  /** Pixels between neighbouring images, after scaling. Default 2. */
  readonly gap?: number;
  /** Factor by which images are enlarged (nearest neighbour). Default 1. */
  readonly scale?: number;
  /** Colour of gaps and empty cells: a grey level 0–255, or `"transparent"`, the default. */
  readonly background?: number | "transparent";
}

/** An encoded PNG and its size in pixels. */
export interface EncodedImage {
  readonly width: number;
  readonly height: number;
  readonly png: Uint8Array;
}

/**
 * Arranges images row by row in a grid and encodes it as an 8-bit PNG.
 *
 * Floats are clamped to [0, 1] and rounded to the nearest of 256 levels; NaN is drawn black. The PNG has one
 * or three channels, and one more for opacity if the background is transparent.
 *
 * @throws ShapeError when `pixels` does not hold `count * height * width * channels` values.
 * @throws UsageError when a size, `columns`, `gap`, `scale` or `background` is out of range.
 *
 * @example
 * ```ts
 * const { png } = imageGrid({ pixels: Float32Array.of(0, 1), count: 2, height: 1, width: 1, channels: 1, columns: 2 });
 * ```
 */
export const imageGrid = (options: ImageGridOptions): EncodedImage => {
  const { pixels, count, height, width, channels, columns } = options;
  const { gap = 2, scale = 1, background = "transparent" } = options;
  atLeast(1, { count, height, width, columns, scale });
  atLeast(0, { gap });
  if (
    background !== "transparent" &&
    !(Number.isInteger(background) && background >= 0 && background <= 255)
  ) {
    throw new UsageError(
      `imageGrid: background must be a whole number from 0 to 255 or "transparent", found ${background}`,
    );
  }
  const expected = count * height * width * channels;
  if (pixels.length !== expected) {
    throw new ShapeError(
      `imageGrid: expected ${expected} pixel values for shape [${count}, ${height}, ${width}, ${channels}], ` +
        `found ${pixels.length}. Pass images as [count, height, width, channels], row-major.`,
    );
  }

  const rows = Math.ceil(count / columns);
  const cellWidth = width * scale;
  const cellHeight = height * scale;
  const gridWidth = columns * cellWidth + (columns - 1) * gap;
  const gridHeight = rows * cellHeight + (rows - 1) * gap;
  const alpha = background === "transparent" ? 1 : 0;
  const depth = channels + alpha;
  const data = new Uint8Array(gridWidth * gridHeight * depth);
  if (background !== "transparent") data.fill(background);

  const bytes = pixels instanceof Uint8Array ? pixels : toBytes(pixels);
  for (let image = 0; image < count; image++) {
    const left = (image % columns) * (cellWidth + gap);
    const top = Math.floor(image / columns) * (cellHeight + gap);
    for (let y = 0; y < cellHeight; y++) {
      const sourceRow = (image * height + Math.floor(y / scale)) * width;
      let target = ((top + y) * gridWidth + left) * depth;
      for (let x = 0; x < cellWidth; x++) {
        const source = (sourceRow + Math.floor(x / scale)) * channels;
        for (let channel = 0; channel < channels; channel++) {
          data[target + channel] = bytes[source + channel] ?? 0;
        }
        if (alpha === 1) data[target + channels] = 255;
        target += depth;
      }
    }
  }
  const png = encode({ width: gridWidth, height: gridHeight, data, channels: depth, depth: 8 });
  return { width: gridWidth, height: gridHeight, png };
};

/** A Uint8ClampedArray clamps and sends NaN to 0, and rounds to nearest. */
const toBytes = (pixels: Float32Array): Uint8ClampedArray => Uint8ClampedArray.from(pixels, (v) => v * 255);

const atLeast = (least: number, sizes: Readonly<Record<string, number>>): void => {
  for (const [name, size] of Object.entries(sizes)) {
    if (!Number.isInteger(size) || size < least) {
      throw new UsageError(`imageGrid: ${name} must be a whole number of at least ${least}, found ${size}`);
    }
  }
};
