/** What the page is told about a session, as plain messages. */
import { decodeRows, rowSize, rowsOf } from "../data/index.ts";
import { nearestOf } from "./features.ts";
import { suspectsOf } from "./judgement.ts";
import { type MapColumns, mapColumns, type SureRows, sureRows } from "./overview.ts";
import { pngOf } from "./pictures.ts";
import type { Asked } from "./ready.ts";
import type { StudioRows } from "./rows.ts";
import type { Session } from "./session.ts";

/** Labelled rows that are shown beside a row. */
const NEAREST = 5;

/** What the page always shows. */
export function summaryOf(session: Session) {
  const { rows } = session.rows;
  const { classes, labels, aside, undoable } = session.state;
  const perClass = classes.map(() => 0);
  for (const label of labels.values()) perClass[label.class]++;
  const { delivered, stability, activity, settings } = session;
  const next = session.next();
  return {
    name: rows.name,
    rows: rows.rows,
    image: rows.kind === "image",
    classes,
    perClass,
    labelled: labels.size,
    aside: aside.size,
    undoable: undoable.length,
    ...activity,
    lessons: activity.progress.length,
    strategy: settings.strategy,
    layout: settings.layout,
    map: session.places.state,
    ...(stability && { stability }),
    ...(delivered && {
      checked: delivered.checked,
      temperature: delivered.temperature,
      calibrationError: delivered.calibrationError,
    }),
    next: next && rowOf(session, next.row, next.by),
  };
}

/** The cells of a row of features, by column. */
function cellsOf({ rows, preprocessing }: StudioRows, values: Float32Array, isThere = (_: number) => true) {
  if (preprocessing === undefined || rows.kind === "image") return undefined;
  return [...decodeRows(values, preprocessing)][0].map((cell, i) => ({
    name: preprocessing.columns[i].name,
    cell: isThere(i) ? String(cell) : "",
  }));
}

/** A row: its name, its cells, and the model's prediction. @throws UsageError unless it is the number of a row. */
export function rowOf(session: Session, row: number, by: Asked["by"] | "map" = "map") {
  session.checkRow(row);
  const { rows } = session.rows;
  const label = session.state.labels.get(row);
  const { delivered } = session;
  const p = delivered?.of(row);
  const width = rowSize(rows.shape);
  const cells = cellsOf(
    session.rows,
    rowsOf(rows, [row], new Float32Array(width)),
    (i) => rows.observed?.[row * width + i] !== 0,
  );
  return {
    row,
    by,
    name: rows.rowNames?.[row] ?? String(row),
    noun: rows.rowNoun ?? "row",
    ...(cells && { cells }),
    ...(label && { label: label.class }),
    ...(delivered &&
      p && { probabilities: delivered.classes.map((name, k) => ({ name, probability: p[k] })) }),
  };
}

/** A row, the labelled rows whose features are nearest to its own, and how likely it is. */
export function openedRow(session: Session, row: number) {
  const shown = rowOf(session, row);
  const near = nearestOf(session.features, row, session.state.labels.keys(), NEAREST);
  const outlier = session.outliers.of(row);
  return { ...shown, nearest: near.map((other) => rowOf(session, other)), ...(outlier && { outlier }) };
}

/** A row as every class: its picture or its cells, and log p(x|class). Undefined before the first lesson. */
export async function rowByClass(session: Session, row: number) {
  const found = await session.explain(row);
  if (found === undefined) return undefined;
  const { rows } = session.rows;
  const width = rowSize(rows.shape);
  return {
    logEvidence: found.logEvidence,
    classes: found.classes.map((name, k) => {
      const drawn = found.drawn.subarray(k * width, (k + 1) * width);
      const cells = cellsOf(session.rows, drawn);
      return {
        name,
        logLikelihood: found.logLikelihoods[k],
        ...(rows.kind === "image" && {
          image: `data:image/png;base64,${Buffer.from(pngOf(rows.shape, drawn)).toString("base64")}`,
        }),
        ...(cells && { cells }),
      };
    }),
  };
}

/** Positions, labels, predictions, entropies and outlier scores of all rows, for the map. A class is -1 without one. */
export const mapOf = async (session: Session): Promise<MapColumns> =>
  mapColumns(await session.places.current(), session.state, session.learnt, (rows) =>
    session.outliers.scores(rows),
  );

/** For each class the rows without a label that the model gives it with at least this probability, and some of them drawn at random. */
export function sureOf(session: Session, least: number): readonly SureRows[] {
  const { delivered } = session;
  if (delivered === undefined) return [];
  // Check rows are for people to label: they measure what the model says.
  const isOpen = (row: number) => session.isOpen(row) && !session.isCheck(row);
  return sureRows(
    { classes: delivered.classes, probabilities: delivered.all() },
    session.state.classes,
    isOpen,
    least,
  );
}

/** Labels that disagree with the model. */
export function suspectRows(session: Session) {
  const { learnt, state } = session;
  if (learnt === undefined) return [];
  const labels = new Map<number, number>();
  for (const [row, label] of state.labels) {
    const place = learnt.classes.indexOf(state.classes[label.class]);
    if (place >= 0) labels.set(row, place);
  }
  return suspectsOf(session.features, learnt.probabilities, learnt.classes.length, labels).map(
    ({ given, likely, support, row }) => ({
      ...rowOf(session, row),
      given: learnt.classes[given],
      likely: learnt.classes[likely],
      support,
    }),
  );
}
