/** Saves a model trained in memory as a run's folder. */
import { join } from "#platform/paths";
import { UsageError } from "../errors.ts";
import { createRun, type Json, saveCheckpoint, writeDurably } from "../files/index.ts";
import type { TrainedModel } from "./kind.ts";
import { kindOf, ownedByKinds } from "./kinds.ts";
import { identity, type RunSettings } from "./run-settings.ts";

/** Stands for the path of data that were passed in memory. */
export const IN_MEMORY = "(in memory)";

/** Where a trained model comes from: the settings of its run, and how far it was trained. */
export interface Provenance {
  readonly settings: RunSettings;
  readonly epoch: number;
  readonly step: number;
}

const provenances = new WeakMap<TrainedModel, Provenance>();

/** Remembers where a trained model comes from. */
export const remember = (trained: TrainedModel, provenance: Provenance): void => {
  provenances.set(trained, provenance);
};

/**
 * Writes a trained model to a run's folder, for `open` and the command line. Data in memory are not written: pass them to `evaluate` and
 * the other verbs with `--data`. The optimiser's state is not kept, so the run cannot be continued.
 *
 * @param overwrite whether to replace a run that is there
 * @throws UsageError when the folder holds another run, or the model's origin is unknown.
 * @throws CheckpointError when it cannot be written.
 */
export async function saveTrained(
  trained: TrainedModel,
  path: string,
  { overwrite = false }: { readonly overwrite?: boolean } = {},
): Promise<void> {
  const known = provenances.get(trained);
  if (known === undefined) {
    throw new UsageError(
      `save: expected a model from train() or open(); how this ${trained.model.kind} was trained is unknown.`,
    );
  }
  const { settings, epoch, step } = known;
  const { model, parameters } = trained;
  const kind = await kindOf(model.kind);
  const base = kind.baseOf?.(model);
  const { base: place } = kind.declaration;
  const folder = createRun(path, settings as unknown as { readonly [key: string]: Json }, {
    overwrite,
    ...ownedByKinds,
  });
  try {
    if (base !== undefined && place?.folder !== undefined) await saveTrained(base, join(path, place.folder));
    const tensors = model.parameters.map(({ name, tensor }) => ({
      name,
      shape: tensor.shape,
      data: parameters.get(tensor) ?? new Float32Array(tensor.size),
      trained: tensor.attributes.trainable !== false,
    }));
    writeDurably(folder.metrics, "");
    saveCheckpoint(folder.checkpoint, {
      tensors: tensors.filter((one) => one.trained),
      buffers: tensors.filter((one) => !one.trained),
      step,
      epoch,
      metadata: { seconds: 0, version: settings.version, seed: settings.train.seed, ...kind.built?.(model) },
      settings: identity(settings),
    });
  } finally {
    folder.lock.release();
  }
}
