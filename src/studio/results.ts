/** The results of a session: labels and predictions with the names of the rows, beside the run. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { writeDurably } from "../files/index.ts";
import type { Delivered } from "./delivered.ts";
import { mostProbable } from "./judgement.ts";
import type { Session } from "./session.ts";
import { runOf } from "./teacher.ts";

type Cell = string | number;

/** A cell of a CSV file; a word that a spreadsheet would run as a formula gets an apostrophe before it. */
function cellOf(value: Cell): string {
  if (typeof value === "number")
    return String(Number.isInteger(value) ? value : Number(value.toPrecision(9)));
  const word = /^[=+\-@\t\r]/.test(value) && !/^[+-]?\d+(\.\d+)?$/.test(value) ? `'${value}` : value;
  return /[",\r\n]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word;
}

const csvOf = (columns: readonly string[], rows: readonly (readonly Cell[])[]): string =>
  `${[columns, ...rows].map((cells) => cells.map(cellOf).join(",")).join("\n")}\n`;

/** Labels and predictions of a session as rows of cells. */
function resultsOf({ rows: { rows }, state, delivered }: Session) {
  const { labels, classes } = state;
  const name = (row: number): Cell => rows.rowNames?.[row] ?? row;
  return {
    rowColumn: rows.rowNames ? (rows.rowNoun ?? "file") : "row",
    labels: Array.from(labels, ([row, label]) => ({
      name: name(row),
      class: classes[label.class],
      by: label.by,
    })),
    ...(delivered && {
      classes: delivered.classes,
      predictions: predictionsOf(delivered, name),
    }),
  };
}

function predictionsOf({ classes, all }: Delivered, name: (row: number) => Cell) {
  const p = all();
  const width = classes.length;
  return Array.from({ length: p.length / width }, (_, row) => ({
    name: name(row),
    class: classes[mostProbable(p, row, width)],
    probabilities: Array.from(p.subarray(row * width, (row + 1) * width)),
  }));
}

/**
 * Writes `labels.csv` to the session's folder and, after the first lesson, `predictions.csv` and `predictions.parquet`. Returns their paths
 * and that of the run.
 */
export async function writeResults(session: Session): Promise<readonly string[]> {
  const { folder } = session;
  const { rowColumn, labels, classes, predictions } = resultsOf(session);
  const files = [join(folder, "labels.csv")];
  writeDurably(
    files[0],
    csvOf(
      [rowColumn, "class", "by"],
      labels.map((label) => [label.name, label.class, label.by]),
    ),
  );
  if (predictions === undefined || classes === undefined) return files;
  const columns = [rowColumn, "class", ...classes.map((name) => `p(${name})`)];
  const csv = join(folder, "predictions.csv");
  writeDurably(
    csv,
    csvOf(
      columns,
      predictions.map((row) => [row.name, row.class, ...row.probabilities]),
    ),
  );
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const parquet = join(folder, "predictions.parquet");
  const text = (name: string, data: string[]) => ({ name, data, type: "STRING", nullable: false }) as const;
  const buffer = parquetWriteBuffer({
    createdBy: "tightbound",
    columnData: [
      text(
        rowColumn,
        predictions.map(({ name }) => String(name)),
      ),
      text(
        "class",
        predictions.map((row) => row.class),
      ),
      ...classes.map(
        (name, k) =>
          ({
            name: `p(${name})`,
            data: Float64Array.from(predictions, ({ probabilities }) => probabilities[k]),
            type: "DOUBLE",
            nullable: false,
          }) as const,
      ),
    ],
  });
  writeDurably(parquet, new Uint8Array(buffer));
  const run = runOf(folder);
  return [...files, csv, parquet, ...(existsSync(run) ? [run] : [])];
}
