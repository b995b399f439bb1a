/** Figures of a posterior's draws: traces, ranks, intervals, pairs, energies and predictive checks, each one SVG. */
import { UsageError } from "../errors.ts";
import type { CheckedStatistic } from "../inference/index.ts";
import { drawFigure, loadPlot } from "./figure.ts";
import { clip, decimal } from "./format.ts";
import { classColours } from "./theme.ts";

/** One number of a program with its draws, chain after chain. */
export interface DrawnQuantity {
  readonly name: string;
  readonly draws: ArrayLike<number>;
}

/** How wide a figure is. */
export interface FigureSize {
  /** Pixels. Default 720. */
  readonly width?: number;
}

const MOST_POINTS = 250;

/** The colour of a chain. */
const chainColours = (chains: number): readonly string[] => classColours(chains);

function drawsOf({ name, draws }: DrawnQuantity, chains: number): number {
  const count = draws.length / chains;
  if (Number.isInteger(count) && count >= 1) return count;
  throw new UsageError(
    `'${name}' has ${draws.length} draws, which are not those of ${chains} chains of one length.`,
  );
}

/** Values in the order of draws, a line for each chain. Lines that lie on one another have mixed. At most 250 points of each chain are drawn. */
export async function traceFigure(
  quantity: DrawnQuantity,
  chains: number,
  { width = 720 }: FigureSize = {},
): Promise<string> {
  const Plot = await loadPlot();
  const count = drawsOf(quantity, chains);
  const every = Math.max(1, Math.ceil(count / MOST_POINTS));
  const colours = chainColours(chains);
  const points = Array.from({ length: chains }, (_, chain) =>
    Array.from({ length: Math.ceil(count / every) }, (_, i) => ({
      draw: i * every + 1,
      value: Number(quantity.draws[chain * count + i * every]),
      chain,
      colour: colours[chain],
    })),
  ).flat();
  return drawFigure(
    quantity.name,
    {
      width,
      height: 190,
      yLabel: "value",
      marginRight: 12,
      marginLeft: 56,
      x: { label: "draw", ticks: Math.max(2, Math.round(width / 90)), tickSize: 4 },
      y: { grid: true, nice: true, ticks: 4, tickSize: 0 },
    },
    [
      Plot.line(points, {
        x: "draw",
        y: "value",
        z: "chain",
        stroke: "colour",
        strokeWidth: 0.9,
        strokeOpacity: 0.85,
      }),
    ],
  );
}

const RANK_BINS = 20;

/**
 * Ranks among the draws of all chains together, a histogram for each chain (Vehtari et al. 2021). Chains that have mixed have bars of the same height; a
 * slope is a chain that stays high or low, a hump one that moves less than the others.
 */
export async function rankFigure(
  quantity: DrawnQuantity,
  chains: number,
  { width = 720 }: FigureSize = {},
): Promise<string> {
  const Plot = await loadPlot();
  const count = drawsOf(quantity, chains);
  const total = count * chains;
  const order = Array.from({ length: total }, (_, i) => i).sort(
    (i, j) => Number(quantity.draws[i]) - Number(quantity.draws[j]) || i - j,
  );
  const bins = Math.min(RANK_BINS, count);
  const counts = Array.from({ length: chains }, () => new Array<number>(bins).fill(0));
  order.forEach((i, rank) => {
    counts[Math.floor(i / count)][Math.floor((rank * bins) / total)]++;
  });
  const colours = chainColours(chains);
  const highest = Math.max(...counts.flat());
  // A lane for each chain, the first on top. Facets would repeat the figure's heading.
  const height = (n: number): number => (0.88 * n) / highest;
  const floor = (chain: number): number => chains - 1 - chain;
  const bars = counts.flatMap((list, chain) =>
    list.map((n, bin) => ({
      from: (bin * total) / bins,
      to: ((bin + 1) * total) / bins,
      low: floor(chain),
      high: floor(chain) + height(n),
      colour: colours[chain],
      told: `chain ${chain + 1}: ${n} draws`,
    })),
  );
  const lanes = Array.from({ length: chains }, (_, chain) => floor(chain));
  return drawFigure(
    quantity.name,
    {
      width,
      height: 60 + 38 * chains + 30,
      yLabel: "draws of each chain",
      marginRight: 22,
      marginLeft: 56,
      x: { label: "rank among all draws", ticks: Math.max(2, Math.round(width / 110)), tickSize: 4 },
      y: {
        domain: [0, chains],
        ticks: lanes.map((low) => low + 0.44),
        tickFormat: (at: number) => `chain ${chains - Math.floor(at)}`,
        tickSize: 0,
      },
    },
    [
      Plot.rectY(bars, {
        x1: "from",
        x2: "to",
        y1: "low",
        y2: "high",
        fill: "colour",
        fillOpacity: 0.75,
        insetRight: 1,
        title: "told",
      }),
      Plot.ruleY(
        lanes.map((low) => low + height(count / bins)),
        { stroke: "currentColor", strokeOpacity: 0.55, strokeDasharray: "3 3" },
      ),
      Plot.ruleY(lanes, { stroke: "var(--hairline)" }),
    ],
  );
}

/** An interval of a quantity: median, half of its draws, and nine tenths. */
export interface ForestRow {
  readonly name: string;
  readonly q5: number;
  readonly q25: number;
  readonly median: number;
  readonly q75: number;
  readonly q95: number;
}

/** Medians with intervals of 50 % (thick) and 90 % (thin), a row for each quantity. */
export async function forestFigure(
  rows: readonly ForestRow[],
  { width = 720 }: FigureSize = {},
): Promise<string> {
  const Plot = await loadPlot();
  // A letter takes some 6.2 px; names beyond a third of the width are cut.
  const most = Math.max(8, Math.floor(width / 3 / 6.2));
  const short = (name: string): string => (name.length > most ? `${name.slice(0, most - 1)}…` : name);
  const shown = rows.map((row, i) => ({ ...row, key: String(i) }));
  const names = new Map(shown.map(({ key, name }) => [key, short(name)]));
  const longest = Math.max(...rows.map(({ name }) => short(name).length), 1);
  const spans = rows.some(({ q5, q95 }) => q5 < 0 && q95 > 0) || rows.some(({ q5 }) => q5 === 0);
  return drawFigure(
    "Posterior intervals",
    {
      width,
      height: 48 + 42 + 18 * rows.length,
      yLabel: "median, 50 % and 90 %",
      yArrow: "↓",
      marginLeft: 14 + longest * 6.2,
      marginRight: 14,
      x: { label: "value", grid: true, nice: true, ticks: Math.max(3, Math.round(width / 100)), tickSize: 4 },
      y: {
        domain: shown.map(({ key }) => key),
        tickFormat: (key: string) => names.get(key) ?? key,
        tickSize: 0,
        type: "point",
        padding: 0.6,
      },
    },
    [
      spans ? Plot.ruleX([0], { stroke: "currentColor", strokeOpacity: 0.35 }) : null,
      Plot.ruleY(shown, { x1: "q5", x2: "q95", y: "key", stroke: "var(--test)", strokeWidth: 1.4 }),
      Plot.ruleY(shown, {
        x1: "q25",
        x2: "q75",
        y: "key",
        stroke: "var(--test)",
        strokeWidth: 4.5,
        strokeLinecap: "round",
      }),
      Plot.dot(shown, {
        x: "median",
        y: "key",
        r: 3.4,
        fill: "var(--paper)",
        stroke: "var(--test)",
        strokeWidth: 1.8,
        title: ({ name, q5, median, q95 }: ForestRow) =>
          `${name}: ${median.toPrecision(4)} (90 %: ${q5.toPrecision(4)} to ${q95.toPrecision(4)})`,
      }),
    ],
  );
}

const MOST_DOTS = 1_200;

/**
 * Two quantities against each other. Draws from divergent transitions are drawn on top, in a colour of their own: where they gather, the sampler could not
 * follow the posterior.
 *
 * @param divergent 1 for each draw whose transition diverged
 */
export async function pairFigure(
  [a, b]: readonly [DrawnQuantity, DrawnQuantity],
  divergent: ArrayLike<number> | undefined,
  { width = 720 }: FigureSize = {},
): Promise<string> {
  const Plot = await loadPlot();
  if (a.draws.length !== b.draws.length)
    throw new UsageError(`'${a.name}' has ${a.draws.length} draws and '${b.name}' ${b.draws.length}.`);
  const every = Math.max(1, Math.ceil(a.draws.length / MOST_DOTS));
  const point = (i: number) => ({ x: Number(a.draws[i]), y: Number(b.draws[i]) });
  const all = Array.from({ length: a.draws.length }, (_, i) => i);
  const bad = all.filter((i) => divergent?.[i] === 1);
  const good = all.filter((i) => i % every === 0 && divergent?.[i] !== 1);
  const axis = { nice: true, tickSize: 4, ticks: Math.max(3, Math.round(width / 110)) };
  return drawFigure(
    `${clip(a.name)} and ${clip(b.name)}`,
    {
      width,
      height: Math.round(width * 0.8) + 40,
      yLabel: b.name,
      marginRight: 14,
      marginLeft: 56,
      x: { ...axis, label: a.name },
      y: { ...axis, ticks: 5 },
    },
    [
      Plot.frame({ stroke: "var(--hairline)" }),
      Plot.dot(good.map(point), { x: "x", y: "y", r: 1.9, fill: "var(--test)", fillOpacity: 0.4 }),
      Plot.dot(bad.map(point), {
        x: "x",
        y: "y",
        r: 3,
        fill: "var(--extra)",
        stroke: "var(--paper)",
        strokeWidth: 0.6,
      }),
    ],
    bad.length === 0 ? [] : [{ name: "divergent", colour: "var(--extra)" }],
  );
}

/** Numbers in bins of one width, as shares per bin. */
function histogram(values: readonly number[], low: number, high: number, bins: number) {
  const counts = new Array<number>(bins).fill(0);
  for (const v of values)
    counts[Math.min(bins - 1, Math.max(0, Math.floor(((v - low) / (high - low)) * bins)))]++;
  return counts.map((n, i) => ({
    from: low + (i * (high - low)) / bins,
    to: low + ((i + 1) * (high - low)) / bins,
    share: n / values.length,
  }));
}

/**
 * The energies of draws, about each chain's mean, and their changes from draw to draw (Betancourt 2016). Where the changes are much narrower, momentum does
 * not carry chains through the tails.
 */
export async function energyFigure(
  energies: ArrayLike<number>,
  chains: number,
  { width = 720 }: FigureSize = {},
): Promise<string> {
  const Plot = await loadPlot();
  const count = drawsOf({ name: "the energy", draws: energies }, chains);
  const centred: number[] = [];
  const changes: number[] = [];
  for (let chain = 0; chain < chains; chain++) {
    const own = Array.from({ length: count }, (_, i) => Number(energies[chain * count + i]));
    const mean = own.reduce((sum, v) => sum + v, 0) / count;
    centred.push(...own.map((v) => v - mean));
    changes.push(...own.slice(1).map((v, i) => v - own[i]));
  }
  const shown = [
    { name: "energy", values: centred, colour: "var(--train)" },
    { name: "change", values: changes, colour: "var(--test)" },
  ].filter(({ values }) => values.length > 0);
  const largest = Math.max(
    1e-12,
    ...shown.flatMap(({ values }) => values.map(Math.abs)).filter(Number.isFinite),
  );
  const bins = 41;
  return drawFigure(
    "Energy",
    {
      width,
      height: 220,
      yLabel: "share of draws",
      marginRight: 12,
      x: { label: "nats", ticks: Math.max(3, Math.round(width / 90)), tickSize: 4 },
      y: { grid: true, nice: true, ticks: 4, tickSize: 0 },
    },
    shown.map(({ values, colour }) =>
      Plot.rectY(histogram(values.filter(Number.isFinite), -largest, largest, bins), {
        x1: "from",
        x2: "to",
        y: "share",
        fill: colour,
        fillOpacity: 0.5,
      }),
    ),
    shown.map(({ name, colour }) => ({ name, colour })),
  );
}

const CHECK_BINS = 30;

/**
 * A predictive check: a figure of replicated data sets as a histogram, and that of the data as a line. Where the line is outside the bars, the program does not make
 * such data.
 */
export async function checkFigure(
  { site, statistic, observed, replicated, p }: CheckedStatistic,
  { width = 720 }: FigureSize = {},
): Promise<string> {
  const Plot = await loadPlot();
  const values = Array.from(replicated).filter(Number.isFinite);
  if (values.length === 0 || !Number.isFinite(observed)) {
    throw new UsageError(
      `checkFigure: the ${statistic} of '${site}' is ${observed} for the data, and finite for ${values.length} of ${replicated.length} replicated data sets; expected finite numbers.`,
    );
  }
  const all = [...values, observed];
  const [least, most] = [Math.min, Math.max].map((of) => all.reduce((a, b) => of(a, b)));
  // All data sets may have one value, such as the least count, 0.
  const margin = least === most ? Math.max(0.5, Math.abs(least) * 0.01) : (most - least) * 0.03;
  return drawFigure(
    `${statistic} of ${site}`,
    {
      width,
      height: 190,
      yLabel: "share of data sets",
      marginRight: 12,
      x: { label: statistic, ticks: Math.max(2, Math.round(width / 90)), tickSize: 4 },
      y: { grid: true, nice: true, ticks: 4, tickSize: 0 },
    },
    [
      Plot.rectY(histogram(values, least - margin, most + margin, CHECK_BINS), {
        x1: "from",
        x2: "to",
        y: "share",
        fill: "var(--train)",
        fillOpacity: 0.5,
      }),
      Plot.ruleX([observed], { stroke: "var(--test)", strokeWidth: 2 }),
    ],
    [
      { name: "replicated", colour: "var(--train)" },
      { name: `data, p = ${decimal(p, 2)}`, colour: "var(--test)" },
    ],
  );
}
