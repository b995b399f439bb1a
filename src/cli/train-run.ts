/** What `tightbound train` does once its command line is parsed. */
import { flushSubnormals, preloadNative } from "../compile/index.ts";
import { hasLabels } from "../data/index.ts";
import { declarationOf, kindOf, type RunData, type RunSettings } from "../kinds/index.ts";
import type { NamedParameter } from "../nn/index.ts";
import type { Measured } from "../report/index.ts";
import { openRun, type Stage } from "../runs/index.ts";
import { bestEpoch } from "../train/index.ts";
import { eventOutput } from "./event-output.ts";
import { figureLines, figuresJson } from "./figures.ts";
import { type Interrupts, watchInterrupts } from "./interrupt.ts";
import { type Display, trainDisplay } from "./progress.ts";
import { type Context, clock, commandLine, grouped, printJson, type Say, speaker } from "./terminal.ts";
import {
  type Prepared,
  prepareNew,
  prepareResumed,
  requestedKind,
  type TrainOptions,
} from "./train-prepare.ts";

export async function trainVerb(
  model: string | undefined,
  options: TrainOptions,
  context: Context,
): Promise<void> {
  flushSubnormals();
  preloadNative();
  const { terminal, ranks } = context;
  // With several ranks the first speaks for all; of the others only errors are shown.
  const say = ranks.rank === 0 ? speaker(terminal, options) : () => undefined;
  const kind = requestedKind(model, options);
  const prepared =
    options.resume === undefined
      ? await prepareNew(kind, options, context, say)
      : await prepareResumed(kind, options, context, say);
  // One display per training: M1+M2 has two.
  let display: Display | undefined;
  const stop = () => display?.stop();
  const show = ({ settings: { train, model } }: Stage): Display => {
    stop();
    display = trainDisplay(terminal, {
      epochs: train.epochs,
      rowsPerStep: Math.min(train.batch, prepared.data.train.rows),
      latent: model.latent,
      noun: prepared.data.train.kind === "image" ? "images" : "rows",
      quiet: options.quiet === true,
      json: options.json === true,
    });
    return display;
  };
  const interrupts = watchInterrupts(() => {
    stop();
    if (ranks.rank === 0)
      terminal.err.write("Stopping after this step. Press Ctrl-C again to end at once.\n");
  }, stop);
  try {
    await trainAndReport(prepared, { options, context, say, show, stop, interrupts });
  } finally {
    stop();
    interrupts.release();
  }
}

interface TrainSurroundings {
  readonly options: TrainOptions;
  readonly context: Context;
  readonly say: Say;
  /** Starts the display of a training. */
  readonly show: (stage: Stage) => Display;
  readonly stop: () => void;
  readonly interrupts: Interrupts;
}

async function trainAndReport(
  prepared: Prepared,
  { options, context, say, show, stop, interrupts }: TrainSurroundings,
): Promise<void> {
  const { path, data } = prepared;
  let secondsToFirstStep: number | undefined;
  let display: Display | undefined;
  let stage: Stage | undefined;
  const bars: Promise<void>[] = [];
  const events = eventOutput(options.tensorboard === true);
  const { ranks } = context;
  const result = await prepared.train({
    ranks,
    signal: interrupts.signal,
    onStage(begun) {
      stage = begun;
      display = show(begun);
      bars.push(display.prepare());
    },
    onStart: ({ parameters, resumedAt }) => {
      const what = stage?.path === path ? "The run" : `${builtOn(prepared.settings)}, which comes first,`;
      say(`${grouped(parameters)} parameters. ${what} is in ${stage?.path ?? path}.`);
      if (resumedAt > 0) say(`Continuing after step ${grouped(resumedAt)}.`);
    },
    onStep: (progress) => {
      // `performance.now()` counts from the start of the process.
      secondsToFirstStep ??= performance.now() / 1000;
      display?.onStep(progress);
    },
    onEpochLogged: (line) => {
      if (stage !== undefined) events.onEpoch(stage, line);
      display?.onEpoch(line);
      context.terminal.tell?.({ epoch: line.epoch, epochs: stage?.settings.train.epochs });
    },
  });
  await Promise.all(bars);
  stop();
  if (ranks.rank > 0) {
    if (!result.completed) context.exitCode = interrupts.exitCode ?? 1;
    return;
  }
  events.onEnd(result.stage);
  const { trained, completed, history, seconds, steps } = result;
  const { epochs } = result.stage.settings.train;
  if (!completed) {
    const resume = commandLine(["train", "--resume", path]);
    say(
      `Stopped after step ${grouped(steps)}${result.stage.path === path ? "" : ` of ${builtOn(result.settings)}`}, in epoch ${history.length + 1} of ` +
        `${epochs}. A checkpoint was written. To continue:\n  ${resume}`,
    );
    context.exitCode = interrupts.exitCode ?? 1;
  } else if (secondsToFirstStep === undefined) {
    say(
      `All ${epochs} epochs are done.` +
        (result.settings.train.schedule === "constant" ? ` --epochs ${epochs + 10} would add 10.` : ""),
    );
  } else {
    say(`Trained in ${clock(seconds)}.`);
    const best = bestEpoch(history);
    if (result.settings.train.patience !== undefined && best !== undefined) {
      say(
        `The validation rows were best after epoch ${best} of ${history.length}, and the run keeps that epoch${history.length < epochs ? `; the limit was ${epochs} epochs` : ""}.`,
      );
    }
  }
  const end =
    completed && options.report !== true
      ? await measuredAtEnd(path, result.settings.model.model, data)
      : undefined;
  for (const line of end ? figureLines(end) : []) say(line);
  if (completed && options.report !== true) await tellCautions(path, data, say);
  const last = history.at(-1);
  const outcome = {
    run: path,
    completed,
    epochs: history.length,
    steps,
    seconds,
    ...(trained && { parameters: parameterCount(trained.model) }),
    secondsToFirstStep: secondsToFirstStep ?? null,
    train: last?.train ?? null,
    test: last?.test ?? null,
    ...(data.validation && { validation: last?.validation ?? null }),
    ...(last?.activeUnits !== undefined && { activeUnits: last.activeUnits }),
    ...(end && { classifiers: figuresJson(end).classifiers }),
  };
  if (!completed || options.report !== true) {
    if (options.json === true) printJson(context.terminal, outcome);
    return;
  }
  interrupts.endAtOnce(() => {
    stop();
    context.terminal.err.write(
      `The run is complete. To write its report: ${commandLine(["report", path])}\n`,
    );
  });
  const { makeReport } = await import("./report-run.ts");
  const { figures, files } = await makeReport(path, data, { terminal: context.terminal, options, say });
  if (options.json === true) {
    printJson(context.terminal, { ...outcome, evaluation: figures ?? null, files });
  }
}

/** The name of the run that this one is built on. */
const builtOn = ({ model }: RunSettings): string => declarationOf(model.model).base?.title ?? "its base run";

/** Measures a run if the figures of its epochs do not show how good it is. A report measures the run itself. */
async function measuredAtEnd(
  path: string,
  name: string,
  { test, validation }: RunData,
): Promise<Measured | undefined> {
  const kind = await kindOf(name);
  if (kind.measuredAtEnd !== true || test === undefined || !hasLabels(test)) return undefined;
  const { trained } = await openRun(path);
  return kind.measure(trained, test, validation && { validation });
}

/** Remarks about a trained run for the user. A report contains them. */
async function tellCautions(path: string, data: RunData, say: Say): Promise<void> {
  const { kind, trained } = await openRun(path);
  for (const line of (await kind.cautions?.(trained, data)) ?? []) say(line);
}

const parameterCount = ({ parameters }: { readonly parameters: readonly NamedParameter[] }): number =>
  parameters.reduce((sum, { tensor }) => sum + (tensor.attributes.trainable === false ? 0 : tensor.size), 0);
