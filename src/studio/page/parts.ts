/** What the views share: what the server says, and how a row, its probabilities and the classes are shown. */
import { h } from "preact";

export interface Row {
  readonly row: number;
  readonly by: string;
  readonly name: string;
  readonly noun: string;
  readonly label?: number;
  readonly cells?: readonly { readonly name: string; readonly cell: string }[];
  readonly probabilities?: readonly { readonly name: string; readonly probability: number }[];
  /** The labelled rows that are most like it, for a row that was asked for by its number. */
  readonly nearest?: readonly Row[];
  /** The bound on log p(x), and the share of rows that are as unlikely. */
  readonly outlier?: { readonly bound: number; readonly share: number };
}

export interface Point {
  readonly labels: number;
  readonly seconds: number;
  /** Null if it is not a number. */
  readonly bound: number | null;
  readonly error?: {
    readonly share: number;
    readonly rows: number;
    readonly interval: readonly [number, number];
  };
}

export interface State {
  readonly name: string;
  readonly rows: number;
  readonly image: boolean;
  readonly classes: readonly string[];
  readonly perClass: readonly number[];
  readonly labelled: number;
  readonly aside: number;
  readonly undoable: number;
  readonly learning: boolean;
  readonly choosing: boolean;
  readonly problem?: string;
  readonly lessons: number;
  readonly progress: readonly Point[];
  readonly checked?: number;
  readonly temperature?: number;
  readonly calibrationError?: number;
  readonly strategy: string;
  readonly layout: string;
  /** The map: what it shows, and a number that changes with it. */
  readonly map: {
    readonly shown: string;
    readonly making: boolean;
    readonly version: number;
    readonly problem?: string;
  };
  /** How far the training of M1 is. */
  readonly seeing?: { readonly epoch: number; readonly epochs: number };
  /** How far a thorough lesson is. */
  readonly thorough?: { readonly epoch: number; readonly epochs: number };
  readonly stability?: { readonly same: number; readonly settled: boolean };
  readonly next?: Row;
}

export type Suspect = Row & { readonly given: string; readonly likely: string; readonly support: number };

/** Keys of the classes, in order; s, n and u have other meanings. */
export const KEYS = "1234567890qwertyiopadfghjklzxcvbm";
export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

export async function ask<T>(path: string, body?: object): Promise<T> {
  const answer = await fetch(path, {
    ...(body && {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify(body),
    }),
  });
  const found = await answer.json();
  if (!answer.ok) throw new Error(found.error);
  return found;
}

/** Sends an action of the user; when it resolves to true, the action is on the disk. If not, the page says why. */
export type Send = (event: object) => Promise<boolean>;

/** What a row is called; the noun is not said twice. */
const titleOf = ({ noun, name }: Row): string =>
  name.toLowerCase().startsWith(noun.toLowerCase()) ? name : `${noun} ${name}`;

/** A number with a proper minus sign. */
export const signed = (value: number, digits = 1): string => value.toFixed(digits).replace("-", "−");

export function Shown({ row, image, isSmall = false }: { row: Row; image: boolean; isSmall?: boolean }) {
  return h("div", null, [
    h(
      "p",
      { class: "soft" },
      `${titleOf(row)}${row.by === "check" ? " · drawn at random, to measure the error" : ""}`,
    ),
    image
      ? h("img", {
          class: isSmall ? "small" : "picture",
          src: `/api/rows/${row.row}/image`,
          alt: titleOf(row),
        })
      : h(
          "table",
          null,
          (row.cells ?? []).map(({ name, cell }) =>
            h("tr", null, [h("th", { scope: "row" }, name), h("td", null, cell || "–")]),
          ),
        ),
  ]);
}

export function Odds({ row }: { row: Row }) {
  const odds = [...(row.probabilities ?? [])].sort((a, b) => b.probability - a.probability).slice(0, 6);
  if (odds.length === 0) return null;
  return h(
    "table",
    { "aria-label": "What the model expects" },
    odds.map(({ name, probability }) =>
      h("tr", null, [
        h("th", { scope: "row" }, name),
        h("td", null, percent(probability)),
        h("td", null, h("span", { class: "bar", style: { width: `${Math.round(100 * probability)}px` } })),
      ]),
    ),
  );
}

export function Classes({
  state,
  choose,
  keys = true,
}: {
  state: State;
  choose: (k: number) => void;
  /** Whether keys choose too, as in the queue. */
  keys?: boolean;
}) {
  return h(
    "div",
    { class: "classes", role: "group", "aria-label": "Classes" },
    state.classes.map((name, k) =>
      h("button", { type: "button", class: "class", onClick: () => choose(k) }, [
        keys && k < KEYS.length && h("kbd", null, KEYS[k]),
        ` ${name} `,
        h("span", { class: "soft" }, String(state.perClass[k])),
      ]),
    ),
  );
}
