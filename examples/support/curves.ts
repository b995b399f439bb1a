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

/** A logarithmic axis that holds all values; ticks at powers of ten, and at 2 and 5 between them where these are few. */
function logAxis(values: readonly number[]) {
  const [low, high] = [Math.min(...values) / 1.15, Math.max(...values) * 1.15];
  const first = Math.floor(Math.log10(low));
  const powers = Array.from({ length: Math.ceil(Math.log10(high)) - first + 1 }, (_, i) => 10 ** (first + i));
  const every = Math.ceil(powers.length / 6);
  const ticks =
    high < 100 * low ? powers.flatMap((p) => [p, 2 * p, 5 * p]) : powers.filter((_, i) => i % every === 0);
  return { domain: [low, high], ticks: ticks.filter((v) => v >= low && v <= high) };
}

/** A point is large, a cloud of them small and see-through. */
const dotOf = (count: number) =>
  count === 1 ? { r: 6 } : count > 100 ? { r: 1.8, fillOpacity: 0.55 } : { r: 2.6 };

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
      mark.endsWith("dots") &&
        Plot.dot(points, { x: "x", y: "y", fill: stroke, ...dotOf(points.length), clip }),
    ].filter((drawn) => typeof drawn === "object");
  });
  for (const { name } of lines) legend.push({ name, colour: "var(--muted)", dashed: true });
  // Above the plot while title and legend fit there side by side, else beside it.
  const beside = title.length + legend.reduce((n, { name }) => n + name.length + 6, 0) > 88;
  const right = beside ? 44 + 6.4 * Math.max(...legend.map(({ name }) => name.length)) : 16;
  return drawFigure(
    title,
    {
      width: 640,
      height,
      yLabel,
      marginLeft: 56,
      marginRight: right,
      x: {
        ...axis(xScale),
        ...(xScale === "log" && inPowersOfTwo && { base: 2, ticks: 12 }),
        label: xLabel,
        tickSize: 4,
      },
      y: {
        ...axis(yScale),
        ...(yScale === "log"
          ? logAxis([...curves, ...lines].flatMap(({ y }) => (typeof y === "number" ? y : Array.from(y))))
          : { nice: true }),
        ...(yDomain && { domain: yDomain, nice: false }),
        grid: true,
        tickSize: 0,
      },
    },
    [
      ...lines.map(({ y }) => Plot.ruleY([y], { stroke: "var(--muted)", strokeDasharray: "4 3" })),
      ...marks,
      beside ? sideLegend(legend, 660 - right, 60) : null,
    ],
    beside ? [] : legend,
  );
}
