/** One training in a locked folder: continues from its checkpoint if it has one, and writes a line of metrics and a checkpoint per epoch. */
import { existsSync } from "#platform/files";
import { CheckpointError, NonFiniteError } from "../errors.ts";
import {
  type Checkpoint,
  type EpochMetrics,
  type Json,
  loadCheckpoint,
  openMetricsLog,
  type RunFolder,
  saveCheckpoint,
} from "../files/index.ts";
import {
  type EpochFigures,
  identity,
  type RunSettings,
  type TrainedModel,
  type Training,
} from "../kinds/index.ts";
import { alone, anyOf, fromFirst, type Ranks } from "../mpi/index.ts";
import { countParameters } from "../nn/index.ts";
import { checkFinite } from "../optim/index.ts";
import { bestEpoch, isOver, type Progress, type Trainer, type TrainHooks } from "../train/index.ts";
import { checkSameParameters } from "./ranks.ts";

/** One line of `metrics.jsonl`. */
export interface EpochLine extends EpochMetrics, EpochFigures {
  readonly step: number;
  /** Wall time of training so far in seconds, without pauses. */
  readonly seconds: number;
  readonly learningRate: number;
}

/** One training of a run: the run's own or, before it, that of its base run. */
export interface Stage {
  readonly path: string;
  readonly settings: RunSettings;
}

/** Callbacks of a run, in addition to those of its training. */
export interface RunHooks extends TrainHooks {
  /** Ranks that train the run together; only rank 0 writes. Default one process. */
  readonly ranks?: Ranks;
  /** Called before each training. That of the base run comes first, unless it is done. */
  readonly onStage?: (stage: Stage) => void;
  /** Called once the step is compiled. */
  readonly onStart?: (info: {
    readonly parameters: number;
    readonly nodes: number;
    readonly resumedAt: number;
  }) => void;
  /** Called after each epoch, once it is evaluated, logged and saved. */
  readonly onEpochLogged?: (line: EpochLine) => void;
}

/** The result of training a run, complete or stopped. */
export interface RunResult {
  readonly folder: RunFolder;
  readonly settings: RunSettings;
  /** The model; absent if a signal came before the run's own training began. */
  readonly trained?: TrainedModel;
  /** False when a signal stopped it before its last epoch. */
  readonly completed: boolean;
  /** The training in which it ended. The following fields are about it. */
  readonly stage: Stage;
  /** Updates made, including those before resuming. */
  readonly steps: number;
  readonly history: readonly EpochLine[];
  readonly seconds: number;
}

/** The model that is trained in a folder. */
export interface Trainable extends Training<TrainedModel> {
  /** What a checkpoint must store, besides the run's settings, to rebuild the model. */
  readonly built?: { readonly [key: string]: Json };
  figures(progress: Progress): Promise<EpochFigures>;
}

/** @throws CheckpointError when the checkpoint does not fit; the message names the file, the tensor, what was expected and what was found. */
function restoreFrom(path: string, trainer: Trainer, checkpoint: Checkpoint): void {
  try {
    trainer.restore(checkpoint);
  } catch (error) {
    throw error instanceof CheckpointError ? new CheckpointError(`${path}: ${error.message}`) : error;
  }
}

/** An update can overflow a parameter. The next step would detect it, but the checkpoint would already have it. */
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

/** Trains in a locked folder, from its checkpoint if it has one. */
export async function trainIn(
  folder: RunFolder,
  settings: RunSettings,
  training: Trainable,
  hooks: RunHooks,
): Promise<RunResult> {
  const { trainer, trained } = training;
  const own = identity(settings);
  const { ranks = alone } = hooks;
  const writes = ranks.rank === 0;
  const resumed =
    writes && existsSync(folder.checkpoint)
      ? loadCheckpoint(folder.checkpoint, { settings: own })
      : undefined;
  if (resumed !== undefined) restoreFrom(folder.checkpoint, trainer, resumed);
  trainer.share();
  const before = Number(resumed?.metadata.seconds ?? 0);
  const started = performance.now();
  const seconds = (): number => before + (performance.now() - started) / 1000;
  const log = writes
    ? openMetricsLog(folder.metrics, { completedEpochs: trainer.progress.epoch })
    : undefined;
  // Every rank knows all lines, and so decides alike when to stop.
  const lines = [...fromFirst(ranks, (log?.lines ?? []) as readonly EpochLine[])];
  const { version } = settings;
  const save = (path = folder.checkpoint): void => {
    if (!writes) return;
    const { seed } = settings.train;
    const metadata = { seconds: seconds(), version, seed, ...training.built };
    saveCheckpoint(path, { ...trainer.checkpoint(metadata), settings: own });
  };
  hooks.onStart?.({
    parameters: countParameters(trained.model.parameters.map(({ tensor }) => tensor)),
    nodes: trainer.trainStep.nodes,
    resumedAt: trainer.progress.step,
  });
  const { patience } = settings.train;
  const enough = new AbortController();
  if (patience !== undefined && isOver(lines, patience)) enough.abort();
  const ended = await trainer.run({
    ...(hooks.onStep && { onStep: hooks.onStep }),
    signal: hooks.signal ? AbortSignal.any([hooks.signal, enough.signal]) : enough.signal,
    async onEpoch(progress) {
      checkHealth(trainer);
      checkSameParameters(ranks, trainer.trainStep, progress.epoch);
      const figures = await training.figures(progress);
      const line = fromFirst<EpochLine>(ranks, {
        epoch: progress.epoch,
        step: progress.step,
        seconds: seconds(),
        ...figures,
        learningRate: trainer.trainStep.arena.optimizer.groups[0].learningRate(progress.step - 1),
      });
      // The line is written first: if the process is killed in between, the epoch is repeated, but never lacks its line.
      log?.append(line);
      lines.push(line);
      if (patience !== undefined && bestEpoch(lines) === line.epoch) save(folder.best);
      save();
      hooks.onEpochLogged?.(line);
      await hooks.onEpoch?.(progress);
      if (patience !== undefined && isOver(lines, patience)) enough.abort();
    },
  });
  const completed = ended || (enough.signal.aborted && !anyOf(ranks, hooks.signal?.aborted === true));
  if (!completed) {
    checkHealth(trainer);
    save();
  }
  const steps = trainer.progress.step;
  // The rest uses the best epoch, as opening the run does.
  if (completed && patience !== undefined) {
    if (writes && existsSync(folder.best))
      restoreFrom(folder.best, trainer, loadCheckpoint(folder.best, { settings: own }));
    trainer.share();
  }
  return {
    folder,
    settings,
    trained,
    completed,
    stage: { path: folder.path, settings },
    steps,
    history: lines,
    seconds: seconds(),
  };
}
