import { ShapeError } from "../errors.ts";
import { drawFigure, loadPlot, PICTURE, type PointTold, sideLegend, tellPoints } from "./figure.ts";
import { clip } from "./format.ts";
import { classColours } from "./theme.ts";

/**
 * Points in two dimensions, coloured by label, in a square whose two axes have one scale. Up to twelve classes are also named at their
 * medians (unless `named` is false), so that colours need not be distinguished.
 *
 * @throws ShapeError when there is not one label per point.
 */
export const scatterFigure = async (options: {
  readonly title: string;
  /** Shape `[n, 2]`, row-major, finite. */
  readonly points: Float32Array;
  /** A class per point; -1 if unknown, and the point is then grey. */
  readonly labels?: ArrayLike<number>;
  readonly classes?: readonly string[];
  /** Indices of points to draw on top, with a ring. */
  readonly ringed?: readonly number[];
  readonly axes: readonly [string, string];
  /** Whether to name classes at their medians, which is useless if they mix. Default true. */
  readonly named?: boolean;
  /** Whether the axes' numbers mean something. Default true. */
  readonly ticks?: boolean;
  /** Radius of a dashed circle around the origin: a contour of the prior. */
  readonly priorRadius?: number;
  /** What each point is, told when it is pointed at: a text, and a picture of the page's sprite. */
  readonly told?: readonly (PointTold | undefined)[];
  /** Default 720. Below {@link NARROW} the names of the classes are under the plot instead of beside it. */
  readonly width?: number;
}): Promise<string> => {
  const {
    title,
    points,
    labels,
    classes,
    ringed = [],
    axes,
    named = true,
    ticks = true,
    priorRadius,
    told = [],
    width = 720,
  } = options;
  const count = points.length / 2;
  if (labels !== undefined && labels.length !== count) {
    throw new ShapeError(
      `scatterFigure: expected one label for each of ${count} points, found ${labels.length}`,
    );
  }
  const Plot = await loadPlot();
  const groups = [...new Set(labels === undefined ? [] : Array.from(labels))]
    .filter((group) => group >= 0)
    .sort((a, b) => a - b);
  const colours = classColours(groups.length);
  const colourOf = new Map(groups.map((group, i) => [group, colours[i] ?? "var(--active)"]));
  const nameOf = (group: number): string => classes?.[group] ?? String(group);
  const dots = Array.from({ length: count }, (_, i) => {
    const group = labels?.[i];
    const colour = group === undefined ? "var(--active)" : (colourOf.get(group) ?? "var(--inactive)");
    return { x: points[2 * i] ?? 0, y: points[2 * i + 1] ?? 0, group, colour };
  });
  const over = new Set(ringed);
  const medians = groups.map((group) => {
    const members = dots.filter((dot) => dot.group === group);
    return {
      x: median(members.map((dot) => dot.x)),
      y: median(members.map((dot) => dot.y)),
      name: nameOf(group),
    };
  });
  const circle = Array.from({ length: priorRadius === undefined ? 0 : 97 }, (_, i) => ({
    x: (priorRadius ?? 0) * Math.cos((i * Math.PI) / 48),
    y: (priorRadius ?? 0) * Math.sin((i * Math.PI) / 48),
  }));

  const [xs, ys] = squareDomains([...dots, ...circle]);
  const narrow = width < NARROW;
  const shown = groups.slice(0, LEGEND_ENTRIES);
  const entries = shown.map((group, i) => ({ name: clip(nameOf(group)), colour: colours[i] ?? "" }));
  if (dots.some(({ group }) => group === -1)) entries.push({ name: "no label", colour: "var(--inactive)" });
  if (groups.length > shown.length) {
    entries.push({ name: `and ${groups.length - shown.length} more`, colour: "none" });
  }
  const pictured = told.some((one) => one?.picture !== undefined);
  const marginRight = narrow ? 12 : groups.length === 0 && !pictured ? 20 : 130;
  const side = width - 48 - marginRight;
  // Under a narrow plot: the classes in columns, then the picture pointed at.
  const columns = Math.max(1, Math.floor((width - 20) / 120));
  const under = narrow && groups.length > 0 ? Math.ceil(entries.length / columns) * 17 + 8 : 0;
  const marginBottom = 38 + under + (narrow && pictured ? PICTURE + 14 : 0);
  const axis = { grid: false, ticks: ticks ? 6 : 0, tickSize: 4 };
  return drawFigure(
    title,
    {
      width,
      height: side + 48 + marginBottom,
      yLabel: axes[1],
      marginRight,
      marginBottom,
      x: { ...axis, domain: xs, label: axes[0], labelOffset: 34 },
      y: { ...axis, domain: ys },
    },
    [
      Plot.frame({ stroke: "var(--hairline)" }),
      Plot.dot(
        dots.filter((_, i) => !over.has(i)),
        { x: "x", y: "y", fill: "colour", fillOpacity: 0.72, r: count > 1500 ? 2 : 2.8 },
      ),
      Plot.dot(
        dots.filter((_, i) => over.has(i)),
        { x: "x", y: "y", fill: "colour", stroke: "var(--ink)", strokeWidth: 1.6, r: 4.5 },
      ),
      circle.length > 0
        ? Plot.line(circle, {
            x: "x",
            y: "y",
            stroke: "currentColor",
            strokeOpacity: 0.6,
            strokeDasharray: "4 4",
          })
        : null,
      named && groups.length <= 12
        ? Plot.text(medians, {
            x: "x",
            y: "y",
            text: "name",
            fontSize: 15,
            fontWeight: 600,
            fill: "currentColor",
            stroke: "var(--plot-background)",
            strokeWidth: 4,
          })
        : null,
      groups.length === 0
        ? null
        : narrow
          ? sideLegend(entries, 20, side + 48 + 48, { columns, step: 120 })
          : sideLegend(entries, width - marginRight + 18, 54),
      tellPoints(
        dots.flatMap(({ x, y }, i) => {
          const one = told[i];
          return one === undefined ? [] : [{ x, y, ...one }];
        }),
        narrow ? [20, side + 48 + 38 + under] : [width - 112, side + 48 - PICTURE],
      ),
    ],
  );
};

/** Plots below this width have their legend under them. */
const NARROW = 500;

const LEGEND_ENTRIES = 28;

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
};

/** Two intervals of equal length that contain all points, with some margin. */
const squareDomains = (
  points: readonly { readonly x: number; readonly y: number }[],
): readonly [[number, number], [number, number]] => {
  const extent = (
    of: (point: { readonly x: number; readonly y: number }) => number,
  ): readonly [number, number] =>
    points.length === 0
      ? [-1, 1]
      : points.reduce(
          ([low, high], point): [number, number] => [Math.min(low, of(point)), Math.max(high, of(point))],
          [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY],
        );
  const [x0, x1] = extent((point) => point.x);
  const [y0, y1] = extent((point) => point.y);
  const half = Math.max(x1 - x0, y1 - y0, 1e-6) * 0.52;
  const around = (low: number, high: number): [number, number] => [
    (low + high) / 2 - half,
    (low + high) / 2 + half,
  ];
  return [around(x0, x1), around(y0, y1)];
};
