/** What `tightbound sweep` does after its command line is parsed. */
import { availableParallelism } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import {
  type Combination,
  connectQueue,
  type Ending,
  openSweep,
  type Plan,
  type PlannedRun,
  type SeedMean,
  type SweepFolder,
  summaryOf,
  workThrough,
} from "../sweep/index.ts";
import { version } from "../version.ts";
import { watchInterrupts } from "./interrupt.ts";
import { CHILD_OF_SWEEP } from "./sweep-child.ts";
import { onQueue, refuseContradictions, submit } from "./sweep-elsewhere.ts";
import { sweepRequest } from "./sweep-plan.ts";
import { type Context, commandLine, printJson, type Say, speaker } from "./terminal.ts";
import type { SweepOptions } from "./verbs/sweep.ts";

/** The number of runs at a time and the threads of each: together all cores, but no more. */
function shares(plan: Plan, asked: number | undefined, runs: number): { jobs: number; threads: number } {
  const cores = availableParallelism();
  const given = [
    Number(plan.settings.threads ?? 1),
    ...(plan.axes.find(({ name }) => name === "threads")?.values.map(Number) ?? []),
  ];
  const jobs = asked ?? Math.max(1, Math.min(runs, Math.floor(cores / Math.max(...given))));
  return { jobs, threads: Math.max(1, Math.floor(cores / jobs)) };
}

export async function sweepVerb(
  path: string | undefined,
  options: SweepOptions,
  context: Context,
): Promise<void> {
  const { terminal } = context;
  const say = speaker(terminal, options);
  refuseContradictions(options);
  const { plan, out, jobs: asked } = sweepRequest(path, options);
  const { queue } = options;
  const server =
    queue === undefined ? undefined : await connectQueue(queue, process.env.TIGHTBOUND_QUEUE_PASSWORD);
  const sweep = openSweep(out, plan, version());
  const status = statusLine(context, options, sweep);
  const kill = new AbortController();
  const interrupts = watchInterrupts(
    () => {
      status.clear();
      terminal.err.write(
        server === undefined
          ? "Stopping each run after its step. Press Ctrl-C again to end at once.\n"
          : "Leaving the runs to the workers. Repeat the command to collect them.\n",
      );
    },
    () => kill.abort(),
  );
  const { signal: stop } = interrupts;
  const end = (run: PlannedRun, ending: Ending): void => {
    status.end(run);
    say(
      ending.state === "done"
        ? `${run.name}: done.`
        : `${run.name}: failed: ${ending.message.split("\n").at(-1)} (${sweep.logOf(run)})`,
    );
  };
  const command = [process.execPath, fileURLToPath(new URL("./main.js", import.meta.url))] as const;
  try {
    const done = sweep.runs.filter(({ name }) => sweep.ended.get(name)?.state === "done").length;
    const { jobs, threads } = shares(plan, asked, sweep.runs.length);
    const about = `${sweep.runs.length} runs in ${out}${done > 0 ? `, ${done} of them done` : ""}`;
    if (options.slurm === true) {
      const dryRun = options.dryRun === true;
      submit(plan, sweep, { command, dryRun, ...(asked !== undefined && { jobs: asked }) }, terminal, say);
      return;
    }
    if (server !== undefined) {
      say(`${about}; trained by the workers of ${server.shown}.`);
      await onQueue(server, plan, sweep, { stop, say, progress: status.progress, end });
    } else {
      say(`${about}; ${jobs} at a time.`);
      const env = { ...process.env, [CHILD_OF_SWEEP]: "1" };
      await workThrough(plan, sweep, {
        ...{ jobs, threads, command, env, stop, kill: kill.signal },
        onProgress: status.progress,
        onEnd: end,
      });
    }
    status.clear();
    conclude(plan, sweep, options, context, say);
    if (interrupts.exitCode !== undefined) context.exitCode = interrupts.exitCode;
  } finally {
    status.clear();
    interrupts.release();
    sweep.close();
  }
}

function conclude(plan: Plan, sweep: SweepFolder, options: SweepOptions, context: Context, say: Say): void {
  const states = sweep.runs.map(({ name }) => sweep.ended.get(name)?.state ?? "waiting");
  const count = (state: string) => states.filter((one) => one === state).length;
  const summary = summaryOf(plan, sweep);
  for (const line of summaryLines(summary)) say(line);
  say(
    `${count("done")} of ${states.length} runs are done${count("failed") > 0 ? `, ${count("failed")} failed` : ""}` +
      `${count("waiting") > 0 ? `, ${count("waiting")} are not. Repeat the command to continue` : ""}.`,
  );
  if (count("failed") > 0) context.exitCode = 1;
  if (count("done") > 1) {
    say(`To compare them: ${commandLine(["compare", sweep.path])}`);
  }
  if (options.json === true) {
    printJson(context.terminal, {
      sweep: resolve(sweep.path),
      model: plan.model,
      runs: sweep.runs.map((run, i) => {
        const ending = sweep.ended.get(run.name);
        return {
          run: sweep.folderOf(run),
          values: run.values,
          state: states[i],
          ...(ending?.state === "done" && { outcome: ending.outcome }),
          ...(ending?.state === "failed" && { message: ending.message }),
        };
      }),
      summary,
    });
  }
}

/** `-98.21 ± 0.12` */
const meanText = ({ mean, standardError }: SeedMean, name: string): string => {
  const [scale, digits, unit] = name.endsWith("error") ? [100, 2, " %"] : [1, 2, ""];
  const shown = (x: number) => (scale * x).toFixed(digits);
  return `${shown(mean)}${standardError === undefined ? "" : ` ± ${shown(standardError)}`}${unit}`;
};

/** A table: the settings of each combination, and its figures as mean ± standard error over seeds. */
export function summaryLines(combinations: readonly Combination[]): readonly string[] {
  const figures = [...new Set(combinations.flatMap(({ figures }) => Object.keys(figures)))];
  if (figures.length === 0) return [];
  const settings = [...new Set(combinations.flatMap(({ values }) => Object.keys(values)))];
  const rows = [
    [...settings, "seeds", ...figures],
    ...combinations.map(({ values, figures: found }) => [
      ...settings.map((name) => values[name]),
      String(Math.max(0, ...Object.values(found).map(({ seeds }) => seeds))),
      ...figures.map((name) => (found[name] === undefined ? "–" : meanText(found[name], name))),
    ]),
  ];
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) => row.map((cell, column) => cell.padStart(widths[column])).join("  "));
}

/** On a terminal, one line with the runs that are being trained. */
function statusLine({ terminal }: Context, { quiet, json }: SweepOptions, { runs, ended }: SweepFolder) {
  const stream = json === true ? terminal.err : terminal.out;
  const shown = quiet !== true && stream.isTTY === true;
  const now = new Map<string, string>();
  const clear = () => {
    if (shown) stream.write("\r\u001b[K");
  };
  return {
    clear,
    progress({ name }: PlannedRun, { epoch, epochs }: { epoch: number; epochs: number }): void {
      now.set(name, `${name} ${epoch}/${epochs}`);
      if (!shown) return;
      const text = `${ended.size} of ${runs.length} done; ${[...now.values()].join("; ")}`;
      stream.write(`\r\u001b[K${text.slice(0, (stream.columns ?? 80) - 1)}`);
    },
    end({ name }: PlannedRun): void {
      now.delete(name);
      clear();
    },
  };
}
