/** What `tightbound train` does once its command line is read. */
import { preloadNative } from "../compile/session.ts";
import { type AnyModel, readRun } from "../run/index.ts";
import { type Interrupts, watchInterrupts } from "./interrupt.ts";
import { type Display, trainDisplay } from "./progress.ts";
import { type Context, clock, commandLine, grouped, printJson, type Say, speaker } from "./terminal.ts";
import { checkModel, type Prepared, prepareNew, prepareResumed, type TrainOptions } from "./train-prepare.ts";

export async function trainVerb(
  model: string | undefined,
  options: TrainOptions,
  context: Context,
): Promise<void> {
  preloadNative();
  const { terminal } = context;
  const say = speaker(terminal, options);
  const modelName = checkModel(model, options);
  const prepared =
    options.resume === undefined
      ? await prepareNew(modelName, options, context, say)
      : await prepareResumed(modelName, options, say);
  const { settings, data } = prepared;
  const display = trainDisplay(terminal, {
    epochs: settings.train.epochs,
    rowsPerStep: Math.min(settings.train.batch, data.train.rows),
    latent: settings.model.latent,
    noun: data.train.kind === "image" ? "images" : "rows",
    quiet: options.quiet === true,
    json: options.json === true,
  });
  const interrupts = watchInterrupts(
    () => {
      display.stop();
      terminal.err.write("Stopping after this step; once more to end at once.\n");
    },
    () => display.stop(),
  );
  try {
    await trainAndTell(prepared, { options, context, say, display, interrupts });
  } finally {
    display.stop();
    interrupts.release();
  }
}

interface Surroundings {
  readonly options: TrainOptions;
  readonly context: Context;
  readonly say: Say;
  readonly display: Display;
  readonly interrupts: Interrupts;
}

async function trainAndTell(
  { path, train, settings, data }: Prepared,
  { options, context, say, display, interrupts }: Surroundings,
): Promise<void> {
  let secondsToFirstStep: number | undefined;
  const bar = display.prepare();
  const result = await train({
    signal: interrupts.signal,
    onStart: ({ parameters, resumedAt }) => {
      say(`${grouped(parameters)} parameters. The run is in ${path}.`);
      if (resumedAt > 0) say(`Going on after step ${grouped(resumedAt)}.`);
    },
    onStep: (progress) => {
      // The clock of `performance` starts with the process.
      secondsToFirstStep ??= performance.now() / 1000;
      display.onStep(progress);
    },
    onEpochLogged: (line) => display.onEpoch(line),
  });
  await bar;
  display.stop();
  const { trained, completed, history, seconds, steps } = result;
  if (!completed) {
    const resume = commandLine(["train", "--resume", path]);
    say(
      `Stopped after step ${grouped(steps)}, in epoch ${history.length + 1} of ${settings.train.epochs}. ` +
        `The checkpoint is written. To go on:\n  ${resume}`,
    );
    context.exitCode = interrupts.exitCode ?? 1;
  } else if (secondsToFirstStep === undefined) {
    say(
      `All of its ${settings.train.epochs} epochs are done. --epochs ${settings.train.epochs + 10} would add 10.`,
    );
  } else {
    say(`Trained in ${clock(seconds)}.`);
  }
  const last = history.at(-1);
  const outcome = {
    run: path,
    completed,
    epochs: history.length,
    steps,
    seconds,
    parameters: parameterCount(trained.model),
    secondsToFirstStep: secondsToFirstStep ?? null,
    train: last?.train ?? null,
    test: last?.test ?? null,
    activeUnits: last?.activeUnits ?? null,
  };
  if (!completed || options.report !== true) {
    if (options.json === true) printJson(context.terminal, outcome);
    return;
  }
  interrupts.endAtOnce(() => {
    display.stop();
    context.terminal.err.write(`The run is complete. To make its report: ${commandLine(["report", path])}\n`);
  });
  const { makeReport } = await import("./report-run.ts");
  const { figures, files } = await makeReport(
    { run: readRun(path), trained, test: data.test },
    { terminal: context.terminal, options, say },
  );
  if (options.json === true) printJson(context.terminal, { ...outcome, evaluation: figures, files });
}

const parameterCount = ({ parameters }: AnyModel): number =>
  parameters.reduce((sum, { tensor }) => sum + (tensor.attributes.trainable === false ? 0 : tensor.size), 0);
