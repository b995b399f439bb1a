/** Plots of how well a model classifies. */
import { ShapeError } from "../errors.ts";
import { drawFigure, loadPlot } from "./figure.ts";
import { clip, percent, whole } from "./format.ts";
import type { ConfidenceBin } from "./measured.ts";

/** With more classes, counts do not fit in the cells of a confusion matrix. */
const MOST_COUNTED = 20;

/**
 * A confusion matrix as one SVG: a row per true class and a column per predicted class, with mistakes shaded by their share of the row,
 * relative to the largest such share, and the error of each row beside it.
 *
 * @param options.counts `[true class][predicted class]`
 * @throws ShapeError when the counts do not fit the classes.
 */
export const confusionFigure = async (options: {
  readonly title: string;
  readonly counts: readonly (readonly number[])[];
  readonly classes: readonly string[];
  readonly width?: number;
}): Promise<string> => {
  const { title, counts, classes, width = 720 } = options;
  if ([counts, ...counts].some((side) => side.length !== classes.length)) {
    throw new ShapeError(
      `confusionFigure: expected counts of ${classes.length} × ${classes.length} classes, found rows of ` +
        `${counts.map((row) => row.length).join(", ")}`,
    );
  }
  const Plot = await loadPlot();
  const names = classes.map(clip);
  const cells = counts.flatMap((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return row.map((count, predicted) => ({
      truth,
      predicted,
      count,
      share: total > 0 ? count / total : 0,
      right: truth === predicted,
    }));
  });
  const errors = counts.map((row, truth) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return { truth, error: total > 0 ? percent(1 - row[truth] / total, 1) : "–" };
  });
  const worst = Math.max(Number.MIN_VALUE, ...cells.filter(({ right }) => !right).map(({ share }) => share));
  const longest = Math.max(...names.map((name) => name.length));
  const narrow = width < 500;
  const [marginLeft, marginRight] = [Math.max(narrow ? 30 : 64, (narrow ? 14 : 30) + longest * 6.4), 70];
  const cellWidth = (width - marginLeft - marginRight) / classes.length;
  const cellHeight = Math.max(14, Math.min(38, 400 / classes.length));
  const slanted = longest * 6.4 > cellWidth;
  const marginBottom = slanted ? 34 + longest * 4.6 : 46;
  const axis = {
    domain: classes.map((_, i) => i),
    tickFormat: (i: number) => names[i],
    tickSize: 0,
    padding: 0.03,
  };
  const digits = Math.max(...cells.map(({ count }) => whole(count).length));
  const counted = classes.length <= MOST_COUNTED && digits * 6.3 <= cellWidth;
  return drawFigure(
    title,
    {
      width,
      height: 48 + cellHeight * classes.length + marginBottom,
      marginLeft,
      marginRight,
      marginBottom,
      yLabel: "true class",
      yArrow: "↓",
      x: { ...axis, label: "predicted class", tickRotate: slanted ? -40 : 0 },
      y: { ...axis },
    },
    [
      Plot.cell(cells, {
        x: "predicted",
        y: "truth",
        inset: 1,
        rx: 2,
        fill: ({ right }) => (right ? "var(--active)" : "var(--extra)"),
        fillOpacity: ({ right, share }) => (right ? 0.16 : share === 0 ? 0.03 : 0.12 + (0.5 * share) / worst),
      }),
      counted
        ? Plot.text(cells, {
            x: "predicted",
            y: "truth",
            text: ({ count }) => (count === 0 ? "" : whole(count)),
            fill: "var(--ink)",
            fontVariant: "tabular-nums",
          })
        : null,
      Plot.text(errors, { y: "truth", text: "error", frameAnchor: "right", textAnchor: "start", dx: 12 }),
      Plot.text(["wrong"], {
        frameAnchor: "top-right",
        textAnchor: "start",
        dx: 12,
        dy: -17,
        fill: "var(--muted)",
      }),
    ],
  );
};

/**
 * Accuracy against confidence as one SVG: a bar per non-empty bin, a stroke at its mean confidence, and the line on which the two are
 * equal.
 */
export const reliabilityFigure = async (
  bins: readonly ConfidenceBin[],
  { width = 350, height = 320 }: { readonly width?: number; readonly height?: number } = {},
): Promise<string> => {
  const Plot = await loadPlot();
  const held = bins.filter(({ rows }) => rows > 0);
  const across = { x1: "from", x2: "to", insetLeft: 1, insetRight: 1 } as const;
  return drawFigure(
    "Reliability",
    {
      width,
      height,
      marginRight: 12,
      yLabel: "share that is correct",
      x: { ...shareAxis, label: "confidence" },
      y: { ...shareAxis, grid: true },
    },
    [
      Plot.rectY(held, { ...across, y1: 0, y2: "accuracy", fill: "var(--active)", fillOpacity: 0.55 }),
      Plot.ruleY(held, { x1: "from", x2: "to", y: "confidence", stroke: "var(--extra)", strokeWidth: 2.5 }),
      Plot.line(
        [
          [0, 0],
          [1, 1],
        ],
        { stroke: "currentColor", strokeOpacity: 0.7, strokeDasharray: "4 4" },
      ),
    ],
    [
      { name: "accuracy", colour: "var(--active)" },
      { name: "confidence", colour: "var(--extra)" },
    ],
  );
};

/** The number of rows by confidence, as one SVG. */
export const confidenceFigure = async (
  bins: readonly ConfidenceBin[],
  { width = 350, height = 320 }: { readonly width?: number; readonly height?: number } = {},
): Promise<string> => {
  const Plot = await loadPlot();
  const total = bins.reduce((sum, { rows }) => sum + rows, 0);
  const shares = bins.map(({ from, to, rows }) => ({
    from,
    to,
    share: total > 0 ? (100 * rows) / total : 0,
  }));
  return drawFigure(
    "Confidence",
    {
      width,
      height,
      marginRight: 12,
      yLabel: "% of rows",
      x: { ...shareAxis, label: "confidence" },
      y: { nice: true, grid: true, ticks: 5, tickSize: 0 },
    },
    [
      Plot.rectY(shares, {
        x1: "from",
        x2: "to",
        y: "share",
        insetLeft: 1,
        insetRight: 1,
        fill: "var(--active)",
        fillOpacity: 0.55,
      }),
      Plot.ruleY([0], { stroke: "currentColor", strokeOpacity: 0.5 }),
    ],
  );
};

const shareAxis = { domain: [0, 1], ticks: 5, tickSize: 0, nice: false } as const;
