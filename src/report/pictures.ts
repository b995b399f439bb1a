import { ShapeError } from "../errors.ts";
import type { ClassImages } from "./class-types.ts";
import { type EncodedImage, imageGrid } from "./image-grid.ts";
import type { ImageStack, Traversals } from "./types.ts";

/** Number of pairs in one band of {@link reconstructionBands}. */
const BAND = 10;
const MOST_PAIRS = 40;
/** Width of a picture in pixels, before the browser scales it: sharp on a dense screen, and small. */
const TARGET_WIDTH = 1200;

/** Images `start` to `start + count` of a stack. */
const slice = (stack: ImageStack, start: number, count: number): ImageStack => {
  const size = stack.height * stack.width * stack.channels;
  return { ...stack, count, pixels: stack.pixels.subarray(start * size, (start + count) * size) };
};

const magnification = (stack: ImageStack, columns: number): number =>
  Math.max(1, Math.round(TARGET_WIDTH / (columns * stack.width)));

const draw = (stack: ImageStack, columns: number): EncodedImage => {
  const scale = magnification(stack, columns);
  return imageGrid({ ...stack, columns, scale, gap: Math.max(2, 2 * scale) });
};

/** Pairs of both stacks, forty at most. Stacks with images of different sizes are refused. */
const pairCount = (originals: ImageStack, reconstructions: ImageStack): number => {
  for (const key of ["height", "width", "channels"] as const) {
    if (originals[key] !== reconstructions[key]) {
      throw new ShapeError(
        `report: originals and reconstructions must be images of one shape, found ${key} ` +
          `${originals[key]} and ${reconstructions[key]}`,
      );
    }
  }
  return Math.min(originals.count, reconstructions.count, MOST_PAIRS);
};

/** Bands of ten: a row of originals and the row of their reconstructions. */
export const reconstructionBands = (
  originals: ImageStack,
  reconstructions: ImageStack,
): { readonly original: EncodedImage; readonly reconstruction: EncodedImage }[] => {
  const pairs = pairCount(originals, reconstructions);
  return Array.from({ length: Math.ceil(pairs / BAND) }, (_, band) => {
    const count = Math.min(BAND, pairs - band * BAND);
    const columns = Math.min(BAND, pairs);
    return {
      original: draw(slice(originals, band * BAND, count), columns),
      reconstruction: draw(slice(reconstructions, band * BAND, count), columns),
    };
  });
};

/** One picture: rows of originals, each above the row of its reconstructions. */
export const reconstructionPicture = (originals: ImageStack, reconstructions: ImageStack): EncodedImage => {
  const pairs = pairCount(originals, reconstructions);
  const columns = Math.min(BAND, pairs);
  const rows = Math.ceil(pairs / columns);
  const size = originals.height * originals.width * originals.channels;
  // An incomplete last row is filled with black, so that pairs stay aligned.
  const pixels = new Float32Array(2 * rows * columns * size);
  for (let i = 0; i < pairs; i++) {
    const above = 2 * Math.floor(i / columns) * columns + (i % columns);
    pixels.set(slice(originals, i, 1).pixels, above * size);
    pixels.set(slice(reconstructions, i, 1).pixels, (above + columns) * size);
  }
  return draw({ ...originals, count: 2 * rows * columns, pixels }, columns);
};

/** All samples, in this many columns. Default: about ten, fewer for few samples, with full rows if possible. */
export const samplePicture = (samples: ImageStack, columns?: number): EncodedImage => {
  if (columns !== undefined) return draw(samples, columns);
  const wanted = Math.min(10, Math.ceil(Math.sqrt(2 * samples.count)));
  const full = [0, 1, -1, 2, -2].map((step) => wanted + step).find((n) => n > 0 && samples.count % n === 0);
  return draw(samples, full ?? wanted);
};

/** The traversal as one picture, a row per dimension. */
export const traversalPicture = ({ images, dimensions, values }: Traversals): EncodedImage => {
  checkCount("traversal", images, [dimensions.length, "dimensions"], [values.length, "values"]);
  return draw(images, values.length);
};

/** The traversal as single images, `[dimension][value]`, for a table with headings. */
export const traversalCells = ({ images, dimensions, values }: Traversals): EncodedImage[][] => {
  checkCount("traversal", images, [dimensions.length, "dimensions"], [values.length, "values"]);
  return cells(images, values.length);
};

/** Analogies as one picture: one row per test image, which comes first. */
export const analogyPicture = (analogies: ClassImages): EncodedImage =>
  draw(analogies.images, analogyColumns(analogies));

/** Analogies as single images, `[row][0 and a column per class]`. */
export const analogyCells = (analogies: ClassImages): EncodedImage[][] =>
  cells(analogies.images, analogyColumns(analogies));

const analogyColumns = ({ images, classes }: ClassImages): number => {
  const columns = 1 + classes.length;
  checkCount("analogy", images, [Math.ceil(images.count / columns), "rows"], [columns, "columns"]);
  return columns;
};

/** Samples of every class as one picture, a row per class. */
export const classSamplePicture = (samples: ClassImages): EncodedImage =>
  draw(samples.images, sampleColumns(samples));

/** Samples of every class, one strip per class. */
export const classSampleStrips = (samples: ClassImages): EncodedImage[] => {
  const columns = sampleColumns(samples);
  return samples.classes.map((_, row) => draw(slice(samples.images, row * columns, columns), columns));
};

const sampleColumns = ({ images, classes }: ClassImages): number => {
  const columns = Math.ceil(images.count / classes.length);
  checkCount("class sample", images, [classes.length, "classes"], [columns, "columns"]);
  return columns;
};

/** Every image of a stack as a separate picture, `[row][column]`. */
export const cells = (images: ImageStack, columns: number): EncodedImage[][] => {
  const scale = Math.max(1, Math.round(112 / images.width));
  return Array.from({ length: Math.ceil(images.count / columns) }, (_, row) =>
    Array.from({ length: Math.min(columns, images.count - row * columns) }, (_, column) =>
      imageGrid({ ...slice(images, row * columns + column, 1), columns: 1, scale, background: 0 }),
    ),
  );
};

const checkCount = (
  what: string,
  { count }: ImageStack,
  [rows, rowName]: readonly [number, string],
  [columns, columnName]: readonly [number, string],
): void => {
  if (count !== rows * columns) {
    throw new ShapeError(
      `report: expected ${rows} ${rowName} × ${columns} ${columnName} = ${rows * columns} ${what} images, found ${count}`,
    );
  }
};
