/** Measures a run, with a progress line if there is a terminal. */
import type { Dataset } from "../data/index.ts";
import type { MeasureOptions } from "../kinds/index.ts";
import type { Measured } from "../report/index.ts";
import type { OpenedRun } from "../runs/index.ts";
import type { Say, Terminal } from "./terminal.ts";

/** Where and how a verb writes. */
export interface Output {
  readonly terminal: Terminal;
  readonly options: { readonly json?: boolean; readonly quiet?: boolean };
  readonly say: Say;
}

/** The flags that set how much is measured. */
export interface MeasureFlags {
  /** Number of rows for the log-likelihood. Default 2000. */
  readonly rows?: number | "all";
  /** Importance samples for the log-likelihood. Default 500. */
  readonly samples?: number;
  readonly bayesRows?: number | "all";
  readonly bayesSamples?: number;
}

/** Measures a run on rows. */
export async function measured(
  { kind, trained }: OpenedRun,
  rows: Dataset,
  { terminal, options }: Output,
  flags: MeasureFlags = {},
  more: Pick<MeasureOptions, "validation" | "full"> = {},
): Promise<Measured> {
  const stream = options.json ? terminal.err : terminal.out;
  const live = stream.isTTY === true && options.quiet !== true;
  const { samples, bayesSamples, bayesRows } = flags;
  const likelihoodRows = flags.rows === "all" ? rows.rows : flags.rows;
  if (live) stream.write("Evaluating …");
  try {
    return await kind.measure(trained, rows, {
      ...more,
      ...(samples !== undefined && { samples }),
      ...(likelihoodRows !== undefined && { rows: likelihoodRows }),
      ...(bayesSamples !== undefined && { bayesSamples }),
      ...(typeof bayesRows === "number" && { bayesRows }),
      ...(live && { onProgress: (line) => stream.write(`\r\x1b[K${line}`) }),
    });
  } finally {
    if (live) stream.write("\r\x1b[K");
  }
}
