/** What `tightbound impute` does after its command line is parsed. */
import {
  applicable,
  type Dataset,
  decodeCell,
  encodeTable,
  featureLayout,
  isTableFile,
  readingOptions,
  readTable,
  TABLE_KINDS,
  type TablePreprocessing,
  type TextTable,
} from "../data/index.ts";
import { InternalError, UsageError } from "../errors.ts";
import type { ImputeOptions } from "../kinds/index.ts";
import { type Cell, hideCells, imputationError, imputeMeans, imputeNearest } from "../models/index.ts";
import { checkVerb, openRun, readRun, reloadData } from "../runs/index.ts";
import { checkExtension, save } from "./output.ts";
import { type CsvOutput, type Table, toCsv } from "./table.ts";
import { type Context, grouped, percent, printJson, speaker } from "./terminal.ts";
import { tellTrainingRows } from "./training-rows.ts";
import { inFlags } from "./wording.ts";

/** Options as commander reads them. */
export interface ImputeFlags extends CsvOutput, ImputeOptions {
  readonly data?: string;
  /** The share of known cells that are hidden, to measure how accurately they are imputed. */
  readonly check: number;
  readonly out?: string;
  readonly json?: true;
}

/** The accuracy of one way to fill cells. */
interface Figures {
  readonly rmse: number | null;
  readonly right: number | null;
}

export async function imputeVerb(
  path: string,
  { data, check, out = `${path}/imputed.csv`, json, rawCells = false, ...options }: ImputeFlags,
  context: Context,
): Promise<void> {
  checkExtension(out, [".csv"], "imputed rows");
  checkVerb(readRun(path), "impute");
  const { kind, run, trained } = await openRun(path);
  const { settings } = run;
  const { table: known, reading } = settings.data;
  const spec = data ?? settings.data.spec;
  if (known === undefined || !isTableFile(spec)) {
    throw new UsageError(
      `impute: expected a run that was trained on a table, and a file of that kind (${TABLE_KINDS}); found ${known === undefined ? `a run on ${settings.data.name}` : spec}.`,
    );
  }
  const say = speaker(context.terminal, { json: json === true });
  const { preprocessing } = known;
  const table = await readTable(spec, applicable(spec, readingOptions(reading)));
  const { dataset, notes } = encodeTable(table, preprocessing);
  for (const note of notes) say(inFlags(note));
  const fill = (rows: Dataset, how: ImputeOptions): Promise<Float32Array> => {
    if (kind.impute === undefined) {
      throw new InternalError(`${settings.model.model} declares impute but does not implement it`);
    }
    return kind.impute(trained, rows, how);
  };
  const filled = await fill(dataset, options);
  const completions = options.draws ?? 1;
  const { table: written, count } = filledTable(
    table,
    dataset,
    preprocessing,
    filled,
    completions,
    options.draws,
  );
  await save(out, toCsv(written, { rawCells }));
  const accuracy =
    check > 0
      ? await accuracyOf(
          dataset,
          preprocessing,
          check,
          options.seed ?? 0,
          fill,
          async () => (await reloadData(settings)).train,
        )
      : undefined;
  const remembered = accuracy === undefined ? undefined : await tellTrainingRows(settings, dataset, say);
  if (json) {
    printJson(context.terminal, {
      run: path,
      data: dataset.name,
      rows: dataset.rows,
      cells: count,
      draws: options.draws ?? null,
      ...(accuracy && { hidden: accuracy.hidden, accuracy: accuracy.ways }),
      ...(remembered !== undefined && { trainingRows: remembered }),
      file: out,
    });
    return;
  }
  say(
    `${grouped(count)} missing cells of ${grouped(dataset.rows)} rows of ${dataset.name} filled by ${options.draws === undefined ? "posterior means" : `${options.draws} draws from the posterior`}, written to ${out}`,
  );
  if (accuracy === undefined) return;
  say(`${grouped(accuracy.hidden)} known cells were hidden at random and filled too:`);
  for (const [name, { rmse, right }] of Object.entries(accuracy.ways)) {
    const figures = [
      ...(rmse === null ? [] : [`numbers off by ${rmse.toFixed(3)} standard deviations (root mean square)`]),
      ...(right === null ? [] : [`${percent(right)} of categories right`]),
    ];
    say(`  ${name.padEnd(20)}${figures.join(", ")}`);
  }
}

/** The file's table with its blank cells filled; with several draws, the whole table once for each draw. */
function filledTable(
  table: TextTable,
  { rowNames = [], rowNoun = "row" }: Dataset,
  { columns }: TablePreprocessing,
  filled: Float32Array,
  completions: number,
  draws: number | undefined,
): { readonly table: Table; readonly count: number } {
  const { features, columns: places } = featureLayout({ columns });
  const at = new Map(columns.map((column, i) => [column.name, { column, ...places[i] }]));
  const named = table.columns.includes(rowNoun);
  let count = 0;
  const lines: (readonly (string | number)[])[] = [];
  for (let d = 0; d < completions; d++) {
    table.rows.forEach((cells, row) => {
      const start = (d * table.rows.length + row) * features;
      const full = cells.map((cell, i) => {
        const found = cell === "" ? at.get(table.columns[i]) : undefined;
        if (found === undefined) return cell;
        if (d === 0) count++;
        const from = start + found.start;
        return decodeCell(found.column, filled.subarray(from, from + found.width));
      });
      const heads = [...(named ? [] : [rowNames[row]]), ...(draws === undefined ? [] : [d + 1])];
      lines.push([...heads, ...full]);
    });
  }
  const heads = [...(named ? [] : [rowNoun]), ...(draws === undefined ? [] : ["draw"])];
  return { table: { columns: [...heads, ...table.columns], rows: lines }, count };
}

/** The accuracy on known cells that were hidden, filled by the model, by means and from the nearest rows. */
async function accuracyOf(
  rows: Dataset,
  preprocessing: TablePreprocessing,
  share: number,
  seed: number,
  fill: (rows: Dataset, how: ImputeOptions) => Promise<Float32Array>,
  training: () => Promise<Dataset>,
): Promise<{ readonly hidden: number; readonly ways: Readonly<Record<string, Figures>> } | undefined> {
  const layout = featureLayout(preprocessing);
  const { rows: gappy, hidden } = hideCells(rows, layout, { share, seed });
  if (hidden.length === 0) return undefined;
  // Means and neighbours come from the training rows or, if these are gone, from the file's own rows without the hidden cells.
  const known = await training().catch(() => gappy);
  const error = (values: Float32Array): Figures => {
    const { rmse = null, right = null } = imputationError(rows, values, hidden as readonly Cell[], layout);
    return { rmse, right };
  };
  return {
    hidden: hidden.length,
    ways: {
      posterior: error(await fill(gappy, { seed })),
      mean: error(imputeMeans(gappy, known)),
      "5 nearest rows": error(imputeNearest(gappy, known === gappy ? gappy : known)),
    },
  };
}
