/** Prepares a run for training: a new one from a command line, or one that was stopped. */
import { resolve } from "node:path";
import type { Device } from "../compile/index.ts";
import {
  checkReading,
  type Dataset,
  isTableFile,
  readingOptions,
  summarise,
  TABLE_KINDS,
} from "../data/index.ts";
import { UsageError } from "../errors.ts";
import {
  at,
  type BaseDeclaration,
  chooseObservation,
  type Declaration,
  declarationOf,
  kindNames,
  type LabelSettings,
  learnsFromLabels,
  listed,
  merge,
  needsLabels,
  put,
  type RunData,
  type RunSettings,
  type Tree,
  traitsOf,
} from "../kinds/index.ts";
import { fromFirst } from "../mpi/index.ts";
import { nearest } from "../options.ts";
import {
  type DataSource,
  describeData,
  loadOnRanks,
  loadRunData,
  newRun,
  type RunHooks,
  type RunResult,
  readOnFirst,
  readRun,
  reloadData,
  resumeRun,
  startRun,
} from "../runs/index.ts";
import { version } from "../version.ts";
import { checkFlags, givenSettings, trainFlags } from "./flags.ts";
import { type ReadingFlags, readingOf } from "./reading-flags.ts";
import { nextRunFolder } from "./run-name.ts";
import { type Context, commandLine, grouped, type Say } from "./terminal.ts";
import { inFlags } from "./wording.ts";

/** Options as commander parses them; those of {@link trainFlags} by their keys. */
export interface TrainOptions extends ReadingFlags, Readonly<Record<string, unknown>> {
  readonly data?: string;
  readonly labelFile?: string;
  readonly labelColumn?: string;
  readonly categorical?: readonly string[];
  readonly ignore?: readonly string[];
  readonly id?: string;
  readonly type?: Readonly<Record<string, string>>;
  readonly decimal?: "." | ",";
  readonly testFraction?: number;
  readonly validation?: number;
  readonly validationSeed?: number;
  readonly epochs?: number;
  readonly threads?: number;
  readonly device?: Device;
  readonly out?: string;
  readonly overwrite?: true;
  readonly resume?: string | true;
  readonly report?: true;
  readonly tensorboard?: true;
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

/** The kind that the user asked for. @throws UsageError */
export function requestedKind(name: string | undefined, options: TrainOptions): Declaration | undefined {
  if (name !== undefined && kindNames.includes(name)) return declarationOf(name);
  const expected = listed(kindNames, "or");
  if (name === undefined) {
    if (options.resume !== undefined) return undefined;
    throw new UsageError(
      `train: expected a model, ${expected}, such as \`tightbound train vae --data mnist\`; found none.`,
    );
  }
  const close = nearest(name, kindNames);
  throw new UsageError(
    `train: unknown model "${name}". Expected ${expected}.${close ? ` Did you mean ${close}?` : ""}`,
  );
}

/** The flag of a setting, if the kind has one. */
const flagAt = (path: string, { name }: Declaration) =>
  trainFlags.find(({ kinds }) => kinds.get(name)?.path === path);

/** @throws UsageError when the kind does not have a flag, or a reused run already decides it. */
function checkApplicable(declaration: Declaration, options: TrainOptions): void {
  checkFlags(trainFlags, declaration, options);
  if (options.validation === undefined && options.validationSeed !== undefined) {
    throw new UsageError("--validation-seed does not apply: there is no --validation. Leave it out.");
  }
  const reused = reusedRun(declaration, options);
  if (reused === undefined) return;
  const decided = trainFlags.find(({ key, kinds }) => {
    const path = kinds.get(declaration.name)?.path;
    if (path === undefined || options[key] === undefined || path === reused.base.from) return false;
    return !path.endsWith(".threads") && reused.base.decides.some((start) => path.startsWith(start));
  });
  if (decided !== undefined) {
    throw new UsageError(
      `${decided.flag} does not apply: ${reused.base.title} comes trained from ${reused.path}. Leave it out.`,
    );
  }
}

interface ReusedRun {
  readonly base: BaseDeclaration;
  readonly path: string;
}

/** The run that this one is built on, if the user gave one. */
function reusedRun(declaration: Declaration, options: TrainOptions): ReusedRun | undefined {
  const { base } = declaration;
  const flag = base && flagAt(base.from, declaration);
  const path = flag && options[flag.key];
  return base && typeof path === "string" ? { base, path } : undefined;
}

/** Where a kind's settings have the likelihood and the binarisation of pixels. */
const observationPaths = ({ name }: Declaration) => {
  const path = (flag: string): string =>
    trainFlags.find((one) => one.flag === flag)?.kinds.get(name)?.path ?? flag;
  return { likelihood: path("--likelihood"), binarize: path("--binarize") };
};

/** Adds what follows from the data to what the user gave. */
function withObservation(
  declaration: Declaration,
  given: Tree,
  { train, preprocessing }: RunData,
  say: Say,
): void {
  const paths = observationPaths(declaration);
  const asked = { likelihood: at(given, paths.likelihood), binarize: at(given, paths.binarize) };
  const { why, likelihood, binarize } = chooseObservation(
    traitsOf(train, preprocessing && summarise(train, preprocessing)),
    asked as Parameters<typeof chooseObservation>[1],
  );
  if (why !== undefined) say(inFlags(why));
  put(given, paths.likelihood, likelihood);
  put(given, paths.binarize, binarize);
}

/** Says which labels there are, before training begins. */
function printLabels({ count, seed, shown = 0, classes }: LabelSettings, train: Dataset, say: Say): void {
  const hidden = train.rows - shown;
  const each =
    shown % classes.length === 0
      ? `${shown / classes.length}`
      : `about ${Math.round(shown / classes.length)}`;
  const drawn = count === undefined ? "" : `, ${each} of each class, drawn by seed ${seed}`;
  say(
    hidden === 0
      ? `All ${grouped(shown)} rows are labelled: this is supervised learning. To hide most labels, give the number to keep: --labels 100.`
      : `${grouped(shown)} labels of ${classes.length} classes${drawn}; ${grouped(hidden)} rows without.`,
  );
}

/** Whether a text file is read as a table: yes, unless the user asked for a likelihood of raw numbers. */
function tableSource(
  spec: string,
  given: Tree,
  declaration: Declaration,
  { categorical, ignore, id, type, decimal }: TrainOptions,
  known: RunSettings | undefined,
): Pick<DataSource, "table"> {
  const paths = observationPaths(known ? declarationOf(known.model.model) : declaration);
  const place = known ?? given;
  const { likelihood = "table", binarize = "none" } = {
    likelihood: at(place, paths.likelihood),
    binarize: at(place, paths.binarize),
  };
  if (isTableFile(spec) && likelihood === "table" && binarize === "none") {
    // The base run must have seen the same columns.
    const before = known?.data.table;
    const given = {
      id: id ?? before?.id,
      types: type ?? before?.types,
      decimal: decimal ?? before?.decimal,
    };
    // If a flag about columns was given, fit the columns again; otherwise use those of the base run.
    const givesColumns = [categorical, ignore, id, type, decimal].some((one) => one !== undefined);
    return {
      table: {
        categorical: categorical ?? before?.categorical ?? [],
        ignore: ignore ?? before?.ignore ?? [],
        ...(given.id !== undefined && { id: given.id }),
        ...(given.types && { types: given.types }),
        ...(given.decimal !== undefined && { decimal: given.decimal }),
        ...(before && !givesColumns && { preprocessing: before.preprocessing }),
      },
    };
  }
  const flags = {
    "--categorical": categorical,
    "--ignore": ignore,
    "--id": id,
    "--type": type,
    "--decimal": decimal,
  };
  const flag = Object.entries(flags).find(([, value]) => value !== undefined)?.[0];
  if (flag === undefined) return {};
  throw new UsageError(
    `${flag} does not apply: only a ${TABLE_KINDS} file with --likelihood table (the default) has columns of its own. Leave it out.`,
  );
}

export async function prepareNew(
  declaration: Declaration | undefined,
  options: TrainOptions,
  { argv, ranks }: Context,
  say: Say,
): Promise<Prepared> {
  const { data: spec, labelFile, labelColumn, testFraction, validation: count, validationSeed } = options;
  if (declaration === undefined || spec === undefined) {
    throw new UsageError("train: expected --data, mnist or the path of data; found none.");
  }
  checkApplicable(declaration, options);
  const given = givenSettings(options, declaration.name);
  const reused = reusedRun(declaration, options);
  const found = reused && readRun(reused.path).settings;
  const source = {
    // An absolute path works from any folder.
    spec: spec === "mnist" ? spec : resolve(spec),
    ...(labelFile !== undefined && { labels: resolve(labelFile) }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...readingOf(options),
    ...(testFraction !== undefined && { testFraction }),
    ...(count !== undefined && { validation: { count, seed: validationSeed ?? 0 } }),
    // For partly labelled data: hold out the same rows for every model, so that one run can be built on another.
    labelledTest: true,
    ...tableSource(spec, given, declaration, options, found),
  };
  checkReading(spec, readingOptions(source.reading));
  const learns = needsLabels(declaration, given);
  const needsUnlabelled = learns && options.labels === undefined;
  const data = await loadOnRanks(ranks, () =>
    loadRunData({ ...source, spec }, { needsUnlabelled, sparesLabels: learns }),
  );
  const { train, test, validation, notes = [] } = data;
  const noun = train.kind === "image" ? "images" : "rows";
  const name = train.name.replace(/\/train$/, "");
  say(
    `${name}: ${grouped(train.rows)} ${noun} to train on, ` +
      `${validation ? `${grouped(validation.rows)} to validate, ` : ""}${test ? grouped(test.rows) : "none"} to test on.`,
  );
  if (test === undefined && learns) {
    say(
      "Too few labels to hold any out for testing, so the error will not be known. --test-fraction 0.2 would hold out a fifth.",
    );
  }
  for (const note of notes) say(inFlags(note));
  if (reused === undefined || found === undefined) withObservation(declaration, given, data, say);
  else put(given, reused.base.from, resolve(reused.path));
  const complete = (reused && found ? merge(reused.base.settingsFrom(found), given) : given) as Parameters<
    typeof newRun
  >[1];
  const origin = { version: version(), command: commandLine(argv) };
  const settings = newRun(declaration.name, complete, train, describeData(source, data), origin);
  if (learnsFromLabels(settings)) printLabels(settings.labels, train, say);
  const path = options.out ?? fromFirst(ranks, nextRunFolder(spec, declaration.name));
  return {
    path,
    settings,
    data,
    train: (hooks) => startRun(path, settings, data, { ...hooks, overwrite: options.overwrite === true }),
  };
}

export async function prepareResumed(
  declaration: Declaration | undefined,
  options: TrainOptions,
  { ranks }: Context,
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
      `--out ${options.out} contradicts --resume ${path}: a run continues in its own folder. Leave --out out.`,
    );
  }
  if (options.overwrite) {
    throw new UsageError("--overwrite contradicts --resume: one replaces a run, the other continues it.");
  }
  const { settings } = readOnFirst(ranks, path);
  refuseContradictions(path, settings, declaration, options);
  const { epochs, threads, device } = options;
  const changed = {
    ...(epochs !== undefined && { epochs }),
    ...(threads !== undefined && { threads }),
    ...(device !== undefined && { device }),
  };
  const data = await loadOnRanks(ranks, () => reloadData(settings, options.data));
  say(`${settings.data.name}: continuing ${path}.`);
  return {
    path,
    settings: { ...settings, train: { ...settings.train, ...changed } },
    data,
    train: (hooks) => resumeRun(path, data, { ...hooks, ...changed }),
  };
}

/** Settings that may change when a run continues. */
const CHANGEABLE = new Set(["epochs", "threads", "device"]);

/** A resumed run keeps its settings: flags may only repeat them, ask for more epochs, or say where it runs. */
function refuseContradictions(
  path: string,
  settings: RunSettings,
  asked: Declaration | undefined,
  options: TrainOptions,
): void {
  const refuse = (name: string, given: unknown, found: unknown): void => {
    if (given === undefined || JSON.stringify(given) === JSON.stringify(found)) return;
    throw new UsageError(
      `${name} ${text(given)} contradicts the run in ${path}, which has ${found === undefined ? "none" : text(found)}. ` +
        "A resumed run keeps its settings: leave the flag out, or start a new run.",
    );
  };
  const declaration = declarationOf(settings.model.model);
  const { data } = settings;
  refuse("model", asked?.name, declaration.name);
  for (const { flag, key, kinds } of trainFlags) {
    const own = kinds.get(declaration.name);
    const given = options[key];
    if (given === undefined || (CHANGEABLE.has(key) && own !== undefined)) continue;
    const isPath = own?.path === declaration.base?.from;
    refuse(flag, isPath ? resolve(String(given)) : given, own && at(settings, own.path));
  }
  refuse("--validation", options.validation, data.validation?.count);
  refuse("--validation-seed", options.validationSeed, data.validation?.seed);
  refuse("--test-fraction", options.testFraction, data.testFraction);
  const { reading } = readingOf(options);
  refuse("--resize", reading?.resize, data.reading?.resize);
  refuse("--fit", reading?.fit, data.reading?.fit);
  refuse("--grey", reading?.grey, data.reading?.grey);
  refuse("--encoding", reading?.encoding, data.reading?.encoding);
  refuse("--header", reading?.header, data.reading?.header);
  refuse("--label-column", options.labelColumn, data.labelColumn);
  refuse("--categorical", options.categorical, data.table?.categorical);
  refuse("--ignore", options.ignore, data.table?.ignore);
  refuse("--id", options.id, data.table?.id);
  refuse("--type", options.type, data.table?.types);
  refuse("--decimal", options.decimal, data.table?.decimal);
  refuse("--label-file", options.labelFile && resolve(options.labelFile), data.labels);
}

const text = (value: unknown): string => (Array.isArray(value) ? value.join(",") || "none" : String(value));
