/** Opens trained runs. */
import { existsSync } from "#platform/files";
import { join } from "#platform/paths";
import { CheckpointError, UsageError } from "../errors.ts";
import {
  type Checkpoint,
  loadCheckpoint,
  openRun as openFolder,
  type RunFolder,
  runFolder,
} from "../files/index.ts";
import {
  declarationOf,
  declarations,
  identity,
  type Kind,
  kindOf,
  listed,
  type Opened,
  type RunSettings,
  remember,
  runSettings,
  type Stored,
  type TrainedModel,
  upgraded,
  type VerbName,
} from "../kinds/index.ts";
import type { ParameterValues } from "../models/index.ts";
import { fromFirst, type Ranks } from "../mpi/index.ts";
import type { NamedParameter } from "../nn/index.ts";

/** Reads a run's settings. @throws CheckpointError when they are missing or damaged; the message names file and field. */
export const readRun = (path: string): RunFolder & { readonly settings: RunSettings } =>
  openFolder(path, runSettings, upgraded);

/** The settings of a run whose folder rank 0 has, on every rank; the others need not see it. */
export const readOnFirst = (ranks: Ranks, path: string): RunFolder & { readonly settings: RunSettings } =>
  ranks.size === 1
    ? readRun(path)
    : {
        ...runFolder(path),
        settings: fromFirst(ranks, ranks.rank === 0 ? readRun(path).settings : undefined) as RunSettings,
      };

/** A checkpoint's values of a model's parameters. @throws CheckpointError when it belongs to another architecture. */
function valuesOf(
  path: string,
  checkpoint: Checkpoint,
  parameters: readonly NamedParameter[],
): ParameterValues {
  const stored = new Map([...checkpoint.tensors, ...checkpoint.buffers].map((t) => [t.name, t]));
  return new Map(
    parameters.map(({ name, tensor }) => {
      const found = stored.get(name);
      const expected = `[${tensor.shape.join(", ")}]`;
      if (found === undefined || found.shape.join() !== tensor.shape.join()) {
        throw new CheckpointError(
          `${path}: tensor "${name}": expected shape ${expected}, found ` +
            `${found === undefined ? "no such tensor" : `[${found.shape.join(", ")}]`}; the checkpoint belongs to another architecture`,
        );
      }
      return [tensor, found.data] as const;
    }),
  );
}

/** An opened run, and its kind. */
export interface OpenedRun extends Opened {
  readonly kind: Kind;
}

/** What a run stores. @throws CheckpointError when there is no checkpoint yet, or it belongs to other settings. */
export function storedOf(
  run: RunFolder & { readonly settings: RunSettings },
  base?: TrainedModel,
): { readonly stored: Stored<RunSettings>; readonly epoch: number } {
  const path = existsSync(run.best) ? run.best : run.checkpoint;
  const checkpoint = loadCheckpoint(path, { settings: identity(run.settings) });
  return {
    epoch: checkpoint.epoch,
    stored: {
      run,
      valuesOf: (parameters) => valuesOf(path, checkpoint, parameters),
      built: checkpoint.metadata,
      ...(base && { base }),
    },
  };
}

/**
 * Opens a run.
 *
 * @example
 * const { kind, trained, run } = await openRun("runs/a");
 * const measured = await kind.measure(trained, test);
 *
 * @throws CheckpointError when the run has no checkpoint yet, or it belongs to another architecture.
 */
export async function openRun(path: string): Promise<OpenedRun> {
  const run = readRun(path);
  const { name, base } = declarationOf(run.settings.model.model);
  const kind = await kindOf(name);
  const below: TrainedModel | undefined =
    base?.folder === undefined ? undefined : (await openRun(join(path, base.folder))).trained;
  const { stored, epoch } = storedOf(run, below);
  const trained = await kind.open(stored);
  remember(trained, { settings: run.settings, epoch, step: 0 });
  return { kind, run, trained, epoch };
}

/**
 * Opens a run's model.
 *
 * @param type the expected class: `Trained` (a VAE or an autoencoder), `TrainedClassifier` (M2, M1+M2), `TrainedM1`, …
 *
 * @example
 * const vae = await open("runs/digits", Trained);
 * const pictures = await vae.sample(16);
 *
 * @throws CheckpointError when the run has no checkpoint yet, or it belongs to other settings.
 * @throws UsageError when the run opens as another class.
 */
export async function open<T extends TrainedModel = TrainedModel>(
  path: string,
  type?: abstract new (...parts: never[]) => T,
): Promise<T> {
  const { trained } = await openRun(path);
  if (type === undefined || trained instanceof type) return trained as T;
  throw new UsageError(
    `${path}: expected a run that opens as ${type.name}, found one of ${trained.model.kind}, which opens as ${trained.constructor.name}.`,
  );
}

/** Names of the kinds that have a verb. */
const kindsWith = (verb: VerbName): readonly string[] =>
  declarations.filter(({ verbs }) => verb in verbs).map(({ name }) => name);

/** Checks that a run's kind has the verb. @throws UsageError when it does not; the message names the kinds that do. */
export function checkVerb(
  { path, settings }: RunFolder & { readonly settings: RunSettings },
  verb: VerbName,
): void {
  const { name, verbs, base, lacks = {} } = declarationOf(settings.model.model);
  if (verb in verbs) return;
  if (lacks[verb] !== undefined) throw new UsageError(lacks[verb]);
  const below =
    base?.folder !== undefined && base.kinds.some((kind) => verb in declarationOf(kind).verbs)
      ? ` Its ${base.title} is one: give ${join(path, base.folder)}.`
      : "";
  throw new UsageError(
    `${path}: expected the run of a kind that can ${verb}, ${listed(kindsWith(verb), "or")}; found one of ${name}.${below}`,
  );
}
