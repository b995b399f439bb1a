import { DataError, UsageError } from "../errors.ts";

/** Row numbers, counted from 0. */
export type RowIndices = Uint32Array | Int32Array | readonly number[];

/** Rows of images or of a table, held in memory as they were stored, with what a model needs to know about them. */
export interface Dataset {
  /** `mnist/train`, or the file's name. */
  readonly name: string;
  readonly rows: number;
  /** The shape of one row: `[28, 28]`, `[32, 32, 3]` (height, width, channels), or `[features]`. */
  readonly shape: readonly number[];
  readonly kind: "image" | "table";
  /** Row-major, `rows * prod(shape)` values. Images stored as bytes stay bytes, 0 to 255. */
  readonly x: Uint8Array | Float32Array;
  /**
   * As long as `x`: 1 for a value that was given, 0 for one that is missing (`x` then holds 0, and models receive NaN). Absent if no value
   * is missing.
   */
  readonly observed?: Uint8Array;
  /** What `x` is multiplied by to get model units: 1/255 for bytes, otherwise 1. */
  readonly scale: number;
  /** A class index per row; -1 for an unlabelled row. */
  readonly labels?: Int32Array;
  /** The names of the classes that `labels` counts. */
  readonly classes?: readonly string[];
  /** The names of a table's columns. */
  readonly columns?: readonly string[];
  /** The name of each row, if rows have names: for an image its file within the folder, for a row of a table its line in the file or its id. */
  readonly rowNames?: readonly string[];
  /** What the `rowNames` are: `file`, `line`, or the name of the column of ids. */
  readonly rowNoun?: string;
  /** Notes for the user on how the data were read. */
  readonly notes?: readonly string[];
}

/** What a row is called in a message: `line 157`, `file a/3.png`, or its number. */
export const rowPlace = (
  { rowNames, rowNoun = "row" }: Pick<Dataset, "rowNames" | "rowNoun">,
  row: number,
): string => (rowNames ? `${rowNoun} ${rowNames[row]}` : `row ${row}, counted from 0`);

/** The argument of {@link createDataset}: a {@link Dataset} without the fields that follow from the others. */
export interface DatasetFields extends Omit<Dataset, "rows" | "kind" | "scale"> {
  /** Number of rows. Default: the length of `x` divided by the number of values in a row. */
  readonly rows?: number;
  /** What the rows are. Default: `"table"` if `shape` has one axis, `"image"` if it has more. */
  readonly kind?: "image" | "table";
  /** Values of `x` are multiplied by this before models see them. Default: 1/255 for bytes, otherwise 1. */
  readonly scale?: number;
  /** Where the data came from, for error messages. Default: the name. */
  readonly source?: string;
}

/** How many values one row of this shape holds. */
export const rowSize = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

/**
 * Makes a dataset of arrays that are already in memory; every reader of files uses it too. It checks the fields and fills in those left
 * out: `kind` is `"table"` for rows of rank 1, otherwise `"image"`; `scale` is 1/255 for bytes, otherwise 1.
 *
 * ```ts
 * const xor = createDataset({ name: "xor", shape: [2], x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1) });
 * ```
 *
 * @throws DataError when there are no rows, when the lengths disagree, or when a value is NaN or infinite
 * (the message gives the row and column, counted from 0).
 */
export const createDataset = (fields: DatasetFields): Dataset => {
  const {
    source = fields.name,
    shape,
    x,
    observed,
    labels,
    classes,
    columns,
    rowNames,
    rowNoun,
    notes,
  } = fields;
  const width = rowSize(shape);
  const rows = fields.rows ?? (width > 0 ? x.length / width : 0);
  const shapeText = `[${shape.join(", ")}]`;
  if (shape.length === 0 || !(width >= 1)) {
    throw new DataError(`${source}: a row of shape ${shapeText} holds no values. Expected at least one.`);
  }
  if (x.length === 0) throw new DataError(`${source}: holds no rows. Expected at least one.`);
  if (!Number.isInteger(rows) || rows * width !== x.length) {
    throw new DataError(
      `${source}: expected whole rows of shape ${shapeText}, ${width} values each; found ${x.length} values.`,
    );
  }
  if (observed && observed.length !== x.length) {
    throw new DataError(
      `${source}: expected \`observed\` to have one value for each of the ${x.length} values of \`x\`; found ${observed.length}.`,
    );
  }
  if (labels && labels.length !== rows) {
    throw new DataError(
      `${source}: expected one label per row, ${rows} in all; found ${labels.length} labels.`,
    );
  }
  if (columns && columns.length !== width) {
    throw new DataError(`${source}: expected ${width} column names; found ${columns.length}.`);
  }
  if (rowNames && rowNames.length !== rows) {
    throw new DataError(
      `${source}: expected a name for each of ${rows} rows; found ${rowNames.length} names.`,
    );
  }
  if (x instanceof Float32Array) checkFinite(x, width, source, columns);
  return {
    name: fields.name,
    rows,
    shape,
    kind: fields.kind ?? (shape.length === 1 ? "table" : "image"),
    x,
    scale: fields.scale ?? (x instanceof Uint8Array ? 1 / 255 : 1),
    ...(observed && { observed }),
    ...(labels && { labels }),
    ...(classes && { classes }),
    ...(columns && { columns }),
    ...(rowNames && { rowNames, ...(rowNoun !== undefined && { rowNoun }) }),
    ...(notes && notes.length > 0 && { notes }),
  };
};

const checkFinite = (
  x: Float32Array,
  width: number,
  source: string,
  columns: readonly string[] | undefined,
): void => {
  for (let i = 0; i < x.length; i++) {
    const value = x[i] as number;
    // A value minus itself is 0 unless the value is NaN or infinite.
    if (value - value === 0) continue;
    const column = i % width;
    const name = columns ? ` ("${columns[column]}")` : "";
    throw new DataError(
      `${source}: expected finite float32 numbers, found ${value} at row ${Math.floor(i / width)}, ` +
        `column ${column}${name}, counted from 0. Remove the row or fill in the value.`,
    );
  }
};

/**
 * The first `count` rows, as views of the same memory.
 *
 * @throws UsageError unless `count` is an integer from 1 to the number of rows.
 */
export const take = (dataset: Dataset, count: number): Dataset => {
  if (!(Number.isInteger(count) && count >= 1 && count <= dataset.rows)) {
    throw new UsageError(
      `take: expected a whole number of rows from 1 to ${dataset.rows} (all of ${dataset.name}); found ${count}.`,
    );
  }
  const { labels, observed, rowNames } = dataset;
  const size = count * rowSize(dataset.shape);
  return {
    ...dataset,
    rows: count,
    x: dataset.x.subarray(0, size),
    ...(observed && { observed: observed.subarray(0, size) }),
    ...(labels && { labels: labels.subarray(0, count) }),
    ...(rowNames && { rowNames: rowNames.slice(0, count) }),
  };
};

/**
 * Holds out the rows that a permutation puts last. Both parts are copies, in the order of the permutation.
 *
 * @param heldOut a fraction of the rows, in (0, 1), rounded to whole rows, or a number of rows, at least 1; both parts keep at least one
 * row.
 * @param permutation each row number once.
 * @throws UsageError when `heldOut` leaves a part empty, or `permutation` is not a permutation of the rows.
 */
export const split = (
  dataset: Dataset,
  heldOut: number,
  permutation: Uint32Array,
): { readonly train: Dataset; readonly test: Dataset } => {
  const { rows, name } = dataset;
  const fraction = heldOut > 0 && heldOut < 1;
  const count = fraction ? Math.min(Math.max(Math.round(heldOut * rows), 1), rows - 1) : heldOut;
  if (!(Number.isInteger(count) && count >= 1 && count < rows)) {
    throw new UsageError(
      `split: expected a fraction between 0 and 1, or a count from 1 to ${rows - 1}, of the ${rows} ` +
        `row${rows === 1 ? "" : "s"} of ${name}; found ${heldOut}.`,
    );
  }
  const seen = new Uint8Array(rows);
  for (const row of permutation) seen[row] = 1;
  if (permutation.length !== rows || seen.includes(0)) {
    throw new UsageError(
      `split: expected a permutation, with each of the row numbers 0 to ${rows - 1} of ` +
        `${name} once; found ${permutation.length} numbers that are not a permutation.`,
    );
  }
  return {
    train: select(dataset, permutation.subarray(0, rows - count), `${name}/train`),
    test: select(dataset, permutation.subarray(rows - count), `${name}/test`),
  };
};

/**
 * Joins the rows of two datasets with the same row shape. Labels and row names are kept if both datasets have them. A dataset without
 * `observed` counts as fully observed.
 *
 * @throws DataError when one holds bytes and the other real numbers, or when their rows differ in shape.
 */
export const concatRows = (first: Dataset, second: Dataset, name: string): Dataset => {
  if (first.scale !== second.scale || first.shape.join() !== second.shape.join()) {
    const described = ({ name: of, shape, x }: Dataset) =>
      `${of} holds ${x instanceof Uint8Array ? "bytes" : "real numbers"} in rows of shape [${shape.join(", ")}]`;
    throw new DataError(
      `cannot be joined: ${described(first)}, ${described(second)}. Expected rows of the same kind and shape.`,
    );
  }
  const marks = ({ x, observed }: Dataset) => observed ?? new Uint8Array(x.length).fill(1);
  const { labels: _, observed: __, rowNames: ___, ...fields } = first;
  return {
    ...fields,
    name,
    rows: first.rows + second.rows,
    x:
      first.x instanceof Uint8Array
        ? joined(Uint8Array, first.x, second.x)
        : joined(Float32Array, first.x, second.x),
    ...((first.observed || second.observed) && {
      observed: joined(Uint8Array, marks(first), marks(second)),
    }),
    ...(first.labels && second.labels && { labels: joined(Int32Array, first.labels, second.labels) }),
    ...(first.rowNames && second.rowNames && { rowNames: [...first.rowNames, ...second.rowNames] }),
  };
};

const joined = <T extends Uint8Array | Float32Array | Int32Array>(
  Values: new (length: number) => T,
  first: ArrayLike<number>,
  second: ArrayLike<number>,
): T => {
  const both = new Values(first.length + second.length);
  both.set(first);
  both.set(second, first.length);
  return both;
};

/**
 * Copies the rows with these numbers, counted from 0, in this order, with their labels, names and `observed`.
 *
 * ```ts
 * const first = select(digits, [0, 1, 2], "the first three");
 * ```
 *
 * @throws UsageError when the list is empty, or a number is not that of a row.
 */
export const select = (dataset: Dataset, indices: RowIndices, name: string = dataset.name): Dataset => {
  const { x, observed, labels, rowNames, rows } = dataset;
  if (indices.length === 0) {
    throw new UsageError(`select: expected at least one row number of ${dataset.name}; found none.`);
  }
  for (const row of indices) {
    if (Number.isInteger(row) && row >= 0 && row < rows) continue;
    throw new UsageError(`select: ${dataset.name} has rows 0 to ${rows - 1}; found row number ${row}.`);
  }
  const width = rowSize(dataset.shape);
  const size = indices.length * width;
  return {
    ...dataset,
    name,
    rows: indices.length,
    x: gather(x, indices, width, x instanceof Uint8Array ? new Uint8Array(size) : new Float32Array(size)),
    ...(observed && { observed: gather(observed, indices, width, new Uint8Array(size)) }),
    ...(labels && { labels: Int32Array.from(indices, (row) => labels[row]) }),
    ...(rowNames && { rowNames: Array.from(indices, (row) => rowNames[row]) }),
  };
};

const gather = <T extends Uint8Array | Float32Array>(
  from: Uint8Array | Float32Array,
  indices: RowIndices,
  width: number,
  out: T,
): T => {
  for (let i = 0; i < indices.length; i++) {
    out.set(from.subarray(indices[i] * width, (indices[i] + 1) * width), i * width);
  }
  return out;
};
