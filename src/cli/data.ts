/** The data that a verb uses: the run's own data, or other data with the same row shape. */
import {
  applicable,
  checkReading,
  columnOf,
  concatRows,
  type DataParts,
  type Dataset,
  encodeTable,
  isImageFolder,
  isTableFile,
  loadParts,
  readingOptions,
  readTable,
  rowSize,
  TABLE_KINDS,
  withClassesOf,
} from "../data/index.ts";
import { UsageError } from "../errors.ts";
import { type Kind, learnsFromLabels, type RunSettings } from "../kinds/index.ts";
import { asTrained, reloadData, testPart } from "../runs/index.ts";
import type { DataOptions } from "./data-options.ts";
import { checkFit } from "./reading-flags.ts";
import type { Say } from "./terminal.ts";
import { inFlags } from "./wording.ts";

/**
 * Loads the rows that the options select. Rows of other data are in the order of their file.
 * @param say called with a line of text about rows of other data that are left out
 * @throws UsageError when they do not fit the model.
 */
export async function requestedRows(
  kind: Kind,
  settings: RunSettings,
  options: DataOptions,
  say: Say = () => undefined,
): Promise<Dataset> {
  const { data: spec, part, labelFile, labelColumn } = options;
  checkFit(options);
  if (spec === undefined) {
    const given =
      labelFile !== undefined ? "--label-file" : labelColumn !== undefined ? "--label-column" : undefined;
    if (given !== undefined) {
      throw new UsageError(`${given} only goes with --data: the run has the labels of its own data.`);
    }
    if (options.resize !== undefined) {
      throw new UsageError("--resize only goes with --data: the run's own images already have their size.");
    }
    return partOf(await reloadData(settings), part ?? "test");
  }
  const found =
    settings.data.table === undefined
      ? await otherRows(settings, spec, options, say)
      : await tableRows(settings.data.table, settings.data.reading, spec, options, say);
  const dataset = learnsFromLabels(settings) ? withClassesOf(found, settings.labels.classes) : found;
  const expected = settings.model.shape;
  if (!sameRows(dataset.shape, expected)) {
    throw new UsageError(
      `${spec}: expected rows of shape [${expected.join(", ")}], like those the run was trained on; ` +
        `found [${dataset.shape.join(", ")}].${expected.length > 1 ? ` Give images of that size; those in a folder can be resized: --resize ${expected[1]}x${expected[0]}.` : ""}`,
    );
  }
  kind.checkRows(settings, dataset);
  return dataset;
}

/** Whether rows have a shape, or are flattened. As many pixels in another shape, 8 x 12 instead of 12 x 8, are another picture. */
function sameRows(found: readonly number[], expected: readonly number[]): boolean {
  const spread = [found, expected].map((shape) =>
    shape.length === 3 && shape[2] === 1 ? shape.slice(0, 2) : shape,
  );
  return spread.some((shape) => shape.length === 1)
    ? rowSize(found) === rowSize(expected)
    : spread[0].join() === spread[1].join();
}

async function otherRows(
  settings: RunSettings,
  spec: string,
  { part, labelFile, labelColumn, resize, fit }: DataOptions,
  say: Say,
): Promise<Dataset> {
  const given = { ...(resize && { resize }), ...(fit && { fit }) };
  checkReading(spec, given);
  const trained = settings.data.reading?.resize;
  if (resize !== undefined && trained !== undefined) {
    throw new UsageError(
      `--resize ${resize.join("x")}: the run resizes images by itself, to ${trained.join(" x ")}. Leave it out.`,
    );
  }
  if (labelColumn !== undefined && !isTableFile(spec)) {
    throw new UsageError(
      `--label-column ${labelColumn}: only a table (${TABLE_KINDS}) has columns. Leave it out.`,
    );
  }
  const column = labelColumn ?? settings.data.labelColumn;
  const reading = readingOptions(settings.data.reading);
  const { header: _, encoding: __, maxBytes, ...images } = reading;
  // Images become rows of the model's shape: grey ones among colours, and colours where only grey was learnt.
  const [, , channels = 1] = settings.model.shape;
  const rank = settings.model.shape.length;
  const parts = await loadParts(spec, {
    ...(maxBytes !== undefined && { maxBytes }),
    ...(isImageFolder(spec) && {
      ...images,
      ...given,
      ...(rank > 1 && (channels === 1 || channels === 3) && { channels }),
    }),
    ...(isTableFile(spec) && applicable(spec, reading)),
    ...(column !== undefined && isTableFile(spec) && { labelColumn: column }),
    ...(labelFile !== undefined && { labels: labelFile }),
  });
  const found = partOf(parts, part ?? (parts.test === undefined ? "all" : "test"));
  const { rows, note } = asTrained(found, settings.data);
  for (const one of [...(parts.notes ?? []), ...(note === undefined ? [] : [note])]) say(inFlags(one));
  return rows;
}

/** Encodes the rows of a table as features, with the preprocessing of the table that the run was trained on. */
async function tableRows(
  { preprocessing }: NonNullable<RunSettings["data"]["table"]>,
  reading: RunSettings["data"]["reading"],
  spec: string,
  { part, labelFile, labelColumn, resize }: DataOptions,
  say: Say,
): Promise<Dataset> {
  if (resize !== undefined) {
    throw new UsageError("--resize does not apply: the run was trained on a table. Leave it out.");
  }
  if (!isTableFile(spec)) {
    throw new UsageError(
      `${spec}: expected a ${TABLE_KINDS} file, with the columns of the table that the run was trained on.`,
    );
  }
  if (labelFile !== undefined) {
    throw new UsageError(
      `--label-file ${labelFile}: the labels of a table are in a column, not in a file. Use --label-column.`,
    );
  }
  if (part !== undefined && part !== "all") {
    throw new UsageError(`--part ${part} does not apply: ${spec} has only one part. Leave it out.`);
  }
  const { labels } = preprocessing;
  const table = await readTable(spec, applicable(spec, readingOptions(reading)));
  if (labelColumn !== undefined) {
    if (labels === undefined) {
      throw new UsageError(
        `--label-column ${labelColumn}: the run knows no classes, because its own table had no label column. Leave it out.`,
      );
    }
    columnOf(table, labelColumn, " with the labels");
  }
  const { dataset, notes } = encodeTable(table, {
    ...preprocessing,
    ...(labels && labelColumn !== undefined && { labels: { ...labels, column: labelColumn } }),
  });
  for (const note of notes) say(inFlags(note));
  return dataset;
}

function partOf(parts: DataParts, part: NonNullable<DataOptions["part"]>): Dataset {
  const { train, test } = parts;
  if (part === "test") return testPart(parts);
  if (part === "train" || test === undefined) return train;
  return concatRows(train, test, train.name.replace(/\/train$/, ""));
}
