/** What rows are conditioned on: their class, or numeric columns of a table. */
import {
  type ColumnOf,
  createDataset,
  type Dataset,
  decodeCell,
  featureLayout,
  featureOf,
  isBlock,
  rowPlace,
  rowSize,
  rowsOf,
  select,
  type TablePreprocessing,
} from "../../data/index.ts";
import { UsageError } from "../../errors.ts";

/** What rows are conditioned on, as numbers. */
export type Conditions = {
  /** Numbers of a condition: one for each class, or one for each column. */
  readonly width: number;
} & (
  | { readonly by: "class"; readonly classes: readonly string[] }
  | {
      readonly by: "columns";
      readonly columns: readonly {
        readonly name: string;
        readonly feature: number;
        readonly column: ColumnOf<"numeric" | "positive" | "bounded">;
      }[];
    }
);

/** Conditions on classes. */
export const onClasses = (classes: readonly string[]): Conditions => ({
  by: "class",
  classes,
  width: classes.length,
});

/** Conditions on numeric columns. @throws UsageError when one is not a numeric column of the table. */
export function onColumns(
  names: readonly string[],
  preprocessing: TablePreprocessing | undefined,
): Conditions {
  if (preprocessing === undefined) {
    throw new UsageError(
      "`condition`: expected a table with named columns; these data have none. Leave it out to condition on the class.",
    );
  }
  const { columns: places, features } = featureLayout(preprocessing);
  const numeric = preprocessing.columns.flatMap((column, i) =>
    column.kind === "numeric" || column.kind === "positive" || column.kind === "bounded"
      ? [{ name: column.name, feature: places[i].start, column }]
      : [],
  );
  const columns = names.map((name) => {
    const found = numeric.find((column) => column.name === name);
    if (found !== undefined) return found;
    const other = preprocessing.columns.find((column) => column.name === name);
    const way =
      other && !isBlock(other) ? ` It is a ${other.kind}; \`type: "${name}=number"\` makes it one.` : "";
    throw new UsageError(
      `\`condition: "${name}"\`: expected a numeric column, one of ${numeric.map((column) => column.name).join(", ")}.${way}`,
    );
  });
  if (columns.length >= features) {
    throw new UsageError("`condition`: expected at least one other column, to model.");
  }
  return { by: "columns", columns, width: columns.length };
}

/** The modelled features of a row: all but those it is conditioned on. */
const modelled = (features: number, conditions: Conditions): readonly number[] => {
  const given = conditions.by === "class" ? [] : conditions.columns.map(({ feature }) => feature);
  return Array.from({ length: features }, (_, j) => j).filter((j) => !given.includes(j));
};

/** Shape of the modelled part of rows of a shape. */
export const modelledShape = (shape: readonly number[], conditions: Conditions): readonly number[] =>
  conditions.by === "class" ? shape : [modelled(rowSize(shape), conditions).length];

/**
 * Rows as the model takes them: the modelled features, then the conditions, [features + conditions]. Rows of unknown class are left out.
 * @throws UsageError when a row lacks a value to condition on, or no row is left.
 */
export function joined(all: Dataset, conditions: Conditions): Dataset {
  const rows = conditions.by === "class" ? labelled(all) : all;
  const features = rowSize(rows.shape);
  const values = rowsOf(rows, [...Array(rows.rows).keys()], new Float32Array(rows.rows * features));
  const kept = modelled(features, conditions);
  const width = kept.length + conditions.width;
  const x = new Float32Array(rows.rows * width);
  const observed = rows.observed && new Uint8Array(x.length).fill(1);
  for (let i = 0; i < rows.rows; i++) {
    kept.forEach((feature, j) => {
      const value = values[i * features + feature];
      x[i * width + j] = Number.isNaN(value) ? 0 : value;
      if (observed && Number.isNaN(value)) observed[i * width + j] = 0;
    });
    x.set(
      conditionOf(rows, values.subarray(i * features, (i + 1) * features), i, conditions),
      i * width + kept.length,
    );
  }
  const { name, labels, classes, rowNames, rowNoun } = rows;
  return createDataset({
    name,
    shape: [width],
    // Pixels keep their values: whether they are grey decides whether they are binarised.
    kind: rows.kind,
    x,
    scale: 1,
    ...(observed && { observed }),
    ...(labels && { labels }),
    ...(classes && { classes }),
    ...(rowNames && { rowNames }),
    ...(rowNoun && { rowNoun }),
  });
}

function conditionOf(rows: Dataset, values: Float32Array, row: number, conditions: Conditions): Float32Array {
  const c = new Float32Array(conditions.width);
  if (conditions.by === "class") c[rows.labels?.[row] ?? 0] = 1;
  else {
    conditions.columns.forEach(({ feature, name }, k) => {
      c[k] = values[feature];
      if (Number.isNaN(c[k])) {
        throw new UsageError(
          `${rows.name}, ${rowPlace(rows, row)}: the column "${name}" has no value, but rows are conditioned on it. ` +
            "Fill it in, or leave the row out.",
        );
      }
    });
  }
  return c;
}

/** Rows of known class. */
export function labelled(rows: Dataset): Dataset {
  const { labels } = rows;
  if (labels === undefined)
    throw new UsageError(
      `${rows.name}: expected labels, because rows are conditioned on their class; found none.`,
    );
  const known = Array.from(labels.keys()).filter((row) => labels[row] >= 0);
  if (known.length === 0) throw new UsageError(`${rows.name}: expected rows of known class, found none.`);
  return known.length === rows.rows ? rows : select(rows, known);
}

/** Puts whole rows together: modelled values [rows, features] and the conditions they were drawn under. */
export function whole(values: Float32Array, c: Float32Array, conditions: Conditions): Float32Array {
  if (conditions.by === "class") return values;
  const { columns, width } = conditions;
  const rows = c.length / width;
  const count = values.length / rows;
  const kept = modelled(count + width, conditions);
  const out = new Float32Array(rows * (count + width));
  for (let i = 0; i < rows; i++) {
    kept.forEach((feature, j) => {
      out[i * (count + width) + feature] = values[i * count + j];
    });
    columns.forEach(({ feature }, k) => {
      out[i * (count + width) + feature] = c[i * width + k];
    });
  }
  return out;
}

/** The conditions to draw under, [number of conditions, width], and the name of each. */
export function asked(
  conditions: Conditions,
  { class: name, given }: { readonly class?: string; readonly given?: string },
): { readonly c: Float32Array; readonly names: readonly string[] } {
  if (conditions.by === "class") {
    if (given !== undefined)
      throw new UsageError("`given` does not apply: rows are conditioned on their class. Use `class`.");
    const { classes, width } = conditions;
    const index = name === undefined ? -1 : classes.indexOf(name);
    if (name !== undefined && index < 0) {
      throw new UsageError(`\`class: "${name}"\`: expected one of ${classes.join(", ")}.`);
    }
    const wanted = index < 0 ? [...classes.keys()] : [index];
    const c = new Float32Array(wanted.length * width);
    wanted.forEach((k, i) => {
      c[i * width + k] = 1;
    });
    return { c, names: wanted.map((k) => classes[k]) };
  }
  if (name !== undefined)
    throw new UsageError("`class` does not apply: rows are conditioned on columns. Use `given`.");
  const { columns } = conditions;
  const c = new Float32Array(conditions.width);
  for (const part of given?.split(",") ?? []) {
    const [column = "", value = ""] = part.split("=").map((word) => word.trim());
    const k = columns.findIndex((one) => one.name === column);
    const feature = k < 0 || value === "" ? Number.NaN : featureOf(columns[k].column, Number(value));
    if (!Number.isFinite(feature)) {
      const usual = decodeCell(columns[0].column, Float32Array.of(0));
      throw new UsageError(
        `\`given: "${part}"\`: expected ${columns.map((one) => one.name).join(" or ")}, an equals sign and a number, such as ${columns[0].name}=${Number(usual).toPrecision(3)}.`,
      );
    }
    c[k] = feature;
  }
  return { c, names: [given ?? "the means"] };
}
