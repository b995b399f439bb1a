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
/** The same of a title, which is larger and bold. */
const TITLE_LETTER = 7.3;

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
  // Where title and legend do not fit beside each other, the legend has a line of its own.
  const legendWidth = legend.reduce((sum, { name }) => sum + name.length * LETTER + 32, 0);
  const broken = title.length * TITLE_LETTER + legendWidth > (options.width ?? 640) - 12;
  const [Plot, { parseHTML }] = await Promise.all([loadPlot(), import("linkedom")]);
  const { document } = parseHTML("<!doctype html><html></html>");
  const svg = Plot.plot({
    marginTop: broken ? 65 : 48,
    marginLeft: 48,
    marginBottom: 38,
    ...plotOptions,
    x: { labelAnchor: "center", labelArrow: "none", ...plotOptions.x },
    y: { ...plotOptions.y, label: null },
    document,
    className: CLASS,
    style: { fontSize: "11px", fontFamily: "ui-sans-serif, system-ui, 'Helvetica Neue', Arial, sans-serif" },
    marks: [...marks, heading(title, `${yArrow} ${yLabel}`, legend, broken)],
  });
  svg.setAttribute("xmlns", SVG);
  svg.setAttribute("role", "img");
  const style = svg.querySelector("style");
  if (style !== null) {
    style.textContent = `${themeCss(`:where(.${CLASS})`)}
:where(.${CLASS}) { color: var(--ink); --plot-background: var(--paper); display: block; max-width: 100%; height: auto; }
.${CLASS} text { white-space: pre; }
.${CLASS} .told svg { display: none; pointer-events: none; image-rendering: pixelated; }
.${CLASS} .told g:is(:hover, :focus) { stroke: var(--ink); outline: none; }
.${CLASS} .told g:is(:hover, :focus) svg { display: inline; }`;
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
  (title: string, yLabel: string, legend: readonly LegendEntry[], broken: boolean): RenderFunction =>
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
      make("text", { ...left, y: broken ? 48 : 31, fill: "var(--muted)" }, yLabel),
    );
    const line = broken ? 31 : 14;
    const wide = legend.reduce((sum, { name }) => sum + name.length * LETTER + 32, 0);
    let right = broken ? wide - 8 : dimensions.width - dimensions.marginRight;
    for (const entry of [...legend].reverse()) {
      const textLeft = right - entry.name.length * LETTER;
      group.append(
        make("line", {
          x1: textLeft - 20,
          x2: textLeft - 5,
          y1: line - 4,
          y2: line - 4,
          stroke: entry.colour,
          "stroke-width": 2,
          "stroke-dasharray": entry.dashed === true ? "3 3" : "none",
        }),
        make("text", { x: textLeft, y: line, "text-anchor": "start", fill: "var(--muted)" }, entry.name),
      );
      right = textLeft - 32;
    }
    return group;
  };

/** What a point is, told when it is pointed at. */
export interface PointTold {
  readonly text: string;
  /** A part of the picture that the page keeps under this id. */
  readonly picture?: {
    readonly id: string;
    readonly left: number;
    readonly top: number;
    readonly width: number;
    readonly height: number;
  };
}

/** Side of the square in which the picture of a point is shown. */
export const PICTURE = 96;

/**
 * Tells what points are, without a script: over each lies a circle that is not seen, with a title; its picture is there too, and seen while
 * the circle is pointed at, tapped or focused.
 *
 * @param corner left and top of the square for the picture
 */
export const tellPoints =
  (
    points: readonly (PointTold & { readonly x: number; readonly y: number })[],
    [left, top]: readonly [number, number],
  ): RenderFunction =>
  (_index, scales, _values, _dimensions, context) => {
    const make = (name: string, attributes: Readonly<Record<string, string | number>>): Element => {
      const element = context.document.createElementNS(SVG, name);
      for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
      return element;
    };
    const all = make("g", { class: "told", fill: "none", "pointer-events": "all" }) as SVGGElement;
    for (const { x, y, text, picture } of points) {
      const one = make("g", { tabindex: -1 });
      const title = make("title", {});
      title.textContent = text;
      one.append(make("circle", { cx: Number(scales.x?.(x)), cy: Number(scales.y?.(y)), r: 5 }), title);
      if (picture !== undefined) {
        const { id, width, height } = picture;
        const part = make("svg", {
          x: left,
          y: top,
          width: PICTURE,
          height: PICTURE,
          viewBox: `${picture.left} ${picture.top} ${width} ${height}`,
        });
        part.append(make("use", { href: `#${id}` }));
        one.append(part);
      }
      all.append(one);
    }
    return all;
  };

/** Names on the right-hand side, each after a dot of its colour. */
export const sideLegend =
  (
    entries: readonly LegendEntry[],
    left: number,
    top: number,
    { columns = 1, step = 0 }: { readonly columns?: number; readonly step?: number } = {},
  ): RenderFunction =>
  (_index, _scales, _values, _dimensions, context) => {
    const group = context.document.createElementNS(SVG, "g");
    group.setAttribute("text-anchor", "start");
    entries.forEach((entry, i) => {
      const [x, y] = [left + (i % columns) * step, top + Math.floor(i / columns) * 17];
      const dot = context.document.createElementNS(SVG, "circle");
      for (const [key, value] of Object.entries({ cx: x, cy: y, r: 4 })) {
        dot.setAttribute(key, String(value));
      }
      dot.setAttribute("fill", entry.colour);
      const text = context.document.createElementNS(SVG, "text");
      text.setAttribute("x", String(x + 10));
      text.setAttribute("y", String(y + 4));
      text.textContent = entry.name;
      group.append(dot, text);
    });
    return group;
  };
