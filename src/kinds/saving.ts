/** Saving what was trained: the folder of a run, from a model in memory. */
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { createRun, type Json, saveCheckpoint, writeDurably } from "../files/index.ts";
import type { TrainedModel } from "./kind.ts";
import { kindOf, ownedByKinds } from "./kinds.ts";
import { identity, type RunSettings } from "./run-settings.ts";

/** In place of the path of data that were given in memory. */
export const IN_MEMORY = "(in memory)";

/** What is known of a trained model beside itself: the settings of its run, and how far it was trained. */
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
 * Writes a trained model into the folder of a run, which `open` and the command line take. Data that were given in memory are not
 * written: `evaluate` and the other verbs are given them with `--data`. The optimiser's state is not kept, so the run does not go on.
 *
 * @param overwrite replace the run that is there
 * @throws UsageError when the folder holds another run, or nothing is known of the model's training.
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
      `save: expected a model that was trained by train() or opened by open(); nothing is known of how this ${trained.model.kind} was trained.`,
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
