/** What `tightbound reproduce` does after its command line is parsed. */
import { join, resolve } from "node:path";
import { flushSubnormals } from "../compile/index.ts";
import { writeDurably } from "../files/index.ts";
import { type Benchmark, benchmarkMarkdown, writeBenchmark } from "../report/index.ts";
import {
  benchmarkOf,
  type Kingma2014Options,
  type Kingma2014Results,
  type Part,
  protocols,
  reproduceKingma2014,
  VALIDATION,
} from "../reproduce/index.ts";
import type { RunHooks } from "../runs/index.ts";
import { version } from "../version.ts";
import { watchInterrupts } from "./interrupt.ts";
import { type Display, trainDisplay } from "./progress.ts";
import { reproduceDensity } from "./reproduce-density.ts";
import { elsewhereOf } from "./reproduce-workers.ts";
import { type Context, clock, commandLine, printJson, type Say, speaker } from "./terminal.ts";
import type { ReproduceOptions } from "./verbs/reproduce.ts";

/** `M2 on 100 labels, draw 3`. */
const nameOf = ({ method, shared, labels, labelSeed }: Part): string =>
  shared !== undefined
    ? "M1, which all draws share"
    : `${protocols[method].part} on ${labels} labels, draw ${labelSeed}`;

export async function reproduceVerb(
  paper: string,
  options: ReproduceOptions,
  context: Context,
): Promise<void> {
  flushSubnormals();
  const { terminal } = context;
  const say = speaker(terminal, options);
  let display: Display | undefined;
  const stop = () => display?.stop();
  const kill = new AbortController();
  const interrupts = watchInterrupts(
    () => {
      stop();
      terminal.err.write("Stopping after this step. Press Ctrl-C again to end at once.\n");
    },
    () => {
      stop();
      kill.abort();
    },
  );
  try {
    const { data, validation, threads, methods, out = join("runs", paper) } = options;
    if (paper === "burda2016") {
      const done = await reproduceDensity({ ...options, out }, context, say, {
        signal: interrupts.signal,
        show: (next) => {
          stop();
          display = next;
        },
        stop,
      });
      if (!done) context.exitCode = interrupts.exitCode ?? 0;
      return;
    }
    const elsewhere = await elsewhereOf(options, out, {
      stop: interrupts.signal,
      kill: kill.signal,
      say,
    });
    const asked: Kingma2014Options = {
      out,
      labels: options.labels,
      draws: options.draws,
      length: options.length,
      source: {
        spec: data === "mnist" ? data : resolve(data),
        ...(validation > 0 && { validation: { ...VALIDATION, count: validation } }),
      },
      ...(methods && { methods }),
      ...(threads !== undefined && { threads }),
      version: version(),
      command: commandLine(context.argv),
    };
    const results = await reproduceKingma2014(asked, {
      signal: interrupts.signal,
      ...(elsewhere && { elsewhere }),
      training: (part) =>
        trainingHooks(part, say, (next) => {
          stop();
          display = next(terminal, options);
          return display;
        }),
      onPart(part, state) {
        stop();
        if (state === "busy") say(`${nameOf(part)}: another process is training it; skipped.`);
      },
    });
    stop();
    await writeResults(results, benchmarkOf(results, asked), { ...options, out }, context, say);
    if (results.missing.length > 0) context.exitCode = interrupts.exitCode ?? 0;
  } finally {
    stop();
    interrupts.release();
  }
}

/** Shows the training of a part, starting with its first step, and nothing for a part that is already done. */
function trainingHooks(
  part: Part,
  say: Say,
  show: (make: (terminal: Context["terminal"], options: ReproduceOptions) => Display) => Display,
): RunHooks {
  let display: Display | undefined;
  return {
    onStage({ settings: { train, model } }) {
      display = show((terminal, options) =>
        trainDisplay(terminal, {
          epochs: train.epochs,
          rowsPerStep: train.batch,
          latent: model.latent,
          noun: "images",
          quiet: options.quiet === true,
          json: options.json === true,
        }),
      );
      void display.prepare();
    },
    onStart: ({ resumedAt }) =>
      say(
        `[${part.index}/${part.of}] ${nameOf(part)}${resumedAt > 0 ? `, continuing after step ${resumedAt}` : ""}: ${part.path}`,
      ),
    onStep: (progress) => display?.onStep(progress),
    onEpochLogged: (line) => display?.onEpoch(line),
  };
}

/** Writes results.json, report.html and table.md, and prints the table. */
async function writeResults(
  results: Kingma2014Results,
  benchmark: Benchmark,
  options: ReproduceOptions & { readonly out: string },
  { terminal }: Context,
  say: Say,
): Promise<void> {
  const { m1, missing } = results;
  const file = join(options.out, "results.json");
  writeDurably(file, `${JSON.stringify(results, null, 2)}\n`);
  const [page, table] = await writeBenchmark(options.out, benchmark);
  if (options.json === true) printJson(terminal, results);
  else terminal.out.write(`\n${benchmarkMarkdown(benchmark)}\n`);
  for (const { folder, elbo, activeUnits, seconds } of m1) {
    say(
      `${folder}: test ELBO ${elbo.toFixed(2)} nats, ${activeUnits} active units, trained in ${clock(seconds)}.`,
    );
  }
  if (missing.length > 0) say(`Not done yet: ${missing.join(", ")}. Repeat the command to continue.`);
  say(`${page} shows the table, curves and settings; ${table} is the table, and ${file} has all figures.`);
}
