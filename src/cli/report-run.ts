/** Evaluation and report of a run, told as they go. */
import { type Dataset, hasLabels } from "../data/index.ts";
import { type ReportData, writeReport } from "../report/index.ts";
import {
  type Assessment,
  type AssessOptions,
  assess,
  assessLabelled,
  classReportData,
  isLabelled,
  type LabelledAssessOptions,
  openClassifier,
  openTrained,
  type RunData,
  readRun,
  reportData,
  shownRows,
  type Trained,
} from "../run/index.ts";
import { type LabelledFigures, labelledFiguresOf, labelledLines } from "./labelled-summary.ts";
import { type Figures, figuresOf, summaryLines } from "./summary.ts";
import type { Say, Terminal } from "./terminal.ts";

export interface Telling {
  readonly terminal: Terminal;
  readonly options: { readonly json?: boolean; readonly quiet?: boolean };
  readonly say: Say;
}

/** Runs `work` with a line of progress where there is a terminal. */
async function withProgress<T>(
  { terminal, options }: Telling,
  work: (show?: (line: string) => void) => Promise<T>,
): Promise<T> {
  const stream = options.json ? terminal.err : terminal.out;
  const live = stream.isTTY === true && options.quiet !== true;
  if (!live) return work();
  stream.write("Evaluating …");
  try {
    return await work((line) => stream.write(`\r\x1b[K${line}`));
  } finally {
    stream.write("\r\x1b[K");
  }
}

/** Evaluates with a line of progress where there is a terminal. */
export const assessAloud = (
  { trained, test }: { readonly trained: Trained; readonly test: Dataset },
  telling: Telling,
  settings: AssessOptions = {},
): Promise<Assessment> =>
  withProgress(telling, (show) =>
    assess(trained, test, {
      ...settings,
      ...(show && { onRows: (done, of) => show(`Log-likelihood: ${Math.floor((100 * done) / of)} %`) }),
    }),
  );

/** What is measured for a report. */
export interface ReportMeasures {
  /** Rows of the log-likelihood. Default 2000. */
  readonly rows?: number | "all";
  /** Importance samples of the log-likelihood. Default 500. */
  readonly samples?: number;
  readonly bayesRows?: number | "all";
  readonly bayesSamples?: number;
}

/** What a report was made from: of a model that learnt from labels nothing where no test row has one. */
export interface Reported {
  readonly figures: Figures | LabelledFigures | undefined;
  readonly files: readonly string[];
}

/** Evaluates, writes `report.html` and the pictures into the run's folder, and says so. */
export async function makeReport(
  path: string,
  data: RunData,
  telling: Telling,
  measures: ReportMeasures = {},
): Promise<Reported> {
  const { settings } = readRun(path);
  const { report, figures, lines } = isLabelled(settings)
    ? await labelledReport(path, data, telling, measures)
    : await plainReport(path, data, telling, measures);
  for (const line of lines) telling.say(line);
  const files = await writeReport(path, report, { seed: settings.train.seed });
  for (const file of files) telling.say(`Written: ${file}`);
  return { figures, files };
}

interface Measured {
  readonly report: ReportData;
  readonly figures: Reported["figures"];
  readonly lines: readonly string[];
}

const assessOptions = ({ rows, samples }: ReportMeasures, shown: Dataset): AssessOptions => ({
  ...(samples !== undefined && { importanceSamples: samples }),
  ...(rows !== undefined && { likelihoodRows: rows === "all" ? shown.rows : rows }),
});

async function plainReport(
  path: string,
  data: RunData,
  telling: Telling,
  measures: ReportMeasures,
): Promise<Measured> {
  const { run, trained } = await openTrained(path);
  const { rows, part } = shownRows(data);
  const assessment = await assessAloud({ trained, test: rows }, telling, assessOptions(measures, rows));
  const figures = figuresOf(assessment);
  const { seed } = run.settings.train;
  const report = await reportData(run, trained, rows, { assessment, part, seed });
  return { report, figures, lines: summaryLines(figures) };
}

async function labelledReport(
  path: string,
  data: RunData,
  telling: Telling,
  measures: ReportMeasures,
): Promise<Measured> {
  const opened = await openClassifier(path);
  const { trained } = opened;
  const { rows } = shownRows(data);
  const vae =
    trained.kind === "m1"
      ? await assessAloud({ trained: trained.vae, test: rows }, telling, assessOptions(measures, rows))
      : undefined;
  const { test, validation } = data;
  const { bayesSamples, bayesRows } = measures;
  const options: LabelledAssessOptions = {
    ...(validation && { validation }),
    ...(bayesSamples !== undefined && { bayesSamples }),
    ...(typeof bayesRows === "number" && { bayesRows }),
  };
  const assessment =
    test && hasLabels(test)
      ? await withProgress(telling, () => assessLabelled(trained, test, options))
      : undefined;
  const report = await classReportData(opened, data, {
    ...(assessment && { assessment }),
    ...(vae && { vae }),
  });
  if (assessment === undefined) return { report, figures: undefined, lines: [] };
  const figures = labelledFiguresOf(assessment);
  return { report, figures, lines: labelledLines(figures) };
}
