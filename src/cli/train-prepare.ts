/** The two ways to a run that can be trained: a new one from a command line, and one that was stopped. */
import { resolve } from "node:path";
import { type Dataset, describe, isBinary, isTableFile, summarise } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import {
  type DataSource,
  describeData,
  isLabelled,
  isM1,
  isStacked,
  type LabelledRunSettings,
  loadRunData,
  type ModelName,
  newRun,
  type RunData,
  type RunHooks,
  type RunResult,
  type RunSettings,
  readRun,
  reloadData,
  resumeRun,
  startRun,
} from "../run/index.ts";
import { chooseObservation } from "./choose.ts";
import { nextRunFolder } from "./run-name.ts";
import { type Context, commandLine, grouped, type Say } from "./terminal.ts";
import { flagName, givenSettings, models, settingOf, type Tree, trainFlags } from "./train-flags.ts";
import { version } from "./version.ts";

/** Options as commander reads them; those of {@link trainFlags} by their keys. */
export interface TrainOptions extends Readonly<Record<string, unknown>> {
  readonly data?: string;
  readonly labelFile?: string;
  readonly labelColumn?: string;
  readonly categorical?: readonly string[];
  readonly ignore?: readonly string[];
  readonly testFraction?: number;
  readonly m1?: string;
  readonly epochs?: number;
  readonly out?: string;
  readonly overwrite?: true;
  readonly resume?: string | true;
  readonly report?: true;
  readonly json?: true;
  readonly quiet?: true;
}

/** A run that is ready to be trained, new or not. */
export interface Prepared {
  readonly path: string;
  readonly settings: RunSettings;
  readonly data: RunData;
  train(hooks: RunHooks): Promise<RunResult>;
}

const listed = `${models.slice(0, -1).join(", ")} or ${models.at(-1)}`;

export function checkModel(model: string | undefined, options: TrainOptions): ModelName | undefined {
  const found = models.find((name) => name === model);
  if (found !== undefined) return found;
  if (model === undefined) {
    if (options.resume !== undefined) return undefined;
    throw new UsageError(
      `train: expected a model, ${listed}, such as \`tightbound train vae --data mnist\`; found none.`,
    );
  }
  const close = models.find((name) => name.startsWith(model.toLowerCase().slice(0, 1)));
  throw new UsageError(
    `train: unknown model "${model}". Expected ${listed}.${close ? ` Did you mean ${close}?` : ""}`,
  );
}

/** @throws UsageError for flags that say nothing about this model or network. */
function checkApplicable(model: ModelName, options: TrainOptions): void {
  const refuse = (keys: readonly string[], why: string): void => {
    const flag = trainFlags.find(({ key }) => keys.includes(key) && options[key] !== undefined);
    if (flag) throw new UsageError(`${flagName(flag)} does not apply: ${why} Leave it out.`);
  };
  for (const { key, group } of trainFlags) {
    if (!group.models.includes(model)) refuse([key], group.why(model));
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
  if (options.validation === undefined) refuse(["validationSeed"], "there is no --validation.");
  if (options.m1 === undefined) return;
  if (model !== "m1" && model !== "m1m2") {
    throw new UsageError("--m1 does not apply: only m1 and m1m2 take a vae of another run. Leave it out.");
  }
  const settled = trainFlags.filter(({ path, key }) =>
    model === "m1m2"
      ? path.startsWith("m1.") || key === "likelihood" || key === "binarize"
      : /^(model|train)\./.test(path) && key !== "threads",
  );
  refuse(
    settled.map(({ key }) => key),
    `M1 is taken from ${options.m1} as it is.`,
  );
}

/** What follows from the data where the user did not say, put among what they gave. */
function withObservation(model: ModelName, given: Tree, data: RunData, say: Say): void {
  const { train } = data;
  const { preprocessing } = data;
  const place = (model === "m1m2" ? (given.m1 ?? {}) : given) as { model?: Tree; train?: Tree };
  const { range } = describe(train);
  const { why, likelihood, binarize } = chooseObservation(
    {
      kind: train.kind,
      isBinary: isBinary(train),
      range,
      ...(preprocessing && { table: summarise(train, preprocessing) }),
    },
    { ...place.model, ...place.train },
  );
  if (why !== undefined) say(why);
  const observed = {
    model: { ...place.model, likelihood },
    train: { ...place.train, binarize },
  };
  if (model === "m1m2") given.m1 = observed;
  else Object.assign(given, observed);
}

/** M1 of another run, as settings. @throws UsageError when it is no vae, CheckpointError when it cannot be read */
function m1Of(path: string): Tree {
  const { settings } = readRun(path);
  return { model: settings.model, train: settings.train, from: resolve(path) };
}

/** What the labels allow, told before training begins. */
function tellLabels(
  { labels: { count, seed, shown = 0, classes } }: LabelledRunSettings,
  train: Dataset,
  say: Say,
): void {
  const hidden = train.rows - shown;
  const each =
    shown % classes.length === 0
      ? `${shown / classes.length}`
      : `about ${Math.round(shown / classes.length)}`;
  const drawn = count === undefined ? "" : `, ${each} of each class, drawn by seed ${seed}`;
  say(
    hidden === 0
      ? `All ${grouped(shown)} rows are labelled: this is supervised learning. To hide most labels, say how many to keep: --labels 100.`
      : `${grouped(shown)} labels of ${classes.length} classes${drawn}; ${grouped(hidden)} rows without.`,
  );
}

/** Whether a file of text is read as a table: unless it is asked for by name that its numbers are taken as they are. */
function tableSource(
  spec: string,
  parts: Tree,
  model: ModelName,
  { categorical, ignore, m1 }: TrainOptions,
): Pick<DataSource, "table"> {
  const known = m1 === undefined ? undefined : readRun(m1).settings;
  const place = (known ?? (model === "m1m2" ? (parts.m1 ?? {}) : parts)) as { model?: Tree; train?: Tree };
  const { likelihood = "table" } = place.model ?? {};
  const { binarize = "none" } = place.train ?? {};
  if (isTableFile(spec) && likelihood === "table" && binarize === "none") {
    // An M1 that is taken must have seen the same columns.
    const { categorical: words, ignore: left } = known?.data.table ?? {};
    return { table: { categorical: categorical ?? words ?? [], ignore: ignore ?? left ?? [] } };
  }
  const given = categorical ? "--categorical" : ignore ? "--ignore" : undefined;
  if (given === undefined) return {};
  throw new UsageError(
    `${given} does not apply: only a .csv or .tsv file with --likelihood table (the default) has columns of its own. Leave it out.`,
  );
}

export async function prepareNew(
  model: ModelName | undefined,
  options: TrainOptions,
  { argv }: Context,
  say: Say,
): Promise<Prepared> {
  const { data: spec, labelFile, labelColumn, testFraction, m1 } = options;
  if (model === undefined || spec === undefined) {
    throw new UsageError("train: expected --data, mnist or the path of data; found none.");
  }
  checkApplicable(model, options);
  const { data: given, ...parts } = givenSettings(options, model) as { data?: Tree } & Tree;
  const { count, seed = 0 } = (given?.validation ?? {}) as { count?: number; seed?: number };
  const source = {
    // Found again from wherever the run is looked at.
    spec: spec === "mnist" ? spec : resolve(spec),
    ...(labelFile !== undefined && { labels: resolve(labelFile) }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(testFraction !== undefined && { testFraction }),
    ...(count !== undefined && { validation: { count, seed } }),
    // Of data that are partly labelled; the same rows whatever the model, so that a vae may be M1 of another run.
    labelledTest: true,
    ...tableSource(spec, parts, model, options),
  };
  const learns = model === "m1" || model === "m2" || model === "m1m2";
  const needsUnlabelled = learns && options.labels === undefined;
  const data = await loadRunData({ ...source, spec }, { needsUnlabelled, sparesLabels: learns });
  const { train, test, validation, notes = [] } = data;
  const noun = train.kind === "image" ? "images" : "rows";
  const name = train.name.replace(/\/train$/, "");
  say(
    `${name}: ${grouped(train.rows)} ${noun} to train on, ` +
      `${validation ? `${grouped(validation.rows)} to validate, ` : ""}${test ? grouped(test.rows) : "none"} to test on.`,
  );
  if (test === undefined && learns) {
    say(
      "Labels are too few to spare some for a test: how often it errs will not be known. --test-fraction 0.2 would spare a fifth.",
    );
  }
  for (const note of notes) say(note);
  if (m1 === undefined) withObservation(model, parts, data, say);
  else parts.m1 = m1Of(m1);
  const origin = { version: version(), command: commandLine(argv) };
  const settings = newRun(model, parts, train, describeData(source, data), origin);
  if (isLabelled(settings)) tellLabels(settings, train, say);
  const path = options.out ?? nextRunFolder(spec, model);
  return {
    path,
    settings,
    data,
    train: (hooks) => startRun(path, settings, data, { ...hooks, overwrite: options.overwrite === true }),
  };
}

export async function prepareResumed(
  model: ModelName | undefined,
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
  const data = await reloadData(settings, options.data);
  say(`${settings.data.name}: going on with ${path}.`);
  return {
    path,
    settings:
      epochs === undefined
        ? settings
        : ({ ...settings, train: { ...settings.train, epochs } } as RunSettings),
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
  refuse("--categorical", options.categorical, settings.data.table?.categorical);
  refuse("--ignore", options.ignore, settings.data.table?.ignore);
  refuse("--label-file", options.labelFile && resolve(options.labelFile), settings.data.labels);
  refuse(
    "--m1",
    options.m1 && resolve(options.m1),
    isStacked(settings) || isM1(settings) ? settings.m1.from : undefined,
  );
}

const text = (value: unknown): string => (Array.isArray(value) ? value.join(",") || "none" : String(value));
