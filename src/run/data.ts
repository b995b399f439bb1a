/** The data of a run: loaded, rows to validate set aside, and written down so that they are found again. */
import { type Dataset, drawLabels, fingerprint, type LoadOptions, loadData, select } from "../data/index.ts";
import { CheckpointError } from "../errors.ts";
import type { DataSettings, RunSettings } from "./settings.ts";

export interface RunData {
  readonly train: Dataset;
  readonly test: Dataset;
  /** Labelled rows that are kept out of `train`. */
  readonly validation?: Dataset;
}

/** Where data come from. */
export interface DataSource
  extends Pick<LoadOptions, "labels" | "labelColumn" | "testFraction" | "labelledTest"> {
  /** `mnist`, or a path. */
  readonly spec: string;
  /** Labelled rows to set aside, and the seed of their draw: another than the labels', so that they stay from draw to draw. */
  readonly validation?: { readonly count: number; readonly seed: number };
}

/** Loads training and test rows, and sets rows aside to validate. @throws as {@link loadData} and {@link drawLabels} */
export async function loadRunData(
  { spec, validation, ...options }: DataSource,
  checks: Pick<LoadOptions, "needsUnlabelled"> = {},
): Promise<RunData> {
  const { train, test } = await loadData(spec, { ...options, ...checks });
  if (validation === undefined) return { train, test };
  const held = drawLabels(train, {
    validation: validation.count,
    validationSeed: validation.seed,
  }).validation;
  const out = new Set(held);
  const kept = Uint32Array.from({ length: train.rows }, (_, row) => row).filter((row) => !out.has(row));
  return {
    train: select(train, kept),
    test,
    validation: select(train, held, train.name.replace(/(\/train)?$/, "/validation")),
  };
}

/** What a run writes down of its data. */
export const describeData = (source: DataSource, { train, test }: RunData): DataSettings => ({
  ...source,
  name: train.name.replace(/\/train$/, ""),
  ...(train.columns && { columns: [...train.columns] }),
  trainRows: train.rows,
  testRows: test.rows,
  fingerprint: fingerprint(train),
});

/** The data as the run saw them. @throws CheckpointError when the files hold others by now. */
export async function reloadData(settings: RunSettings, spec = settings.data.spec): Promise<RunData> {
  const { labels, labelColumn, testFraction, labelledTest, validation } = settings.data;
  const data = await loadRunData({
    spec,
    ...(labels !== undefined && { labels }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(testFraction !== undefined && { testFraction }),
    ...(labelledTest !== undefined && { labelledTest }),
    ...(validation !== undefined && { validation }),
  });
  checkFingerprint(settings, data.train);
  return data;
}

/** Refuses training data that are not those of the run. @throws CheckpointError */
export function checkFingerprint(settings: RunSettings, data: Dataset): void {
  const found = fingerprint(data);
  if (found !== settings.data.fingerprint) {
    throw new CheckpointError(
      `${data.name}: these are not the data that the run was trained on (fingerprint ${settings.data.fingerprint.slice(0, 12)}…, ` +
        `found ${found.slice(0, 12)}…). Give the same files, or start a new run.`,
    );
  }
}
