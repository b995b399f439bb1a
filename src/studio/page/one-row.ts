/** One row: what the model expects and why. How unlike the rest it is, and the row drawn as every class. */
import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { ask, Classes, Odds, percent, type Row, Shown, type State, signed } from "./parts.ts";

/** A row as every class. */
interface ByClass {
  readonly logEvidence: number;
  readonly classes: readonly {
    readonly name: string;
    readonly logLikelihood: number;
    readonly image?: string;
    readonly cells?: readonly { readonly name: string; readonly cell: string }[];
  }[];
}

/** Rows below this share are said to be unlike the others. */
const UNLIKE = 0.01;

export function OneRow({
  row,
  state,
  choose,
}: {
  row: Row;
  state: State;
  /** Gives the row a class. Absent: no buttons. */
  choose?: (k: number) => void;
}) {
  return h("div", null, [
    h("div", { class: "spread" }, [h(Shown, { row, image: state.image }), h(Odds, { row })]),
    h("p", null, row.label === undefined ? "No label." : `Label: ${state.classes[row.label]}`),
    h(Why, { row, state }),
    choose && h(Classes, { state, keys: false, choose }),
  ]);
}

/** How unlike the rest a row is, its nearest labelled rows, and the row as every class. */
export function Why({ row, state }: { row: Row; state: State }) {
  const [opened, setOpened] = useState<Row>();
  useEffect(() => {
    let isOver = false;
    void ask<Row>(`/api/rows/${row.row}`).then((found) => !isOver && setOpened(found));
    return () => {
      isOver = true;
    };
  }, [row.row, state.lessons]);
  const nearest = opened?.row === row.row ? (opened.nearest ?? []) : [];
  return h("div", null, [
    opened?.row === row.row && opened.outlier && h(Unlike, { outlier: opened.outlier, noun: row.noun }),
    nearest.length > 0 && h("h3", null, "The labelled rows that are most like it"),
    h(
      "div",
      { class: "spread" },
      nearest.map((near) =>
        h("div", null, [
          h(Shown, { row: near, image: state.image, isSmall: true }),
          h("p", null, near.label === undefined ? "" : state.classes[near.label]),
        ]),
      ),
    ),
    state.lessons > 0 && h(AsEveryClass, { row: row.row, state }),
  ]);
}

function Unlike({
  outlier: { bound, share },
  noun,
}: {
  outlier: { bound: number; share: number };
  noun: string;
}) {
  const log = `log p(x) is at least ${signed(bound)}`;
  return h(
    "p",
    share <= UNLIKE ? { class: "problem" } : null,
    share <= UNLIKE
      ? `Unlike the rest: ${log}, lower than for ${percent(1 - share)} of all rows.`
      : `${log}: ${percent(share)} of all rows are as unlikely as this ${noun}, or more so.`,
  );
}

function AsEveryClass({ row, state }: { row: number; state: State }) {
  const [found, setFound] = useState<{ readonly row: number; readonly as: ByClass | null }>();
  const [problem, setProblem] = useState("");
  useEffect(() => {
    let isOver = false;
    ask<ByClass | null>(`/api/rows/${row}/classes`).then(
      (as) => !isOver && setFound({ row, as }),
      (error: unknown) => !isOver && setProblem(error instanceof Error ? error.message : String(error)),
    );
    return () => {
      isOver = true;
    };
  }, [row, state.lessons]);
  if (problem !== "") return h("p", { class: "problem" }, problem);
  if (found === undefined || found.row !== row)
    return h("p", { class: "soft" }, "Drawing it as every class …");
  if (found.as === null) return null;
  const { classes } = found.as;
  const best = Math.max(...classes.map(({ logLikelihood }) => logLikelihood));
  return h("section", { "aria-label": "As every class" }, [
    h("h3", null, "The same row as every class"),
    h(
      "p",
      { class: "soft" },
      "Its style is kept, its class is changed. Below: how many nats worse than the best class each explains the row.",
    ),
    h(
      "div",
      { class: "spread as" },
      classes.map(({ name, logLikelihood, image, cells }) =>
        h("figure", null, [
          image && h("img", { class: "picture drawn", src: image, alt: `drawn as ${name}` }),
          cells &&
            h(
              "table",
              null,
              cells.map(({ name: column, cell }) =>
                h("tr", null, [h("th", { scope: "row" }, column), h("td", null, cell || "–")]),
              ),
            ),
          h("figcaption", null, [
            name,
            h(
              "span",
              { class: "soft" },
              logLikelihood === best ? " best" : ` ${signed(logLikelihood - best)}`,
            ),
          ]),
        ]),
      ),
    ),
  ]);
}
