/** The data that a verb looks at: the run's own, or others of the same shape. */
import { type DataSplit, type Dataset, loadData, rowSize } from "../data/index.ts";
import { DataError, UsageError } from "../errors.ts";
import { checkFingerprint, type RunSettings } from "../run/index.ts";
import { checkData } from "../run/model.ts";
import type { DataOptions } from "./data-options.ts";

/** Training and test data as the run saw them. @throws CheckpointError when the files hold others by now. */
export async function loadOwnData(settings: RunSettings, spec = settings.data.spec): Promise<DataSplit> {
  const { labels, labelColumn, testFraction } = settings.data;
  const data = await loadData(spec, {
    ...(labels !== undefined && { labels }),
    ...(labelColumn !== undefined && { labelColumn }),
    ...(testFraction !== undefined && { testFraction }),
  });
  checkFingerprint(settings, data.train);
  return data;
}

/** The rows that the options ask for. @throws UsageError when they do not fit the model. */
export async function loadRunData(
  settings: RunSettings,
  { data: spec, part, ...labels }: DataOptions,
): Promise<Dataset> {
  if (spec === undefined) {
    const given = Object.keys(labels).at(0);
    if (given !== undefined) {
      throw new UsageError(
        `--${given === "labels" ? "labels" : "label-column"} goes with --data: the run knows the labels of its own data.`,
      );
    }
    return partOf(await loadOwnData(settings), part ?? "test");
  }
  const { labelColumn } = settings.data;
  let heldOut = false;
  const other = await loadData(spec, {
    ...(labelColumn !== undefined && /\.[ct]sv(\.gz)?$/i.test(spec) && { labelColumn }),
    ...labels,
    // In the file's order, so that rows of the output are rows of the file.
    permute: (n) => {
      heldOut = true;
      return Uint32Array.from({ length: n }, (_, i) => i);
    },
  });
  const dataset = partOf(other, part ?? (heldOut ? "all" : "test"));
  const expected = settings.model.shape;
  if (rowSize(dataset.shape) !== rowSize(expected)) {
    throw new UsageError(
      `${spec}: expected rows of shape [${expected.join(", ")}], as the run was trained on; ` +
        `found [${dataset.shape.join(", ")}].`,
    );
  }
  checkData(dataset, settings.model, settings.train);
  return dataset;
}

function partOf({ train, test }: DataSplit, part: NonNullable<DataOptions["part"]>): Dataset {
  if (part === "test") return test;
  if (part === "train") return train;
  if (train.scale !== test.scale) {
    throw new DataError(
      `${train.name} and ${test.name}: one holds bytes and the other real numbers, so they cannot be joined; ` +
        "use --part train or --part test.",
    );
  }
  const x =
    train.x instanceof Uint8Array
      ? new Uint8Array(train.x.length + test.x.length)
      : new Float32Array(train.x.length + test.x.length);
  x.set(train.x);
  x.set(test.x, train.x.length);
  const { labels: _, ...fields } = train;
  return {
    ...fields,
    name: train.name.replace(/\/train$/, ""),
    rows: train.rows + test.rows,
    x,
    ...(train.labels && test.labels && { labels: joined(train.labels, test.labels) }),
  };
}

function joined(first: Int32Array, second: Int32Array): Int32Array {
  const both = new Int32Array(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
}
