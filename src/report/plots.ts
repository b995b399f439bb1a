import { drawFigure, type LegendEntry, loadPlot } from "./figure.ts";
import { decimal } from "./format.ts";

/** A curve. Pairs whose `y` is not finite leave a gap. */
export interface Series {
  readonly name: string;
  readonly role: "train" | "test" | "extra";
  /** A colour of its own instead of that of its role. */
  readonly colour?: string;
  readonly x: readonly number[];
  readonly y: readonly (number | undefined)[];
}

/** A unit whose posterior mean varies less than this over the data is inactive (Burda et al., 2015). */
export const ACTIVE_UNIT_THRESHOLD = 0.01;

/** Possible ticks of a root axis of percentages, preferred ones first. */
const ROOT_TICKS = [0, 10, 50, 1, 5, 20, 30, 2, 70, 100, 0.5, 40, 3, 15, 90, 7] as const;
/** Smallest distance between ticks, as a share of the axis. */
const ROOT_GAP = 0.075;

/** At most so many points of a curve can be pointed at; more would only make the file larger. */
const MOST_TOLD = 150;

/**
 * Curves over epochs as one SVG, with a legend. Pointing at a curve tells its value.
 *
 * @param options.yLabel the quantity with its unit, as `nats per image`
 * @param options.yScale `root` is for percentages that fall towards zero and may reach it: it starts at zero and is stretched near it
 */
export const lineFigure = async (options: {
  readonly title: string;
  readonly yLabel: string;
  readonly xLabel?: string;
  readonly series: readonly Series[];
  readonly yScale?: "linear" | "root";
  /** Whether to name the curves above the plot. Default true. */
  readonly legend?: boolean;
  readonly width?: number;
  readonly height?: number;
}): Promise<string> => {
  const { title, yLabel, xLabel = "epoch", series, yScale = "linear", width = 250, height = 225 } = options;
  const Plot = await loadPlot();
  const colourOf = ({ role, colour = `var(--${role})` }: Series): string => colour;
  const points = series.flatMap((one) =>
    one.x.map((value, i) => ({
      x: value,
      y: finiteOr(one.y[i], Number.NaN),
      name: one.name,
      colour: colourOf(one),
    })),
  );
  const epochs = new Set(points.map((point) => point.x)).size;
  const legend = series.map((one): LegendEntry => ({ name: one.name, colour: colourOf(one) }));
  const every = Math.max(1, Math.ceil(epochs / MOST_TOLD));
  const told = points.filter(({ x }, i) => Number.isFinite(points[i].y) && Math.round(x) % every === 0);
  return drawFigure(
    title,
    {
      width,
      height,
      yLabel,
      marginRight: 12,
      // Epochs are whole: never more ticks than epochs.
      x: {
        label: xLabel,
        ticks: Math.max(1, Math.min(Math.round(width / 42), epochs - 1)),
        tickFormat: "d",
        tickSize: 4,
      },
      y: { grid: true, tickSize: 0, ...(yScale === "root" ? rootAxis(points) : { nice: true, ticks: 5 }) },
    },
    [
      Plot.line(points, { x: "x", y: "y", z: "name", stroke: "colour", strokeWidth: 1.8 }),
      epochs <= 30 ? Plot.dot(points, { x: "x", y: "y", r: epochs === 1 ? 3.5 : 2, fill: "colour" }) : null,
      Plot.dot(told, {
        x: "x",
        y: "y",
        r: 6,
        fill: "colour",
        fillOpacity: 0,
        title: ({ x, y, name }) => `${name}, ${xLabel} ${x}: ${told4(y)}`,
      }),
    ],
    options.legend === false ? [] : legend,
  );
};

/** Four digits, or as many as a large number has before the point. */
const told4 = (value: number): string =>
  decimal(value, Math.max(0, 3 - Math.floor(Math.log10(Math.abs(value) || 1))));

/** A square-root axis of percentages, from zero. */
export const rootAxis = (points: readonly { readonly y: number }[]) => {
  const most = points.reduce((top, { y }) => Math.max(top, finiteOr(y, 0)), 0.5);
  const at = (tick: number): number => Math.sqrt(tick / most);
  const ticks: number[] = [];
  for (const tick of ROOT_TICKS) {
    if (tick <= most && ticks.every((other) => Math.abs(at(tick) - at(other)) >= ROOT_GAP)) ticks.push(tick);
  }
  return { type: "sqrt" as const, domain: [0, most], ticks, tickFormat: (tick: number) => String(tick) };
};

/** KL divergence of each latent dimension from its prior, in nats, as bars, largest first. If `activity` is given, inactive units are pale. */
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
      x: dimensionAxis(order, width),
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
  /** Orders the dimensions. Default: by activity. */
  readonly kl?: readonly number[];
  readonly width?: number;
  readonly height?: number;
}): Promise<string> => {
  const { activity, kl, width = 720, height = 210 } = options;
  const Plot = await loadPlot();
  const order = klOrder(kl ?? activity);
  // A logarithm has no zero: collapsed units are at the bottom of the axis.
  const floor = 1e-6;
  const dots = order.map((dimension) => ({
    dimension,
    activity: Math.max(floor, finiteOr(activity[dimension], floor)),
    colour: isActive(activity[dimension]) ? "var(--active)" : "var(--inactive)",
  }));
  const least = Math.min(ACTIVE_UNIT_THRESHOLD / 10, ...dots.map((dot) => dot.activity));
  const most = Math.max(1, ...dots.map((dot) => dot.activity));
  const lowest = Math.floor(Math.log10(least));
  return drawFigure(
    "Activity by latent dimension",
    {
      width,
      height,
      yLabel: "variance of the posterior mean (units of z, squared)",
      x: dimensionAxis(order, width),
      y: {
        type: "log",
        domain: [10 ** lowest, most * 1.3],
        grid: true,
        ticks: Array.from({ length: 1 - lowest }, (_, i) => 10 ** (lowest + i)),
        tickFormat: powerOfTen,
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

/** 0.001 and above in digits, smaller values as a power, so that they fit the margin. */
const powerOfTen = (value: number): string => {
  const exponent = Math.round(Math.log10(value));
  return exponent >= -3 ? String(Number(value.toPrecision(1))) : `10\u207b${SUPERSCRIPTS[-exponent]}`;
};
const SUPERSCRIPTS = "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079";

/** Latent dimensions from the largest value down. */
export const klOrder = (values: readonly number[]): number[] =>
  Array.from(values.keys()).sort((a, b) => finiteOr(values[b], 0) - finiteOr(values[a], 0));

const isActive = (activity: number | undefined): boolean =>
  activity === undefined || activity > ACTIVE_UNIT_THRESHOLD;

const dimensionAxis = (order: readonly number[], width: number) => ({
  domain: [...order],
  // With more, the numbers would overlap.
  ticks: order.length <= width / 18 ? [...order] : [],
  tickSize: 0,
  // With few bars, keep them slim.
  padding: Math.max(0.25, 1 - 0.07 * order.length),
  label: "latent dimension, by decreasing KL",
});

const finiteOr = (value: number | undefined, otherwise: number): number =>
  value !== undefined && Number.isFinite(value) ? value : otherwise;
