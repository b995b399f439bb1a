/** Many labels at once: the rows of a class that the model is surest of, after a look at some of them. */
import { h } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Several } from "./map-page.ts";
import { ask, percent, type Send, type State } from "./parts.ts";

interface SureRows {
  readonly class: number;
  readonly rows: readonly number[];
  /** Some of them, drawn at random. */
  readonly some: readonly number[];
}

const LEVELS = [0.999, 0.99, 0.95] as const;

export function Sure({ state, record }: { state: State; record: Send }) {
  const [least, setLeast] = useState<number>(LEVELS[1]);
  const [found, setFound] = useState<readonly SureRows[]>();
  const [open, setOpen] = useState<number>();
  useEffect(() => {
    void ask<readonly SureRows[]>(`/api/sure?least=${least}`).then(setFound);
  }, [state.lessons, state.labelled, least]);
  if (found === undefined) return h("p", { class: "soft" }, "Looking …");
  return h("section", { "aria-label": "Sure" }, [
    h(
      "p",
      null,
      "Rows without a label whose class the model is sure of. Look at some of a class, drawn at random, before you accept them all.",
    ),
    h("div", { class: "classes", role: "group", "aria-label": "At least" }, [
      ...LEVELS.map((level) =>
        h(
          "button",
          { type: "button", "aria-pressed": level === least, onClick: () => setLeast(level) },
          `at least ${percent(level)}`,
        ),
      ),
    ]),
    found.length === 0 && h("p", null, "There are none yet."),
    ...found.map(({ class: k, rows, some }) =>
      h("div", null, [
        h("h2", null, `${state.classes[k]}: ${rows.length} rows`),
        open === k
          ? [
              h(Several, { rows: some, image: state.image }),
              h(
                "button",
                {
                  type: "button",
                  onClick: () => {
                    setOpen(undefined);
                    void record({ type: "label", rows, class: k, by: "bulk" });
                  },
                },
                `Accept all ${rows.length} as ${state.classes[k]}`,
              ),
            ]
          : h("button", { type: "button", onClick: () => setOpen(k) }, "Look at some"),
      ]),
    ),
  ]);
}
