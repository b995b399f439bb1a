/** A posterior as a page: intervals, a table, traces with ranks, pairs, energy. */
import { html, raw } from "hono/html";
import { mkdirSync } from "#platform/files";
import { join } from "#platform/paths";
import { UsageError } from "../errors.ts";
import {
  type CheckedStatistic,
  type FitSummary,
  type LaplaceResult,
  type Mcmc,
  type PathfinderResult,
  type Summary,
  type SviFit,
  summary,
} from "../inference/index.ts";
import { anything, checkOptions, type OptionRules, whole } from "../options.ts";
import { counted, decimal } from "./format.ts";
import { card } from "./frame.ts";
import { figure, forScreens, type Markup, page } from "./page.ts";
import {
  checkFigure,
  type DrawnQuantity,
  energyFigure,
  type ForestRow,
  forestFigure,
  pairFigure,
  rankFigure,
  traceFigure,
} from "./posterior-figures.ts";
import { writeOutput } from "./write.ts";

/** What a page can be made of: chains, or draws of an approximation. */
export type ReportedPosterior = Mcmc | LaplaceResult | PathfinderResult | SviFit;

/** Options of {@link report} and {@link renderPosterior}. */
export interface PosteriorReportOptions {
  /** Heading of the page. Default: the program's name, or "Posterior". */
  readonly title?: string;
  /** Names of sites, in the order of the rows. Default all. */
  readonly sites?: readonly string[];
  /** Number of quantities with traces, and of pairs; those whose chains have mixed least come first. Default 6. */
  readonly most?: number;
  /** What `predictiveCheck` found, to be shown with the posterior. Default none. */
  readonly checks?: readonly CheckedStatistic[];
}

const rules: OptionRules<PosteriorReportOptions> = {
  title: anything,
  sites: anything,
  most: whole(0),
  checks: anything,
};

/** At most so many rows have intervals; the table has all. */
const MOST_ROWS = 60;

interface Quantity extends DrawnQuantity {
  readonly row: Summary["rows"][number] | FitSummary["rows"][number];
}

const isChains = (posterior: ReportedPosterior): posterior is Mcmc => "statistics" in posterior;

/** Every number of a posterior, in the order of its summary. */
async function quantitiesOf(
  posterior: ReportedPosterior,
  sites: readonly string[] | undefined,
): Promise<{ readonly found: Summary | FitSummary; readonly quantities: readonly Quantity[] }> {
  const options = sites === undefined ? {} : { sites };
  const found = isChains(posterior)
    ? summary(posterior, options)
    : posterior.method === "svi"
      ? await summary(posterior, options)
      : summary(posterior, options);
  const values = "draw" in posterior ? await posterior.draw() : posterior.values;
  const axes = isChains(posterior) ? 2 : 1;
  let at = 0;
  const quantities = (sites ?? [...values.keys()]).flatMap((site) => {
    const value = values.get(site);
    if (value === undefined) return [];
    const count = value.shape.slice(0, axes).reduce((a, b) => a * b, 1);
    const width = value.shape.slice(axes).reduce((a, b) => a * b, 1);
    return Array.from({ length: width }, (_, k): Quantity => {
      const row = found.rows[at++];
      const draws = Float64Array.from({ length: count }, (_, i) => Number(value.data[i * width + k]));
      return { name: row.name, draws, row };
    });
  });
  return { found, quantities };
}

function forestRow({ name, draws, row }: Quantity): ForestRow {
  const sorted = Float64Array.from(draws).sort();
  const quantile = (q: number): number => {
    const place = q * (sorted.length - 1);
    const low = Math.floor(place);
    return sorted[low] + (place - low) * ((sorted[low + 1] ?? sorted[low]) - sorted[low]);
  };
  return { name, q5: row.q5, q25: quantile(0.25), median: row.median, q75: quantile(0.75), q95: row.q95 };
}

/** Those that vary, the least mixed first. */
function worstFirst(quantities: readonly Quantity[]): readonly Quantity[] {
  const effective = ({ row }: Quantity): number =>
    "essBulk" in row ? Math.min(row.essBulk, row.essTail) : 0;
  return quantities
    .filter(({ row }) => row.sd > 0)
    .map((q, i) => ({ q, i }))
    .sort((a, b) => effective(a.q) - effective(b.q) || a.i - b.i)
    .map(({ q }) => q);
}

/** Pairs to look at: those most correlated by rank among the quantities with the fewest effective draws. */
function pairsOf(quantities: readonly Quantity[], most: number): readonly (readonly [Quantity, Quantity])[] {
  const candidates = worstFirst(quantities).slice(0, 12);
  const ranks = candidates.map(({ draws }) => {
    const order = Array.from(draws, (_, i) => i).sort((i, j) => draws[i] - draws[j]);
    const places = new Float64Array(order.length);
    order.forEach((i, rank) => {
      places[i] = rank / (order.length - 1 || 1) - 0.5;
    });
    return places;
  });
  const correlation = (i: number, j: number): number => {
    let total = 0;
    for (let k = 0; k < ranks[i].length; k++) total += ranks[i][k] * ranks[j][k];
    return Math.abs((12 * total) / ranks[i].length);
  };
  return candidates
    .flatMap((a, i) =>
      candidates.slice(i + 1).map((b, j) => ({ pair: [a, b] as const, r: correlation(i, i + 1 + j) })),
    )
    .sort((a, b) => b.r - a.r)
    .slice(0, most)
    .map(({ pair }) => pair);
}

const number = (value: number, error: number): string =>
  Number.isFinite(value)
    ? decimal(value, Math.min(12, Math.max(0, error > 0 ? Math.ceil(-Math.log10(error)) : 3)))
    : String(value);

function table({ rows }: Summary | FitSummary): Markup {
  const isMixed = rows.some((row) => "rHat" in row);
  const heads = ["", "mean", "sd", "5 %", "50 %", "95 %", ...(isMixed ? ["effective draws", "R̂"] : [])];
  return html`<details${rows.length <= 40 ? raw(" open") : ""}><summary>${counted(rows.length, "quantity").replace("quantitys", "quantities")}</summary><div class="scroll"><table class="numbers named"><thead><tr>${heads.map(
    (head) => html`<th scope="col">${head}</th>`,
  )}</tr></thead><tbody>${rows.map((row) => {
    const cells = [row.mean, row.sd, row.q5, row.median, row.q95].map((v) => number(v, row.mcseMean));
    if ("rHat" in row) cells.push(decimal(Math.min(row.essBulk, row.essTail), 0), decimal(row.rHat, 3));
    return html`<tr><th scope="row">${row.name}</th>${cells.map((cell) => html`<td>${cell}</td>`)}</tr>`;
  })}</tbody></table></div></details>`;
}

function cards(posterior: ReportedPosterior, found: Summary | FitSummary): Markup {
  if (!("energyFractions" in found))
    return html`<dl class="figures">${card("draws", String(found.draws), `of the approximation by ${found.method}`)}</dl>`;
  const least = Math.min(...found.rows.map((row) => Math.min(row.essBulk, row.essTail)));
  const highest = Math.max(...found.rows.map(({ rHat }) => rHat));
  return html`<dl class="figures">${[
    card(
      "draws",
      String(found.chains * found.draws),
      `${counted(found.chains, "chain")} of ${posterior.method.toUpperCase()}`,
    ),
    card("effective draws", decimal(least, 0), "of the quantity with the fewest, centre and tails"),
    card("R̂", decimal(highest, 3), "the highest; 1.01 and below have mixed"),
    card("divergences", String(found.divergences), "transitions that the sampler could not follow"),
  ]}</dl>`;
}

/** Figures side by side. */
const panels = (list: readonly Markup[]): Markup => html`<div class="pair">${list}</div>`;

/**
 * A posterior as one self-contained HTML page: warnings, intervals of all quantities, a table, and for chains traces with ranks, pairs with divergences, and
 * energies. Figures are SVG, legible on a phone, in light and dark.
 *
 * @throws UsageError when there is no such site, or nothing was drawn.
 */
export async function renderPosterior(
  posterior: ReportedPosterior,
  options: PosteriorReportOptions = {},
): Promise<string> {
  checkOptions("renderPosterior", options, rules);
  const { most = 6, checks = [] } = options;
  const { found, quantities } = await quantitiesOf(posterior, options.sites);
  if (quantities.length === 0)
    throw new UsageError("report: the posterior has no latent or deterministic sites to show.");
  const name = "fitted" in posterior ? posterior.fitted.name : "";
  const title = options.title ?? (name === "" ? "Posterior" : name);
  const rows = quantities.slice(0, MOST_ROWS).map(forestRow);
  const cut =
    quantities.length > MOST_ROWS
      ? ` The first ${MOST_ROWS} of ${quantities.length} are drawn; the table has all.`
      : "";
  const warnings = "warnings" in found ? found.warnings : [];
  const chosen = worstFirst(quantities).slice(0, most);
  const pairs = pairsOf(quantities, Math.min(most, 4));
  const chains = isChains(posterior) ? posterior : undefined;
  const half = 340;
  return page(
    title,
    html`<header><h1>${title}</h1></header>
${cards(posterior, found)}
${warnings.map((warning) => html`<p class="wrong">${warning}</p>`)}
<h2>Intervals</h2>
${figure(
  await forScreens((width) => forestFigure(rows, { width })),
  `Medians, with intervals that hold half of the draws (thick) and nine tenths (thin).${cut}`,
)}
${table(found)}
${
  chains !== undefined &&
  chosen.length > 0 &&
  html`<h2>Chains</h2>${figure(
    await Promise.all(
      chosen.map(async (q) =>
        panels([
          html`<div>${raw(await traceFigure(q, chains.chains, { width: half }))}</div>`,
          html`<div>${raw(await rankFigure(q, chains.chains, { width: half }))}</div>`,
        ]),
      ),
    ),
    "Each chain’s values in the order of its draws, and the ranks of its draws among those of all chains, for the quantities with the fewest effective draws. Chains that have mixed lie on one another, and have bars of the same height (dashed).",
  )}`
}
${
  pairs.length > 0 &&
  html`<h2>Pairs</h2>${figure(
    panels(
      await Promise.all(
        pairs.map(
          async (pair) =>
            html`<div>${raw(await pairFigure(pair, chains?.statistics.divergent, { width: half }))}</div>`,
        ),
      ),
    ),
    `The most correlated pairs among the quantities with the fewest effective draws.${chains === undefined ? "" : " Where draws from divergent transitions gather, the posterior is steeper than the sampler’s steps."}`,
  )}`
}
${
  checks.length > 0 &&
  html`<h2>Predictive checks</h2>${figure(
    panels(
      await Promise.all(
        checks.map(async (check) => html`<div>${raw(await checkFigure(check, { width: half }))}</div>`),
      ),
    ),
    "Figures of data sets that the program makes with parameters from its posterior, and those of the data. p is the share of data sets whose figure is at least that of the data; near 0 or 1 the program does not make such data.",
  )}`
}
${
  chains !== undefined &&
  html`<h2>Energy</h2>${figure(
    await forScreens((width) => energyFigure(chains.statistics.energy, chains.chains, { width })),
    "Energies of the draws about their chain’s mean, and changes from draw to draw. Changes that are much narrower say that chains move slowly through the tails.",
  )}`
}`,
  );
}

/**
 * Writes a posterior as `posterior.html` to a folder, which is made if it is missing. The file is written whole or not at all.
 *
 * @returns the path
 *
 * @example
 * await report(await nuts(eightSchools).run([y]), "runs/eight-schools");
 *
 * @throws UsageError when there is no such site, or nothing was drawn.
 * @throws CheckpointError when the file cannot be written.
 */
export async function report(
  posterior: ReportedPosterior,
  folder: string,
  options: PosteriorReportOptions = {},
): Promise<string> {
  const content = await renderPosterior(posterior, options);
  mkdirSync(folder, { recursive: true });
  const path = join(folder, "posterior.html");
  await writeOutput(path, content);
  return path;
}
