import { ShapeError } from "../errors.ts";
import { drawFigure, type LegendEntry, loadPlot, sideLegend } from "./figure.ts";
import { classColours } from "./theme.ts";

/** A curve. Pairs whose `y` is not finite leave a gap. */
export interface Series {
  readonly name: string;
  readonly role: "train" | "test" | "extra";
  readonly x: readonly number[];
  readonly y: readonly (number | undefined)[];
}

/** A unit whose posterior mean varies less than this over the data is inactive (Burda et al., 2015). */
export const ACTIVE_UNIT_THRESHOLD = 0.01;

/**
 * Curves over epochs as one SVG, with a legend.
 *
 * @param options.yLabel the quantity with its unit, as `nats per image`
 */
export const lineFigure = async (options: {
  readonly title: string;
  readonly yLabel: string;
  readonly xLabel?: string;
  readonly series: readonly Series[];
  readonly width?: number;
  readonly height?: number;
}): Promise<string> => {
  const { title, yLabel, xLabel = "epoch", series, width = 250, height = 225 } = options;
  const Plot = await loadPlot();
  const points = series.flatMap(({ name, role, x, y }) =>
    x.map((value, i) => ({ x: value, y: finiteOr(y[i], Number.NaN), name, colour: `var(--${role})`, role })),
  );
  const epochs = new Set(points.map((point) => point.x)).size;
  const legend = series.map(({ name, role }): LegendEntry => ({ name, colour: `var(--${role})` }));
  return drawFigure(
    title,
    {
      width,
      height,
      yLabel,
      marginRight: 12,
      // Epochs are whole: never more ticks than epochs.
      x: { label: xLabel, ticks: Math.max(1, Math.min(6, epochs - 1)), tickFormat: "d", tickSize: 4 },
      y: { nice: true, grid: true, ticks: 5, tickSize: 0 },
    },
    [
      Plot.line(points, { x: "x", y: "y", z: "name", stroke: "colour", strokeWidth: 1.8 }),
      epochs <= 30 ? Plot.dot(points, { x: "x", y: "y", r: epochs === 1 ? 3.5 : 2, fill: "colour" }) : null,
    ],
    legend,
  );
};

/**
 * KL divergence of each latent dimension from its prior, in nats, as bars from the largest down. Where
 * `activity` is given, inactive units are pale.
 */
export const klFigure = async (options: {
  readonly kl: readonly number[];
  readonly activity?: readonly number[];
  readonly width?: number;
  readonly height?: number;
}): Promise<string> => {
  const { kl, activity, width = 720, height = 250 } = options;
  const Plot = await loadPlot();
  const order = klOrder(kl);
  const bars = order.map((dimension) => ({
    dimension,
    kl: Math.max(0, finiteOr(kl[dimension], 0)),
    colour: isActive(activity?.[dimension]) ? "var(--active)" : "var(--inactive)",
  }));
  return drawFigure(
    "KL divergence by latent dimension",
    {
      width,
      height,
      yLabel: "nats",
      x: dimensionAxis(order),
      y: { nice: true, grid: true, ticks: 5, tickSize: 0 },
    },
    [
      Plot.barY(bars, { x: "dimension", y: "kl", fill: "colour" }),
      Plot.ruleY([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
    ],
    activity === undefined
      ? []
      : [
          { name: "active", colour: "var(--active)" },
          { name: "inactive", colour: "var(--inactive)" },
        ],
  );
};

/**
 * Activity Var_x(E_q[z_j | x]) of each latent dimension on a logarithmic axis, in the order of
 * {@link klFigure}, with the line above which a unit counts as active.
 */
export const activityFigure = async (options: {
  readonly activity: readonly number[];
  /** Orders the dimensions; by activity where absent. */
  readonly kl?: readonly number[];
  readonly width?: number;
  readonly height?: number;
}): Promise<string> => {
  const { activity, kl, width = 720, height = 210 } = options;
  const Plot = await loadPlot();
  const order = klOrder(kl ?? activity);
  // A logarithm has no zero: collapsed units sit at the bottom of the axis.
  const floor = 1e-6;
  const dots = order.map((dimension) => ({
    dimension,
    activity: Math.max(floor, finiteOr(activity[dimension], floor)),
    colour: isActive(activity[dimension]) ? "var(--active)" : "var(--inactive)",
  }));
  const least = Math.min(ACTIVE_UNIT_THRESHOLD / 10, ...dots.map((dot) => dot.activity));
  const most = Math.max(1, ...dots.map((dot) => dot.activity));
  return drawFigure(
    "Activity by latent dimension",
    {
      width,
      height,
      yLabel: "variance of the posterior mean over the test set (units of z, squared)",
      x: dimensionAxis(order),
      y: {
        type: "log",
        domain: [10 ** Math.floor(Math.log10(least)), most * 1.3],
        grid: true,
        ticks: 4,
        tickFormat: "~g",
        tickSize: 0,
      },
    },
    [
      Plot.dot(dots, { x: "dimension", y: "activity", fill: "colour", r: 4 }),
      Plot.ruleY([ACTIVE_UNIT_THRESHOLD], {
        stroke: "var(--extra)",
        strokeWidth: 1.3,
        strokeDasharray: "4 3",
      }),
    ],
    [{ name: `active above ${ACTIVE_UNIT_THRESHOLD}`, colour: "var(--extra)", dashed: true }],
  );
};

/**
 * Points in two dimensions, coloured by label, in a square whose two axes have one scale. Up to twelve
 * classes are also named at their medians, so that the figure can be read without telling colours apart.
 *
 * @throws {ShapeError} when there is not one label a point.
 */
export const scatterFigure = async (options: {
  readonly title: string;
  /** Shape `[n, 2]`, row-major, finite. */
  readonly points: Float32Array;
  readonly labels?: ArrayLike<number>;
  readonly classes?: readonly string[];
  readonly axes: readonly [string, string];
  /** Whether the axes' numbers mean something. Default true. */
  readonly ticks?: boolean;
  /** Radius of a dashed circle around the origin: a contour of the prior. */
  readonly priorRadius?: number;
  readonly width?: number;
}): Promise<string> => {
  const { title, points, labels, classes, axes, ticks = true, priorRadius, width = 720 } = options;
  const count = points.length / 2;
  if (labels !== undefined && labels.length !== count) {
    throw new ShapeError(
      `scatterFigure: expected one label for each of ${count} points, found ${labels.length}`,
    );
  }
  const Plot = await loadPlot();
  const groups = [...new Set(labels === undefined ? [] : Array.from(labels))].sort((a, b) => a - b);
  const colours = classColours(groups.length);
  const colourOf = new Map(groups.map((group, i) => [group, colours[i] ?? "var(--active)"]));
  const nameOf = (group: number): string => classes?.[group] ?? String(group);
  const dots = Array.from({ length: count }, (_, i) => {
    const group = labels?.[i];
    const colour = (group === undefined ? undefined : colourOf.get(group)) ?? "var(--active)";
    return { x: points[2 * i] ?? 0, y: points[2 * i + 1] ?? 0, group, colour };
  });
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
  const shown = groups.slice(0, LEGEND_ENTRIES);
  const entries = shown.map((group, i) => ({ name: clip(nameOf(group)), colour: colours[i] ?? "" }));
  if (groups.length > shown.length) {
    entries.push({ name: `and ${groups.length - shown.length} more`, colour: "none" });
  }
  const marginRight = groups.length === 0 ? 20 : 130;
  const side = width - 48 - marginRight;
  const axis = { grid: false, ticks: ticks ? 6 : 0, tickSize: 4 };
  return drawFigure(
    title,
    {
      width,
      height: side + 48 + 38,
      yLabel: axes[1],
      marginRight,
      x: { ...axis, domain: xs, label: axes[0] },
      y: { ...axis, domain: ys },
    },
    [
      Plot.frame({ stroke: "var(--hairline)" }),
      Plot.dot(dots, { x: "x", y: "y", fill: "colour", fillOpacity: 0.72, r: count > 1500 ? 2 : 2.8 }),
      circle.length > 0
        ? Plot.line(circle, {
            x: "x",
            y: "y",
            stroke: "currentColor",
            strokeOpacity: 0.6,
            strokeDasharray: "4 4",
          })
        : null,
      groups.length <= 12
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
      groups.length > 0 ? sideLegend(entries, width - marginRight + 18, 54) : null,
    ],
  );
};

const LEGEND_ENTRIES = 28;

/** Latent dimensions from the largest value down. */
export const klOrder = (values: readonly number[]): number[] =>
  Array.from(values.keys()).sort((a, b) => finiteOr(values[b], 0) - finiteOr(values[a], 0));

const isActive = (activity: number | undefined): boolean =>
  activity === undefined || activity > ACTIVE_UNIT_THRESHOLD;

const dimensionAxis = (order: readonly number[]) => ({
  domain: [...order],
  // Beyond forty the numbers would run into each other.
  ticks: order.length <= 40 ? [...order] : [],
  tickSize: 0,
  // Few bars stay slim.
  padding: Math.max(0.25, 1 - 0.07 * order.length),
  label: "latent dimension, by decreasing KL",
});

const finiteOr = (value: number | undefined, otherwise: number): number =>
  value !== undefined && Number.isFinite(value) ? value : otherwise;

const clip = (name: string): string => (name.length > 15 ? `${name.slice(0, 14)}…` : name);

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? 0;
};

/** Two intervals of one length that hold all points, with a little air. */
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
