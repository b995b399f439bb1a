/** Writes a verb's result: a picture if rows are images, a table if they are not. */
import { mkdirSync } from "node:fs";
import { dirname, extname } from "node:path";
import { decodeRows } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import type { RunSettings } from "../kinds/index.ts";
import { type EncodedImage, type ImageStack, imageStack, writeOutput } from "../report/index.ts";
import { type CsvOutput, matrixRows, type Table, toCsv } from "./table.ts";

/** Writes a file completely or not at all, and creates its folder if it is missing. @throws UsageError when the folder cannot be created. */
export async function save(path: string, content: string | Uint8Array, flag = "--out"): Promise<void> {
  try {
    mkdirSync(dirname(path), { recursive: true });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new UsageError(`${flag} ${path}: cannot create the folder (${why}). Choose another ${flag}.`);
  }
  await writeOutput(path, content);
}

/** @throws UsageError unless the path ends in one of the extensions. */
export function checkExtension(path: string, extensions: readonly string[], what: string): void {
  if (extensions.includes(extname(path).toLowerCase())) return;
  throw new UsageError(
    `--out ${path}: ${what} go to a file that ends in ${extensions.join(" or ")}; found "${extname(path)}".`,
  );
}

/** Names of the values of one row: the table's columns, or x0, x1, …. */
const featureNames = ({ data, model }: RunSettings): readonly string[] =>
  data.columns ?? Array.from({ length: model.shape.reduce((a, b) => a * b, 1) }, (_, i) => `x${i}`);

/** Rows as images; undefined if the model's rows are not images. */
export const imagesOf = (settings: RunSettings, pixels: Float32Array): ImageStack | undefined =>
  imageStack(pixels, settings.model.shape);

/** Whether the verb writes a picture (`.png`) or a table (`.csv`), and to which path. */
export function target(
  settings: RunSettings,
  folder: string,
  name: string,
  out: string | undefined,
): { readonly path: string; readonly picture: boolean } {
  const picture = imagesOf(settings, new Float32Array(0)) !== undefined;
  const extension = picture ? ".png" : ".csv";
  const path = out ?? `${folder.replace(/\/+$/, "")}/${name}${extension}`;
  if (out !== undefined)
    checkExtension(out, picture ? [".png", ".csv"] : [".csv"], picture ? "images" : "rows of a table");
  return { path, picture: extname(path).toLowerCase() === ".png" };
}

/** Draws images or writes rows as CSV, as the target says. */
export async function savePictureOrTable(
  { path, picture, rawCells = false }: CsvOutput & { readonly path: string; readonly picture: boolean },
  images: ImageStack | undefined,
  draw: (images: ImageStack) => EncodedImage,
  table: () => Table,
): Promise<void> {
  await save(path, picture && images !== undefined ? draw(images).png : toCsv(table(), { rawCells }));
}

/** A table with a few cells before the features of each row. For a run on a table, the features are its columns, in their own units and words. */
export const featureTable = (
  settings: RunSettings,
  heads: readonly string[],
  values: Float32Array,
  cellsOf: (row: number) => readonly (string | number)[],
): Table => {
  const { table } = settings.data;
  const names = table?.preprocessing.columns.map(({ name }) => name) ?? featureNames(settings);
  const rows = table ? decodeRows(values, table.preprocessing) : matrixRows(values, names.length);
  return {
    columns: [...heads, ...names],
    rows: (function* () {
      let row = 0;
      for (const cells of rows) yield [...cellsOf(row++), ...cells];
    })(),
  };
};
