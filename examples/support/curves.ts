/** Curves for the examples, through the plots of the reports. */
import { drawFigure, type LegendEntry, loadPlot, sideLegend } from "../../src/report/figure.ts";
import { classColours } from "../../src/report/theme.ts";

export interface Curve {
  readonly name: string;
  readonly x: ArrayLike<number>;
  readonly y: ArrayLike<number>;
  /** A band around the curve: half its height at each point. */
  readonly band?: ArrayLike<number>;
  /** Default `line`; `band`: the band alone. */
  readonly mark?: "line" | "dashed" | "dots" | "line and dots" | "band";
}

export interface CurvesOptions {
  readonly title: string;
  readonly xLabel: string;
  /** The quantity and its unit. */
  readonly yLabel: string;
  readonly curves: readonly Curve[];
  /** Horizontal lines: what the curves are measured by. */
  readonly lines?: readonly { readonly name: string; readonly y: number }[];
  /** Default linear. */
  readonly xScale?: "log";
  readonly yScale?: "log";
  readonly yDomain?: readonly [number, number];
  readonly height?: number;
}

/** Three that are the house's, then others. */
const COLOURS = ["var(--test)", "var(--extra)", "var(--train)", ...classColours(10).slice(4)];

const SUPERSCRIPTS = "⁰¹²³⁴⁵⁶⁷⁸⁹";

/** A tick of a logarithmic axis: 0.01, 1, 5000; beyond, powers of ten. */
function logTick(value: number): string {
  if (value >= 1e-3 && value < 1e5) return value.toLocaleString("en-US", { maximumFractionDigits: 3 });
  const exponent = Math.round(Math.log10(value));
  const digits = Array.from(String(Math.abs(exponent)), (d) => SUPERSCRIPTS[Number(d)]);
  return `10${exponent < 0 ? "⁻" : ""}${digits.join("")}`;
}

/** Powers of ten about all values: lines at each of their multiples would be a hatching. */
function decades(values: readonly number[]): number[] {
  const [low, high] = [Math.min(...values), Math.max(...values)].map(Math.log10);
  const first = Math.floor(low);
  const count = Math.ceil(high) - first + 1;
  const every = Math.ceil(count / 6);
  return Array.from({ length: Math.ceil(count / every) }, (_, i) => 10 ** (first + i * every));
}

/** Draws curves and horizontal lines over one pair of axes, as an SVG of 640 by 300. */
export async function drawCurves(options: CurvesOptions): Promise<string> {
  const { title, xLabel, yLabel, curves, lines = [], xScale, yScale, yDomain, height = 300 } = options;
  const Plot = await loadPlot();
  const axis = (scale?: "log") => (scale ? { type: scale, tickFormat: logTick, ticks: 5 } : { ticks: 5 });
  const inPowersOfTwo = curves.every(({ x }) => Array.from(x).every((v) => Number.isInteger(Math.log2(v))));
  const legend: LegendEntry[] = [];
  const marks = curves.flatMap(({ name, x, y, band, mark = "line" }, i) => {
    const stroke = COLOURS[i % COLOURS.length];
    legend.push({ name, colour: stroke, dashed: mark === "dashed" });
    const points = Array.from(x, (value, j) => {
      const half = band?.[j] ?? 0;
      return { x: value, y: y[j], low: y[j] - half, high: y[j] + half };
    });
    const clip = yDomain !== undefined;
    return [
      band && Plot.areaY(points, { x: "x", y1: "low", y2: "high", fill: stroke, fillOpacity: 0.18, clip }),
      mark !== "dots" &&
        mark !== "band" &&
        Plot.line(points, {
          x: "x",
          y: "y",
          stroke,
          strokeWidth: 1.8,
          ...(mark === "dashed" && { strokeDasharray: "4 3" }),
          clip,
        }),
      mark.endsWith("dots") && Plot.dot(points, { x: "x", y: "y", fill: stroke, r: 2.6, clip }),
    ].filter((drawn) => typeof drawn === "object");
  });
  for (const { name } of lines) legend.push({ name, colour: "var(--muted)", dashed: true });
  // Above the plot while title and legend fit there side by side, else beside it.
  const beside = title.length + legend.reduce((n, { name }) => n + name.length + 6, 0) > 88;
  return drawFigure(
    title,
    {
      width: 640,
      height,
      yLabel,
      marginLeft: 56,
      marginRight: beside ? 150 : 16,
      x: {
        ...axis(xScale),
        ...(xScale === "log" && inPowersOfTwo && { base: 2, ticks: 12 }),
        label: xLabel,
        tickSize: 4,
      },
      y: {
        ...axis(yScale),
        ...(yScale === "log" && { ticks: decades(curves.flatMap(({ y }) => Array.from(y))) }),
        grid: true,
        tickSize: 0,
        ...(yDomain ? { domain: yDomain } : { nice: true }),
      },
    },
    [
      ...lines.map(({ y }) => Plot.ruleY([y], { stroke: "var(--muted)", strokeDasharray: "4 3" })),
      ...marks,
      beside ? sideLegend(legend, 510, 60) : null,
    ],
    beside ? [] : legend,
  );
}
