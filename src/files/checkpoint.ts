import { readFileSync } from "#platform/files";
import { CheckpointError } from "../errors.ts";
import type { NamedTensor } from "../optim/index.ts";
import { reason, writeDurably } from "./durable-write.ts";
import { type Json, shortJson, toJson } from "./json.ts";
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from "./safetensors.ts";
import { checkSettings } from "./settings-match.ts";

/** Everything a run needs to continue as if it had never stopped. */
export interface Checkpoint {
  /** Parameters and the optimiser's moments, as returned by `arena.state()`. */
  readonly tensors: readonly NamedTensor[];
  /** State that is not trained by gradients, such as the running means of batch normalisation. */
  readonly buffers: readonly NamedTensor[];
  /** Updates made. */
  readonly step: number;
  /** Epochs completed. */
  readonly epoch: number;
  /** Values that are compared or kept when a run is resumed: seed, version, hash of the settings, fingerprint of the data, … */
  readonly metadata: { readonly [key: string]: Json };
  /** The settings that the parameters depend on: see `loadCheckpoint`. Older checkpoints do not have them. */
  readonly settings?: { readonly [key: string]: Json | undefined };
}

const FORMAT = "tightbound checkpoint";
const VERSION = "1";
/** Buffers are stored under this prefix, parameters under their own names. */
const BUFFER_PREFIX = "buffer/";

/**
 * Writes a checkpoint as a safetensors file, whole or not at all: if the process is killed at any moment, the path still holds the last
 * complete checkpoint.
 *
 * ```ts
 * saveCheckpoint("runs/a/checkpoint.safetensors", {
 *   tensors: arena.state(), buffers: [], step: 469, epoch: 1, metadata: { seed: 0 },
 * });
 * ```
 *
 * @throws CheckpointError when it cannot be written, for example on a full disk; the old file is untouched and
 * no partial file is left.
 * @throws UsageError when two tensors have the same name, or a number in the metadata is not finite.
 */
export const saveCheckpoint = (path: string, checkpoint: Checkpoint): void => {
  const { tensors, buffers, step, epoch, metadata, settings } = checkpoint;
  const stored = (tensor: NamedTensor, prefix: string): StoredTensor => ({
    name: `${prefix}${tensor.name}`,
    shape: tensor.shape,
    dtype: "F32",
    data: tensor.data,
  });
  const bytes = encodeSafetensors(
    [
      ...tensors.map((tensor) => stored(tensor, "")),
      ...buffers.map((tensor) => stored(tensor, BUFFER_PREFIX)),
    ],
    {
      format: FORMAT,
      version: VERSION,
      step: String(step),
      epoch: String(epoch),
      metadata: toJson(metadata, "checkpoint metadata"),
      ...(settings && { settings: toJson(settings, "settings") }),
    },
  );
  writeDurably(path, bytes);
};

/**
 * Reads what {@link saveCheckpoint} wrote, and checks every byte of it. `arena.load` checks whether it fits a
 * model.
 *
 * @param options.settings the settings of the run that it belongs to. Every field that was given to {@link saveCheckpoint} must be the same
 * in them: an edited settings file describes another model.
 * @throws CheckpointError when the file is missing, truncated, corrupted or not a checkpoint, or has other settings; the message names
 * the file and, if possible, the tensor or the field.
 */
export const loadCheckpoint = (
  path: string,
  { settings }: { readonly settings?: { readonly [key: string]: Json | undefined } } = {},
): Checkpoint => {
  const { tensors, metadata } = decodeSafetensors(readBytes(path), path);
  const { format, version } = metadata;
  if (format !== FORMAT || version !== VERSION) {
    throw new CheckpointError(
      `${path}: expected a ${FORMAT} of version ${VERSION}, found ` +
        (format === FORMAT
          ? `version ${version}. Read it with the version of tightbound that wrote it`
          : `safetensors of another program (format ${format === undefined ? "not given" : shortJson(format)})`),
    );
  }
  const stored =
    metadata.settings === undefined ? undefined : readObject(metadata.settings, "settings", path);
  if (stored !== undefined && settings !== undefined) checkSettings(path, stored, settings);
  const floats = tensors.map(({ name, shape, dtype, data }): NamedTensor => {
    if (!(data instanceof Float32Array)) {
      throw new CheckpointError(`${path}: tensor "${name}": expected dtype F32, found ${dtype}`);
    }
    return { name, shape, data };
  });
  const isBuffer = ({ name }: NamedTensor) => name.startsWith(BUFFER_PREFIX);
  return {
    tensors: floats.filter((tensor) => !isBuffer(tensor)),
    buffers: floats
      .filter(isBuffer)
      .map(({ name, ...rest }) => ({ name: name.slice(BUFFER_PREFIX.length), ...rest })),
    step: count(metadata.step, "step", path),
    epoch: count(metadata.epoch, "epoch", path),
    metadata: readObject(metadata.metadata, "metadata", path),
    ...(stored && { settings: stored }),
  };
};

const readBytes = (path: string): Uint8Array => {
  try {
    return readFileSync(path);
  } catch (cause) {
    throw new CheckpointError(`${path}: expected a checkpoint: ${reason(cause, UNREADABLE)}`, { cause });
  }
};

const UNREADABLE = {
  ENOENT: "no such file. A run has one from the end of its first epoch",
  EISDIR: "found a folder. Give the path of the file in it",
  EACCES: "no permission to read it",
};

const count = (text: string | undefined, field: string, path: string): number => {
  const n = text === undefined ? Number.NaN : Number(text);
  if (Number.isSafeInteger(n) && n >= 0) return n;
  throw new CheckpointError(
    `${path}: expected metadata "${field}" to be a whole number, 0 or more; found ${shortJson(text)}`,
  );
};

const readObject = (text: string | undefined, field: string, path: string): Checkpoint["metadata"] => {
  const fail = (): never => {
    throw new CheckpointError(
      `${path}: expected metadata "${field}" to be a JSON object, found ${shortJson(text)}`,
    );
  };
  try {
    const parsed: unknown = JSON.parse(text ?? "");
    return isObject(parsed) ? parsed : fail();
  } catch {
    return fail();
  }
};

/** JSON.parse returns only JSON values. */
const isObject = (parsed: unknown): parsed is Checkpoint["metadata"] =>
  typeof parsed === "object" && parsed !== null && !Array.isArray(parsed);
