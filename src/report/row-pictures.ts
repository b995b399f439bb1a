/** What each point of a plot is: the name of its row, and a small picture of it where rows are images. */
import { html, raw } from "hono/html";
import { type Dataset, rowSize, rowsOf } from "../data/index.ts";
import { type EncodedImage, imageGrid } from "./image-grid.ts";
import { imageStack } from "./image-stack.ts";
import type { Markup } from "./page.ts";
import type { ImageStack } from "./types.ts";

/** Names and pictures of rows, in their order. */
export interface RowPictures {
  readonly names: readonly string[];
  /** Absent where rows are not images. No side of an image is longer than 28 pixels. */
  readonly images?: ImageStack;
}

/** Pixels of a small picture's longer side: enough to recognise it, and thousands of them fit in a page. */
export const LONGEST_SIDE = 28;

/** Names and small pictures of the first rows. */
export function rowPictures(dataset: Dataset, most: number): RowPictures {
  const count = Math.min(most, dataset.rows);
  const rows = Array.from({ length: count }, (_, row) => row);
  const { rowNames, rowNoun = "row" } = dataset;
  const names = rows.map((row) => (rowNames ? `${rowNoun} ${rowNames[row]}` : `row ${row}`));
  if (imageStack(new Float32Array(0), dataset.shape) === undefined) return { names };
  const images = imageStack(
    rowsOf(dataset, rows, new Float32Array(count * rowSize(dataset.shape))),
    dataset.shape,
  );
  return { names, ...(images && { images: reduced(images) }) };
}

/** Images whose longer side is at most {@link LONGEST_SIDE}: a pixel is the mean of those it stands for. */
export function reduced(images: ImageStack): ImageStack {
  const { count, height, width, channels, pixels } = images;
  const scale = Math.max(height, width) / LONGEST_SIDE;
  if (scale <= 1) return images;
  const [rows, columns] = [height, width].map((side) => Math.max(1, Math.round(side / scale)));
  const small = new Float32Array(count * rows * columns * channels);
  const range = (i: number, of: number, side: number): readonly [number, number] => {
    const from = Math.floor((i * side) / of);
    return [from, Math.max(from + 1, Math.floor(((i + 1) * side) / of))];
  };
  for (let image = 0; image < count; image++) {
    for (let i = 0; i < rows; i++) {
      const [top, bottom] = range(i, rows, height);
      for (let j = 0; j < columns; j++) {
        const [left, right] = range(j, columns, width);
        for (let c = 0; c < channels; c++) {
          let sum = 0;
          for (let y = top; y < bottom; y++) {
            for (let x = left; x < right; x++)
              sum += pixels[((image * height + y) * width + x) * channels + c];
          }
          small[((image * rows + i) * columns + j) * channels + c] = sum / ((bottom - top) * (right - left));
        }
      }
    }
  }
  return { pixels: small, count, height: rows, width: columns, channels };
}

/** One picture of all rows, from which plots cut theirs. */
export interface Sprite {
  /** What `<use>` refers to. */
  readonly id: string;
  readonly height: number;
  readonly width: number;
  readonly count: number;
  /** Left and top of a row's picture. */
  at(row: number): readonly [number, number];
  readonly png: EncodedImage;
}

/** Small pictures of rows as one sprite; undefined where rows are not images. */
export function spriteOf({ images }: RowPictures): Sprite | undefined {
  if (images === undefined || images.count === 0) return undefined;
  const { count, height, width } = images;
  const columns = Math.ceil(Math.sqrt(count));
  const png = imageGrid({ ...images, columns, gap: 0, background: 0 });
  return {
    id: "row-pictures",
    height,
    width,
    count,
    at: (row) => [(row % columns) * width, Math.floor(row / columns) * height],
    png,
  };
}

/** The sprite where a page keeps it: there once, and not seen. */
export const spriteMarkup = ({ id, png }: Sprite): Markup =>
  html`<svg class="sprite" width="0" height="0" aria-hidden="true"><image id="${id}" width="${png.width}" height="${png.height}" href="${source(png)}"/></svg>`;

const source = ({ png }: EncodedImage): Markup =>
  raw(`data:image/png;base64,${Buffer.from(png).toString("base64")}`);
