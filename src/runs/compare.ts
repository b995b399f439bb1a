/** Runs beside each other: the settings in which they differ, their figures, and which is the best on validation rows. */

import { isDeepStrictEqual } from "#platform/equality";
import { existsSync } from "#platform/files";
import { resolve, sep } from "#platform/paths";
import { UsageError } from "../errors.ts";
import type { RunFolder } from "../files/index.ts";
import { declarationOf, type RunSettings, readHistory } from "../kinds/index.ts";
import type {
  ComparedFigure,
  ComparedRun,
  Comparison,
  DifferingSetting,
  EpochRecord,
  TermValues,
} from "../report/index.ts";
import { bestEpoch } from "../train/index.ts";
import { readRun } from "./open.ts";
import { settingsByPath } from "./settings-by-path.ts";

/** Settings that say where, when and by how many threads a run was made, or that follow from others. */
const INCIDENTAL: readonly string[] = [
  "createdAt",
  "command",
  "train.threads",
  "train.device",
  "data.columns",
  "data.table.preprocessing",
  "labels.perClass",
];

interface Found {
  readonly run: RunFolder & { readonly settings: RunSettings };
  readonly compared: ComparedRun;
  /** The figures of its epoch. */
  readonly record: EpochRecord | undefined;
}

/**
 * Compares runs by what is in their folders; nothing is measured again. The best run is the one that is best on validation rows, never on
 * test rows: whoever chooses by the test has none left.
 *
 * @throws UsageError for fewer than two runs, or one run given twice.
 * @throws CheckpointError when a run's settings or metrics are missing or damaged.
 */
export function compareRuns(
  paths: readonly string[],
  frame: Pick<Comparison, "command" | "version"> & { readonly createdAt?: string },
): Comparison {
  const folders = paths.map((path) => resolve(path));
  const twice = paths.find((_, i) => folders.indexOf(folders[i]) !== i);
  if (twice !== undefined) throw new UsageError(`compare: expected different runs, found ${twice} twice.`);
  if (paths.length < 2) {
    throw new UsageError(
      `compare: expected the folders of two runs or more, found ${paths.length === 0 ? "none" : paths[0]}.`,
    );
  }
  const names = namesOf(folders);
  const found = paths.map((path, i) => read(path, names[i]));
  const figures = figuresOf(found);
  const { best, remarks } = bestOf(found, figures);
  return {
    title: `${paths.length} runs compared`,
    command: frame.command,
    version: frame.version,
    createdAt: frame.createdAt ?? new Date().toISOString(),
    runs: found.map(({ compared }) => compared),
    settings: differing(found.map(({ run }) => run.settings)),
    figures,
    ...(best && { best }),
    remarks,
  };
}

/** The last words of each path, as many as make the names different. */
function namesOf(folders: readonly string[]): readonly string[] {
  const words = folders.map((folder) => folder.split(sep).filter((word) => word !== ""));
  const most = Math.max(...words.map(({ length }) => length));
  for (let count = 1; count < most; count++) {
    const names = words.map((all) => all.slice(-count).join("/"));
    if (new Set(names).size === names.length) return names;
  }
  return folders;
}

function read(path: string, name: string): Found {
  const run = readRun(path);
  const { settings } = run;
  const history = existsSync(run.metrics) ? readHistory(run) : [];
  const epoch = (existsSync(run.best) ? bestEpoch(history) : undefined) ?? history.at(-1)?.epoch ?? 0;
  return {
    run,
    compared: {
      name,
      path,
      title: `${declarationOf(settings.model.model).title} on ${settings.data.name}`,
      history,
      epoch,
      planned: settings.train.epochs,
    },
    record: history.find((line) => line.epoch === epoch),
  };
}

function differing(settings: readonly RunSettings[]): readonly DifferingSetting[] {
  const maps = settings.map((each) => new Map(settingsByPath(each, INCIDENTAL)));
  return [...new Set(maps.flatMap((map) => [...map.keys()]))]
    .map((name) => ({ name, values: maps.map((map) => map.get(name)) }))
    .filter(({ values }) => new Set(values).size > 1);
}

type Part = "validation" | "test" | "train";

/** What is told of each run, in order. A training figure is of the run's own objective. */
const FIGURES: readonly (Omit<ComparedFigure, "values"> & {
  readonly part: Part;
  readonly term: keyof TermValues;
})[] = [
  { name: "validation error", part: "validation", term: "error", unit: "share", better: "smaller" },
  { name: "validation ELBO", part: "validation", term: "elbo", unit: "nats", better: "larger" },
  {
    name: "validation reconstruction",
    part: "validation",
    term: "reconstruction",
    unit: "nats",
    better: "larger",
  },
  { name: "test error", part: "test", term: "error", unit: "share", better: "smaller" },
  { name: "test ELBO", part: "test", term: "elbo", unit: "nats", better: "larger" },
  { name: "test reconstruction", part: "test", term: "reconstruction", unit: "nats", better: "larger" },
  { name: "test KL", part: "test", term: "kl", unit: "nats" },
  { name: "training loss", part: "train", term: "loss", unit: "nats" },
];

function figuresOf(found: readonly Found[]): readonly ComparedFigure[] {
  const measured = FIGURES.map(
    ({ part, term, ...figure }): ComparedFigure => ({
      ...figure,
      values: found.map(({ record }) => record?.[part]?.[term]),
    }),
  );
  const others: readonly ComparedFigure[] = [
    { name: "active units", unit: "count", values: found.map(({ record }) => record?.activeUnits) },
    { name: "epoch", unit: "count", values: found.map(({ compared }) => compared.epoch) },
    {
      name: "time",
      unit: "seconds",
      values: found.map(({ compared }) => compared.history.at(-1)?.seconds),
    },
  ];
  return [...measured, ...others].filter(({ values }) => values.some((value) => value !== undefined));
}

/** What decides which density a bound is of: bounds of other densities cannot be compared. */
const densityOf = ({ model, train, data }: RunSettings): unknown => {
  const { likelihood } = model as { readonly likelihood?: string };
  const { binarize } = train as { readonly binarize?: string };
  // A table's features are in units of its own columns. Pixels are in units of black to white, whatever they are stored as.
  return [likelihood, binarize, data.table?.preprocessing, model.shape];
};

/** The best run by validation rows, and what to bear in mind. */
function bestOf(
  found: readonly Found[],
  figures: readonly ComparedFigure[],
): Pick<Comparison, "best" | "remarks"> {
  const same = (of: (settings: RunSettings) => unknown): boolean =>
    found.every(({ run }) => isDeepStrictEqual(of(run.settings), of(found[0].run.settings)));
  const sameRows = same(({ data }) => [data.fingerprint, data.validation]);
  const sameDensity = same(densityOf);
  const unfinished = found.filter(({ compared }) => compared.history.length === 0);
  const remarks = [
    ...unfinished.map(({ compared }) => `${compared.name} has no epochs on record.`),
    ...(sameRows
      ? []
      : [
          "The runs have different training or validation rows, so their figures are of different rows and none is called best.",
        ]),
    ...(sameDensity
      ? []
      : ["The runs have different likelihoods or prepare rows differently: their ELBOs are not comparable."]),
  ];
  if (!sameRows) return { remarks };
  const deciding = figures.find(
    ({ name, values, unit }) =>
      name.startsWith("validation") &&
      (unit === "share" || sameDensity) &&
      values.every((value) => value !== undefined && Number.isFinite(value)),
  );
  if (deciding === undefined) {
    return {
      remarks: [
        ...remarks,
        "Not every run has a figure of validation rows, so none is called best: choosing by test figures would make the best look better " +
          `than it is. Train with ${validated(found)} to have them.`,
      ],
    };
  }
  const values = deciding.values.map((value) => (deciding.better === "smaller" ? -1 : 1) * (value ?? 0));
  const most = Math.max(...values);
  const first = values.indexOf(most);
  const ties = values.filter((value) => value === most).length;
  return {
    best: { run: first, figure: deciding.name },
    remarks: [
      ...remarks,
      ...(ties > 1 ? [`${ties} runs have that ${deciding.name}; the first of them is named.`] : []),
    ],
  };
}

/** How to have figures of validation rows: models without labels measure them where they stop early. */
const validated = (found: readonly Found[]): string =>
  found.every(({ run }) => run.settings.labels !== undefined)
    ? "`validation`"
    : "`validation` and `patience`";
