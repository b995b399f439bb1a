/** The two ways to a run that can be trained: a new one from a command line, and one that was stopped. */
import { resolve } from "node:path";
import { type DataSplit, describe, fingerprint, isBinary, loadData } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import {
  modelSettings,
  parseTrainSettings,
  type RunHooks,
  type RunResult,
  type RunSettings,
  readRun,
  resumeRun,
  startRun,
} from "../run/index.ts";
import { chooseObservation } from "./choose.ts";
import { loadOwnData } from "./data.ts";
import { nextRunFolder } from "./run-name.ts";
import { type Context, commandLine, grouped, type Say } from "./terminal.ts";
import { flagName, givenSettings, settingOf, trainFlags } from "./train-flags.ts";
import { version } from "./version.ts";

/** Options as commander reads them; those of {@link trainFlags} by their keys. */
export interface TrainOptions extends Readonly<Record<string, unknown>> {
  readonly data?: string;
  readonly labels?: string;
  readonly labelColumn?: string;
  readonly testFraction?: number;
  readonly epochs?: number;
  readonly out?: string;
  readonly overwrite?: true;
  readonly resume?: string | true;
  readonly report?: true;
  readonly json?: true;
  readonly quiet?: true;
}

const models = ["vae", "autoencoder"] as const;

/** A run that is ready to be trained, new or not. */
export interface Prepared {
  readonly path: string;
  readonly settings: RunSettings;
  readonly data: DataSplit;
  train(hooks: RunHooks): Promise<RunResult>;
}

export function checkModel(
  model: string | undefined,
  options: TrainOptions,
): (typeof models)[number] | undefined {
  const found = models.find((name) => name === model);
  if (found !== undefined) return found;
  if (model === undefined) {
    if (options.resume !== undefined) return undefined;
    throw new UsageError(
      "train: expected a model, vae or autoencoder, such as `tightbound train vae --data mnist`; found none.",
    );
  }
  const close = models.find((name) => name.startsWith(model.toLowerCase().slice(0, 1)));
  throw new UsageError(
    `train: unknown model "${model}". Expected vae or autoencoder.${close ? ` Did you mean ${close}?` : ""}`,
  );
}

/** @throws UsageError for flags that say nothing about this model or network. */
function checkApplicable(model: string, options: TrainOptions): void {
  const refuse = (keys: readonly string[], why: string): void => {
    const flag = trainFlags.find(({ key }) => keys.includes(key) && options[key] !== undefined);
    if (flag) throw new UsageError(`${flagName(flag)} does not apply: ${why} Leave it out.`);
  };
  if (model === "autoencoder") {
    refuse(
      trainFlags.filter((flag) => flag.vaeOnly).map(({ key }) => key),
      "an autoencoder has no KL, no samples and no bound.",
    );
  }
  if (options.network !== "convolutional") {
    refuse(["channels"], "only --network convolutional has channels.");
  }
  if (options.bound === "iwae") {
    refuse(
      ["form", "beta", "warmup", "freeBits"],
      "the importance-weighted bound has no KL term of its own to change.",
    );
  }
}

export async function prepareNew(
  model: (typeof models)[number] | undefined,
  options: TrainOptions,
  { argv }: Context,
  say: Say,
): Promise<Prepared> {
  const { data: spec, labels, labelColumn, testFraction } = options;
  if (model === undefined || spec === undefined) {
    throw new UsageError("train: expected --data, mnist or the path of data; found none.");
  }
  checkApplicable(model, options);
  const sources = {
    ...(labels !== undefined && { labels: resolve(labels) }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(testFraction !== undefined && { testFraction }),
  };
  const data = await loadData(spec, sources);
  const { train, test } = data;
  const given = givenSettings(options, "model");
  const givenTrain = givenSettings(options, "train");
  const { range } = describe(train);
  const { why, likelihood, binarize } = chooseObservation(
    { kind: train.kind, isBinary: isBinary(train), range },
    { ...given, ...givenTrain },
  );
  const settings: RunSettings = {
    version: version(),
    createdAt: new Date().toISOString(),
    command: commandLine(argv),
    data: {
      // Found again from wherever the run is looked at.
      spec: spec === "mnist" ? spec : resolve(spec),
      ...sources,
      name: train.name.replace(/\/train$/, ""),
      ...(train.columns && { columns: [...train.columns] }),
      trainRows: train.rows,
      testRows: test.rows,
      fingerprint: fingerprint(train),
    },
    model: modelSettings.parse({ ...given, model, shape: [...train.shape], likelihood }),
    train: parseTrainSettings({ ...givenTrain, binarize }),
  };
  const path = options.out ?? nextRunFolder(spec, model);
  const noun = train.kind === "image" ? "images" : "rows";
  say(`${settings.data.name}: ${grouped(train.rows)} ${noun} to train on, ${grouped(test.rows)} to test on.`);
  if (why !== undefined) say(why);
  return {
    path,
    settings,
    data,
    train: (hooks) => startRun(path, settings, data, { ...hooks, overwrite: options.overwrite === true }),
  };
}

export async function prepareResumed(
  model: (typeof models)[number] | undefined,
  options: TrainOptions,
  say: Say,
): Promise<Prepared> {
  const path = options.resume === true ? options.out : options.resume;
  if (path === undefined) {
    throw new UsageError(
      "--resume: expected the folder of a run, such as --resume runs/mnist-vae-1; found none.",
    );
  }
  if (
    typeof options.resume === "string" &&
    options.out !== undefined &&
    resolve(options.out) !== resolve(path)
  ) {
    throw new UsageError(
      `--out ${options.out} contradicts --resume ${path}: a run goes on in its own folder. Leave --out out.`,
    );
  }
  if (options.overwrite) {
    throw new UsageError("--overwrite contradicts --resume: one replaces a run, the other goes on with it.");
  }
  const { settings } = readRun(path);
  refuseContradictions(path, settings, model, options);
  const { epochs } = options;
  const data = await loadOwnData(settings, options.data);
  say(`${settings.data.name}: going on with ${path}.`);
  return {
    path,
    settings: epochs === undefined ? settings : { ...settings, train: { ...settings.train, epochs } },
    data,
    train: (hooks) => resumeRun(path, data, { ...hooks, ...(epochs !== undefined && { epochs }) }),
  };
}

/** A resumed run has its settings: flags may repeat them, and ask for more epochs. */
function refuseContradictions(
  path: string,
  settings: RunSettings,
  model: string | undefined,
  options: TrainOptions,
): void {
  const refuse = (name: string, given: unknown, found: unknown): void => {
    if (given === undefined || JSON.stringify(given) === JSON.stringify(found)) return;
    throw new UsageError(
      `${name} ${text(given)} contradicts the run in ${path}, which has ${found === undefined ? "none" : text(found)}. ` +
        "A resumed run keeps its settings: leave the flag out, or start a new run.",
    );
  };
  refuse("model", model, settings.model.model);
  for (const flag of trainFlags) {
    if (flag.key !== "epochs") refuse(flagName(flag), options[flag.key], settingOf(settings, flag));
  }
  refuse("--test-fraction", options.testFraction, settings.data.testFraction);
  refuse("--label-column", options.labelColumn, settings.data.labelColumn);
  refuse("--labels", options.labels && resolve(options.labels), settings.data.labels);
}

const text = (value: unknown): string => (Array.isArray(value) ? value.join(",") || "none" : String(value));
