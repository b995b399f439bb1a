/** One training in a folder that is locked: from its checkpoint if it has one, with a line of metrics and a checkpoint an epoch. */
import { existsSync } from "node:fs";
import { CheckpointError, NonFiniteError } from "../errors.ts";
import { countParameters } from "../nn/index.ts";
import { checkFinite } from "../optim/clip.ts";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "../train/checkpoint.ts";
import type { Trainer, TrainHooks } from "../train/loop.ts";
import { openMetricsLog } from "../train/metrics-log.ts";
import type { RunFolder } from "../train/run-folder.ts";
import type { M2RunSettings, RunSettings, StackedRunSettings } from "./settings.ts";
import type { Trained } from "./trained.ts";
import type { TrainedClassifier } from "./trained-classifier.ts";
import type { EpochLine, Training } from "./training.ts";

/** One training of a run: the run's own, or, before it, that of the M1 it is built on. */
export interface Stage {
  readonly path: string;
  readonly settings: RunSettings;
}

/** Callbacks of a run, beside those of its training. */
export interface RunHooks extends TrainHooks {
  /** Called before each training: for M1+M2 that of M1 comes first, unless it is done. */
  readonly onStage?: (stage: Stage) => void;
  /** Called once the step is compiled. */
  readonly onStart?: (info: {
    readonly parameters: number;
    readonly nodes: number;
    readonly resumedAt: number;
  }) => void;
  /** Called after an epoch was evaluated, logged and saved. */
  readonly onEpochLogged?: (line: EpochLine) => void;
}

/** What training settings of a kind ends in, of M1 its VAE. M1+M2 may be stopped before its own training begins. */
export type TrainedOf<S extends RunSettings> = S extends M2RunSettings | StackedRunSettings
  ? TrainedClassifier | undefined
  : Trained;

/** A run that was trained, or stopped. */
export interface RunResult<S extends RunSettings = RunSettings> {
  readonly folder: RunFolder;
  readonly settings: S;
  readonly trained: TrainedOf<S>;
  /** False when a signal stopped it before its last epoch. */
  readonly completed: boolean;
  /** The training that it ended in, to which what follows belongs. */
  readonly stage: Stage;
  /** Updates made, those before resuming among them. */
  readonly steps: number;
  readonly history: readonly EpochLine[];
  readonly seconds: number;
}

/** @throws CheckpointError naming the file, the tensor, what was expected and what was found. */
function restoreFrom(path: string, trainer: Trainer, checkpoint: Checkpoint): void {
  try {
    trainer.restore(checkpoint);
  } catch (error) {
    throw error instanceof CheckpointError ? new CheckpointError(`${path}: ${error.message}`) : error;
  }
}

/** An update may overflow what it updates; the step after would say so, but by then it would be the checkpoint. */
function checkHealth({ trainStep, progress }: Trainer): void {
  try {
    if (progress.step > 0) checkFinite(trainStep.arena, progress.step - 1);
  } catch (error) {
    if (error instanceof NonFiniteError) {
      throw new NonFiniteError(
        `epoch ${Math.ceil(progress.step / progress.stepsPerEpoch)}, ${error.message}`,
      );
    }
    throw error;
  }
}

/** Trains in a folder that is already locked, from its checkpoint if it has one. */
export async function trainIn<S extends RunSettings>(
  folder: RunFolder,
  settings: S,
  training: Training<NonNullable<TrainedOf<S>>>,
  hooks: RunHooks,
): Promise<RunResult<S>> {
  const { trainer, trained } = training;
  const resumed = existsSync(folder.checkpoint) ? loadCheckpoint(folder.checkpoint) : undefined;
  if (resumed !== undefined) restoreFrom(folder.checkpoint, trainer, resumed);
  const before = Number(resumed?.metadata.seconds ?? 0);
  const started = performance.now();
  const seconds = (): number => before + (performance.now() - started) / 1000;
  const log = openMetricsLog(folder.metrics, { completedEpochs: trainer.progress.epoch });
  const { version } = settings;
  const save = (): void => {
    const { seed } = settings.train;
    const metadata = { seconds: seconds(), version, seed, ...training.built };
    saveCheckpoint(folder.checkpoint, trainer.checkpoint(metadata));
  };
  hooks.onStart?.({
    parameters: countParameters(training.parameters.map(({ tensor }) => tensor)),
    nodes: trainer.trainStep.nodes,
    resumedAt: trainer.progress.step,
  });
  const completed = await trainer.run({
    ...(hooks.onStep && { onStep: hooks.onStep }),
    ...(hooks.signal && { signal: hooks.signal }),
    async onEpoch(progress) {
      checkHealth(trainer);
      const figures = await training.figures(progress);
      const line: EpochLine = {
        epoch: progress.epoch,
        step: progress.step,
        seconds: seconds(),
        ...figures,
        learningRate: trainer.trainStep.arena.optimizer.groups[0].learningRate(progress.step - 1),
      };
      // The line goes first: a kill between the two leaves an epoch to be done again, never one without its line.
      log.append(line);
      save();
      hooks.onEpochLogged?.(line);
      await hooks.onEpoch?.(progress);
    },
  });
  if (!completed) {
    checkHealth(trainer);
    save();
  }
  return {
    folder,
    settings,
    trained: trained as TrainedOf<S>,
    completed,
    stage: { path: folder.path, settings },
    steps: trainer.progress.step,
    history: log.lines as readonly EpochLine[],
    seconds: seconds(),
  };
}
