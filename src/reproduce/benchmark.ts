/** The data for the benchmark's page (Kingma et al. 2014), in the form that the report floor needs: methods, draws, curves and settings. */
import { join } from "#platform/paths";
import { runFolder } from "../files/index.ts";
import { declarationOf, readHistory } from "../kinds/index.ts";
import type { Benchmark, BenchmarkCell, BenchmarkDraw, ErrorCurve } from "../report/index.ts";
import { readRun } from "../runs/index.ts";
import type { DrawFigures, Kingma2014Options, Kingma2014Results } from "./kingma2014.ts";
import {
  folderOf,
  isBuiltOnShared,
  type Method,
  methods,
  protocols,
  takesTraining,
  VALIDATION,
} from "./protocol.ts";
import type { PublishedError } from "./published.ts";
import { beside } from "./table.ts";

/**
 * The data for the page and the table of a reproduction. Each way to classify is a row; curves and settings are read from
 * the runs' folders.
 *
 * @example
 * const results = await reproduceKingma2014(options);
 * await writeBenchmark(options.out, benchmarkOf(results, options));
 *
 * @throws CheckpointError when a run's settings or metrics are missing or damaged.
 */
export function benchmarkOf(
  results: Kingma2014Results,
  options: Kingma2014Options & { readonly createdAt?: string },
): Benchmark {
  const { out, labels = [100], draws: planned = 5, createdAt = new Date().toISOString() } = options;
  const { command, version, data, m1 } = results;
  const wanted = methods.filter((method) => (options.methods ?? methods).includes(method));
  const cells = wanted.flatMap((method) =>
    labels.flatMap((count) => cellsOf(method, count, { out, draws: results.draws, planned })),
  );
  const others = wanted.some((method) =>
    labels.some((count) =>
      beside(method, protocols[method].paper.by, count).some(({ source }) => source !== undefined),
    ),
  );
  return {
    title: "Kingma et al. (2014), reproduced",
    subtitle: `${listed(wanted.map((method) => protocols[method].name))} on ${data.name} with ${listed(labels.map(grouped))} labels`,
    command,
    createdAt,
    version,
    source: `Kingma et al. (2014), table 1, as quoted by others${others ? "; a row that names another source is from that one" : ""}`,
    protocol: protocolOf(results, options, wanted),
    testRows: data.testRows,
    cells,
    shared: m1.map(({ folder, seconds }) => ({
      name: `the VAE of M1${m1.length > 1 ? ` (${folder})` : ""}`,
      seconds,
      settings: settingsAt(join(out, folder)),
    })),
  };
}

const protocolOf = (
  { data }: Kingma2014Results,
  { source, length = 1 }: Kingma2014Options,
  wanted: readonly Method[],
): string => {
  const held = source === undefined ? VALIDATION.count : (source.validation?.count ?? 0);
  return [
    `${grouped(data.trainRows)} rows to train on, a few of them with labels, the same number in each class;`,
    `${held > 0 ? `${grouped(held)} others to validate on and ` : ""}${grouped(data.testRows)} to test on.`,
    ...(wanted.some(isBuiltOnShared) ? ["M1 has one VAE for all draws with the same number of labels."] : []),
    "Lengths are fixed, and nothing was chosen by test error.",
    ...(length < 1
      ? [`This is a trial at ${length} of the protocol\u2019s epochs: its figures are not comparable.`]
      : []),
  ].join(" ");
};

/** A method at a number of labels: a cell for each way to classify, and for each published figure. */
function cellsOf(
  method: Method,
  labels: number,
  {
    out,
    draws,
    planned,
  }: { readonly out: string; readonly draws: readonly DrawFigures[]; readonly planned: number },
): readonly BenchmarkCell[] {
  const done = draws.filter((draw) => draw.method === method && draw.labels === labels);
  const paper = protocols[method].paper.by;
  const ways = done.length > 0 ? Object.keys(done[0].testErrors) : [paper];
  const folder = (seed: number): string => join(out, folderOf(method, labels, seed));
  const figures = beside(method, paper, labels);
  const cells = ways.map((by, i): BenchmarkCell => {
    const published = by === paper ? figures.find(({ source }) => source === undefined) : undefined;
    return {
      method: `${protocols[method].name} by ${by === "Bayes" ? "Bayes\u2019 rule" : by}`,
      labels,
      planned,
      ...(published && { published: publishedShare(published) }),
      draws: done.map((figuresOf) => drawOf(figuresOf, by, folder(figuresOf.labelSeed))),
      // All ways to classify use the same training.
      ...(i === 0 &&
        done.length > 0 && {
          settings: settingsAt(folder(done[0].labelSeed)),
          training: takesTraining(method)
            ? `classifiers of ${protocols[method].name}`
            : protocols[method].name,
        }),
    };
  });
  const elsewhere = figures.flatMap((figure): readonly BenchmarkCell[] =>
    figure.source === undefined
      ? []
      : [
          {
            method: `${protocols[method].name} in ${figure.source}`,
            labels,
            published: publishedShare(figure),
          },
        ],
  );
  return [...cells, ...elsewhere];
}

const publishedShare = ({ error, deviation }: PublishedError): NonNullable<BenchmarkCell["published"]> => ({
  error,
  ...(deviation !== undefined && { spread: deviation }),
});

/** One draw and one way to classify. Time and curve are those of the training and belong to q(y|x); M1's classifiers have neither. */
function drawOf(figures: DrawFigures, by: string, path: string): BenchmarkDraw {
  const { labelSeed, testErrors, validationErrors, seconds } = figures;
  const curve = by === "q(y|x)" ? curveOf(path) : undefined;
  return {
    seed: labelSeed,
    error: testErrors[by],
    ...(by in validationErrors && { others: { validation: validationErrors[by] } }),
    ...(by === "q(y|x)" && { seconds }),
    ...(curve && { curve }),
  };
}

/** Errors during training: on test rows or, if these were not recorded, on validation rows. */
function curveOf(path: string): ErrorCurve | undefined {
  const history = readHistory(runFolder(path));
  const part = (["test", "validation"] as const).find((name) =>
    history.some((line) => line[name]?.error !== undefined),
  );
  return (
    part && {
      part,
      updates: history.map(({ step }) => step),
      errors: history.map((line) => line[part]?.error),
    }
  );
}

/** Model and training settings of a run. For M1, those of its classifiers, because its VAE is the shared one. */
const settingsAt = (path: string): NonNullable<BenchmarkCell["settings"]> => {
  const { settings } = readRun(path);
  const { base, settings: tables } = declarationOf(settings.model.model);
  if (base === undefined || base.folder !== undefined) return { ...settings.model, ...settings.train };
  const elsewhere = ["model", "train", "labels", base.from.split(".")[0]];
  const own = Object.entries(settings).filter(([part]) => part in tables && !elsewhere.includes(part));
  return Object.assign({}, ...own.map(([, values]) => values)) as Readonly<Record<string, unknown>>;
};

const grouped = (count: number): string => count.toLocaleString("en-US");

/** `a, b and c`. */
const listed = (names: readonly string[]): string =>
  names.length < 2 ? names.join() : `${names.slice(0, -1).join(", ")} and ${names.at(-1)}`;
