/** The data that a verb looks at: the run's own, or others of the same shape. */
import { type DataSplit, type Dataset, loadData, rowSize, withClassesOf } from "../data/index.ts";
import { DataError, UsageError } from "../errors.ts";
import { isLabelled, isStacked, type RunSettings, reloadData } from "../run/index.ts";
import { checkData } from "../run/model.ts";
import type { DataOptions } from "./data-options.ts";

/** The rows that the options ask for. @throws UsageError when they do not fit the model. */
export async function askedRows(
  settings: RunSettings,
  { data: spec, part, labelFile, labelColumn: column }: DataOptions,
): Promise<Dataset> {
  if (spec === undefined) {
    const given =
      labelFile !== undefined ? "--label-file" : column !== undefined ? "--label-column" : undefined;
    if (given !== undefined) {
      throw new UsageError(`${given} goes with --data: the run knows the labels of its own data.`);
    }
    return partOf(await reloadData(settings), part ?? "test");
  }
  const { labelColumn } = settings.data;
  let heldOut = false;
  const other = await loadData(spec, {
    ...(labelColumn !== undefined && /\.[ct]sv(\.gz)?$/i.test(spec) && { labelColumn }),
    ...(labelFile !== undefined && { labels: labelFile }),
    ...(column !== undefined && { labelColumn: column }),
    // In the file's order, so that rows of the output are rows of the file.
    permute: (n) => {
      heldOut = true;
      return Uint32Array.from({ length: n }, (_, i) => i);
    },
  });
  const found = partOf(other, part ?? (heldOut ? "all" : "test"));
  const dataset = isLabelled(settings) ? withClassesOf(found, settings.labels.classes) : found;
  const expected = settings.model.shape;
  if (rowSize(dataset.shape) !== rowSize(expected)) {
    throw new UsageError(
      `${spec}: expected rows of shape [${expected.join(", ")}], as the run was trained on; ` +
        `found [${dataset.shape.join(", ")}].`,
    );
  }
  const seen = isStacked(settings) ? settings.m1 : settings;
  checkData(dataset, seen.model, seen.train);
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
