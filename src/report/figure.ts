import type { Markish, PlotOptions, RenderFunction } from "@observablehq/plot";
import { themeCss } from "./theme.ts";

/** The plotting library. Loaded with {@link loadPlot}: it takes a fifth of a second, too long at startup. */
export type PlotLibrary = typeof import("@observablehq/plot");

/** One entry of a legend: a short stroke or a dot, and its name. */
export interface LegendEntry {
  readonly name: string;
  readonly colour: string;
  readonly dashed?: boolean;
}

const CLASS = "tb-figure";
const SVG = "http://www.w3.org/2000/svg";
/** Mean width of a letter at 11 px; text cannot be measured without a browser. */
const LETTER = 6.2;

/** Loads the plotting library, once, when the first figure is drawn. */
export const loadPlot = (): Promise<PlotLibrary> => import("@observablehq/plot");

/**
 * Draws a plot and returns it as one self-contained SVG: with the title in the picture and as its accessible name, the colours in its own
 * style sheet, and numbers rounded to a hundredth of a pixel.
 */
export const drawFigure = async (
  title: string,
  options: Omit<PlotOptions, "document" | "className" | "title" | "caption"> & {
    readonly yLabel: string;
    /** The direction in which y grows. Default "↑". */
    readonly yArrow?: "↑" | "↓";
  },
  marks: readonly Markish[],
  legend: readonly LegendEntry[] = [],
): Promise<string> => {
  const { yLabel, yArrow = "↑", ...plotOptions } = options;
  const [Plot, { parseHTML }] = await Promise.all([loadPlot(), import("linkedom")]);
  const { document } = parseHTML("<!doctype html><html></html>");
  const svg = Plot.plot({
    marginTop: 48,
    marginLeft: 48,
    marginBottom: 38,
    ...plotOptions,
    x: { labelAnchor: "center", labelArrow: "none", ...plotOptions.x },
    y: { ...plotOptions.y, label: null },
    document,
    className: CLASS,
    style: { fontSize: "11px", fontFamily: "ui-sans-serif, system-ui, 'Helvetica Neue', Arial, sans-serif" },
    marks: [...marks, heading(title, `${yArrow} ${yLabel}`, legend)],
  });
  svg.setAttribute("xmlns", SVG);
  svg.setAttribute("role", "img");
  const style = svg.querySelector("style");
  if (style !== null) {
    style.textContent = `${themeCss(`:where(.${CLASS})`)}
:where(.${CLASS}) { color: var(--ink); --plot-background: var(--paper); display: block; max-width: 100%; height: auto; }
.${CLASS} text { white-space: pre; }`;
  }
  const rounded = svg.outerHTML.replace(
    / (?:d|x|y|x1|x2|y1|y2|cx|cy|width|height|transform)="[^"]*"/g,
    (attribute) => attribute.replace(/(\.\d\d)\d+/g, "$1"),
  );
  // The document does not escape "<" in attributes. That is fine in HTML, but a saved SVG must be XML.
  return rounded.replace("<svg ", () => `<svg aria-label="${escapeAttribute(title)}" `);
};

const escapeAttribute = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll('"', "&quot;");

/** The title at the upper left, the legend at the upper right, and below them the label of the y axis. */
const heading =
  (title: string, yLabel: string, legend: readonly LegendEntry[]): RenderFunction =>
  (_index, _scales, _values, dimensions, context) => {
    const make = (
      name: string,
      attributes: Readonly<Record<string, string | number>>,
      text?: string,
    ): Element => {
      const element = context.document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
      if (text !== undefined) element.textContent = text;
      return element;
    };
    const group = context.document.createElementNS(SVG, "g");
    const left = { x: 3, "text-anchor": "start" };
    group.append(
      make("text", { ...left, y: 14, "font-weight": 600, "font-size": 12.5 }, title),
      make("text", { ...left, y: 31, fill: "var(--muted)" }, yLabel),
    );
    let right = dimensions.width - dimensions.marginRight;
    for (const entry of [...legend].reverse()) {
      const textLeft = right - entry.name.length * LETTER;
      group.append(
        make("line", {
          x1: textLeft - 20,
          x2: textLeft - 5,
          y1: 10,
          y2: 10,
          stroke: entry.colour,
          "stroke-width": 2,
          "stroke-dasharray": entry.dashed === true ? "3 3" : "none",
        }),
        make("text", { x: textLeft, y: 14, "text-anchor": "start", fill: "var(--muted)" }, entry.name),
      );
      right = textLeft - 32;
    }
    return group;
  };

/** Names on the right-hand side, each after a dot of its colour. */
export const sideLegend =
  (entries: readonly LegendEntry[], left: number, top: number): RenderFunction =>
  (_index, _scales, _values, _dimensions, context) => {
    const group = context.document.createElementNS(SVG, "g");
    group.setAttribute("text-anchor", "start");
    entries.forEach((entry, i) => {
      const dot = context.document.createElementNS(SVG, "circle");
      for (const [key, value] of Object.entries({ cx: left, cy: top + i * 17, r: 4 })) {
        dot.setAttribute(key, String(value));
      }
      dot.setAttribute("fill", entry.colour);
      const text = context.document.createElementNS(SVG, "text");
      text.setAttribute("x", String(left + 10));
      text.setAttribute("y", String(top + i * 17 + 4));
      text.textContent = entry.name;
      group.append(dot, text);
    });
    return group;
  };
