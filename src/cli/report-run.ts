/** Evaluation and report of a run, told as they go. */
import type { Dataset } from "../data/index.ts";
import { writeReport } from "../report/index.ts";
import { type Assessment, type AssessOptions, assess, type openTrained, reportData } from "../run/index.ts";
import { type Figures, figuresOf, summaryLines } from "./summary.ts";
import type { Say, Terminal } from "./terminal.ts";

export interface Opened extends Pick<Awaited<ReturnType<typeof openTrained>>, "run" | "trained"> {
  readonly test: Dataset;
}

export interface Telling {
  readonly terminal: Terminal;
  readonly options: { readonly json?: boolean; readonly quiet?: boolean };
  readonly say: Say;
}

/** Evaluates with a line of progress where there is a terminal. */
export async function assessAloud(
  { trained, test }: Pick<Opened, "trained" | "test">,
  { terminal, options }: Telling,
  settings: AssessOptions = {},
): Promise<Assessment> {
  const stream = options.json ? terminal.err : terminal.out;
  const live = stream.isTTY === true && options.quiet !== true;
  const clear = () => live && stream.write("\r\x1b[K");
  if (live) stream.write("Evaluating …");
  try {
    return await assess(trained, test, {
      ...settings,
      ...(live && {
        onRows: (done: number, of: number) =>
          stream.write(`\r\x1b[KLog-likelihood: ${Math.floor((100 * done) / of)} %`),
      }),
    });
  } finally {
    clear();
  }
}

/** Evaluates, writes `report.html` and the pictures into the run's folder, and says so. */
export async function makeReport(
  opened: Opened,
  telling: Telling,
  settings: AssessOptions = {},
): Promise<{ readonly figures: Figures; readonly files: readonly string[] }> {
  const { run, trained, test } = opened;
  const assessment = await assessAloud(opened, telling, settings);
  const figures = figuresOf(assessment);
  for (const line of summaryLines(figures)) telling.say(line);
  const seed = run.settings.train.seed;
  const data = await reportData(run, trained, test, { assessment, seed });
  const files = await writeReport(run.path, data, { seed });
  for (const path of files) telling.say(`Written: ${path}`);
  return { figures, files };
}
