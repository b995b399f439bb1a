import { ShapeError, UsageError } from "../errors.ts";
import {
  add,
  cast,
  concat,
  equal,
  exp,
  formatShape,
  isNan,
  logicalAnd,
  logicalNot,
  logicalOr,
  mul,
  operands,
  reshape,
  type Shape,
  slice,
  sub,
  sum,
  type Tensor,
  type TensorLike,
  where,
} from "../tensor/index.ts";
import {
  type Constraint,
  independentConstraint,
  logitVector,
  nonNegativeInteger,
  oneHotVector,
  real,
  realVector,
} from "./constraints.ts";
import { type ClosedForms, Distribution, type Parameters } from "./distribution.ts";
import { NegativeBinomial } from "./negative-binomial.ts";
import { Normal, type NormalDistribution } from "./normal.ts";
import { expandTo } from "./numerics.ts";
import { OneHotCategorical } from "./one-hot-categorical.ts";

/** Features of a row that belong together, and their distribution. */
interface Part<D extends Distribution = Distribution> {
  readonly start: number;
  readonly end: number;
  readonly of: D;
}

/** Neighbouring blocks of one size: a batch of them. */
interface Block extends Part {
  /** Features of each block. */
  readonly size: number;
}

/** Neighbours of one size, together. */
function runsOf(categories: readonly number[]): readonly { readonly size: number; readonly count: number }[] {
  const runs: { size: number; count: number }[] = [];
  for (const size of categories) {
    const last = runs.at(-1);
    if (last?.size === size) last.count++;
    else runs.push({ size, count: 1 });
  }
  return runs;
}

/** Features of columns of `size` features, [..., columns · size], as [..., columns, size]. */
const byColumn = (x: Tensor, size: number): Tensor =>
  reshape(x, [...x.shape.slice(0, -1), x.shape[x.rank - 1] / size, size]);

const partOf = (x: Tensor, { start, end }: Pick<Part, "start" | "end">): Tensor =>
  slice(x, { axis: -1, start, end });

/** True where no element of a vector is missing: one NaN makes its sum NaN. */
const isComplete = (x: Tensor): Tensor => isThere(sum(x, -1));

/** True where a value is not missing: a number equals itself, NaN does not. */
const isThere = (x: Tensor): Tensor => equal(x, x);

/** The distribution that {@link TableRow} returns: parameters, moments and densities as expressions. */
export class TableRowDistribution extends Distribution {
  /** The number of categories of each categorical column. */
  readonly categories: readonly number[];
  private readonly numbers: Part<NormalDistribution> | undefined;
  private readonly counted: Part | undefined;
  private readonly blocks: readonly Block[];

  /** Use {@link TableRow}. */
  constructor(parameters: Parameters, categories: readonly number[]) {
    const { loc, logScale, logMean, logTotal, logits } = parameters;
    const numeric = loc?.shape.at(-1) ?? 0;
    const numbers = loc && { start: 0, end: numeric, of: Normal(loc, { logScale }) };
    const first = numeric + (logMean?.shape.at(-1) ?? 0);
    // The odds are mean / total. A missing count is filled with 0; the row's support checks the counts.
    const counted = logMean && {
      start: numeric,
      end: first,
      of: NegativeBinomial(exp(logTotal), { logits: sub(logMean, logTotal) }).unchecked(),
    };
    // Neighbours with as many categories are one batch: thousands of columns are a few operations.
    let end = 0;
    const blocks = runsOf(categories).map(({ count, size }) => {
      const span = { start: end, end: end + count * size };
      end += count * size;
      // A missing category is filled with zeros, which is not a one-hot vector: skip the check.
      const of = OneHotCategorical({ logits: byColumn(partOf(logits, span), size) }).unchecked();
      return { start: first + span.start, end: first + span.end, of, size };
    });
    super({
      name: "TableRow",
      parameters,
      constraints: {
        ...(loc && { loc: realVector, logScale: realVector }),
        ...(logMean && { logMean: realVector, logTotal: realVector }),
        ...(logits && { logits: logitVector }),
      },
      support: tableRow(numbers, counted, blocks),
      eventShape: [first + end],
      reparameterised: loc ? ["loc", "logScale"] : false,
    });
    this.categories = categories;
    this.numbers = numbers;
    this.counted = counted;
    this.blocks = blocks;
  }

  protected override logDensity(x: Tensor): Tensor {
    return this.terms(x)
      .map((term) => sum(term, -1))
      .reduce((a, b) => add(a, b));
  }

  /** Log densities of columns, each [..., their number]: of all normals, all counts, and each run of blocks; 0 where a value is missing. */
  private terms(x: Tensor): readonly Tensor[] {
    // Fill missing values first: 0 · NaN is NaN, in a gradient too.
    const filled = where(isThere(x), x, 0);
    const parts = [this.numbers, this.counted].flatMap((part) => {
      if (part === undefined) return [];
      const seen = cast(isThere(partOf(x, part)), this.floatDType);
      return [mul(part.of.logProb(partOf(filled, part)), seen)];
    });
    const blocks = this.blocks.map((block) => {
      const seen = cast(isComplete(byColumn(partOf(x, block), block.size)), this.floatDType);
      return mul(block.of.logProb(byColumn(partOf(filled, block), block.size)), seen);
    });
    return [...parts, ...blocks];
  }

  /**
   * The log density of each column, [..., columns]: first the numeric ones, then the counts, then the categorical ones. 0 where a value is
   * missing. Their sum is `logProb`.
   */
  columnLogProb(x: Tensor): Tensor {
    return concat(this.terms(x), -1);
  }

  protected override draw(site: string, shape: Shape): Tensor {
    const lead = shape.slice(0, -1);
    const { numbers, counted } = this;
    return concat(
      [
        ...(numbers ? [numbers.of.expand([...lead, numbers.end]).sample(`${site}/numbers`)] : []),
        ...(counted
          ? [counted.of.expand([...lead, counted.end - counted.start]).sample(`${site}/counts`)]
          : []),
        ...this.blocks.map(({ of, start, end, size }, i) => {
          const drawn = of.expand([...lead, (end - start) / size]).sample(`${site}/categories.${i}`);
          return reshape(drawn, [...lead, end - start]);
        }),
      ],
      -1,
    );
  }

  protected override rebuild(parameters: Parameters): Distribution {
    return new TableRowDistribution(parameters, this.categories);
  }

  protected override forms(): ClosedForms {
    const { numbers, counted, blocks, batchShape } = this;
    const parts = [numbers, counted, ...blocks].flatMap((part) => part ?? []);
    const joined = (form: "mean" | "variance" | "mode") => () =>
      concat(
        parts.map(({ of, start, end }) => {
          const [columns] = of.batchShape.slice(-1);
          const each = expandTo(of[form](), [...batchShape, columns, ...of.eventShape]);
          return reshape(each, [...batchShape, end - start]);
        }),
        -1,
      );
    return {
      mean: joined("mean"),
      variance: joined("variance"),
      // Neither has a closed form for a negative binomial.
      ...(counted === undefined && {
        mode: joined("mode"),
        entropy: () => parts.map(({ of }) => sum(of.entropy(), -1)).reduce((a, b) => add(a, b)),
      }),
    };
  }
}

/** A number, or NaN if it is missing. */
const numberOrMissing: Constraint = {
  ...real,
  name: "numberOrMissing",
  check: (x) => logicalOr(real.check(x), isNan(x)),
};

/** A count, or NaN if it is missing. */
const countOrMissing: Constraint = {
  ...nonNegativeInteger,
  name: "countOrMissing",
  check: (x) => logicalOr(nonNegativeInteger.check(x), isNan(x)),
};

/** A one-hot vector, or NaN if it is missing. */
const categoryOrMissing: Constraint = {
  ...oneHotVector,
  name: "categoryOrMissing",
  check: (x) => logicalOr(oneHotVector.check(x), logicalNot(isComplete(x))),
};

/** Numbers, counts, then one-hot vectors; missing values are NaN. */
const tableRow = (
  numbers: Part | undefined,
  counted: Part | undefined,
  blocks: readonly Block[],
): Constraint => ({
  name: "tableRow",
  eventRank: 1,
  of: [numbers, counted, blocks],
  description: `rows of finite numbers, ${counted ? "then of counts, " : ""}then of vectors with a single 1; NaN where a value is missing`,
  isDiscrete: blocks.length > 0 || counted !== undefined,
  check: (x) =>
    [
      ...(numbers ? [independentConstraint(numberOrMissing, 1).check(partOf(x, numbers))] : []),
      ...(counted ? [independentConstraint(countOrMissing, 1).check(partOf(x, counted))] : []),
      ...blocks.map((block) =>
        independentConstraint(categoryOrMissing, 1).check(byColumn(partOf(x, block), block.size)),
      ),
    ].reduce((a, b) => logicalAnd(a, b)),
});

/** The parameters of the columns; leave out those of kinds that the table does not have. */
export interface TableRowParameters {
  /** Means of the numeric columns, [..., numeric]. */
  readonly loc?: TensorLike;
  /** Logarithms of their standard deviations, [numeric] or [..., numeric]. */
  readonly logScale?: TensorLike;
  /** Logarithms of the means of the columns of counts, [..., counts]. */
  readonly logMean?: TensorLike;
  /**
   * Logarithms of their totals r, [counts] or [..., counts]: a count with mean m is negative binomial with variance m + m²/r, close to a
   * Poisson if r is large.
   */
  readonly logTotal?: TensorLike;
  /** Logits of all categorical columns, one after another: [..., sum of `categories`]. */
  readonly logits?: TensorLike;
  /** The number of categories of each categorical column. Default none. */
  readonly categories?: readonly number[];
}

/**
 * A row of a table with independent columns: first the numeric ones, each normal, then counts, each negative binomial, then the
 * categorical ones, each a one-hot vector. Event shape [numeric + counts + sum of `categories`].
 *
 * A missing number is NaN; a missing category is a vector of NaN (one NaN is enough). Missing values are marginalised exactly: the
 * columns are independent, so ∫ p(x) over a column is the product of the other columns' factors, and a missing column adds nothing
 * to the log density or to any gradient. Draws are complete. Draws of numbers are reparameterised, those of categories are not.
 *
 * @example
 * const row = TableRow({ loc: [0, 1], logScale: [0, 0], logits: [0, 1, 2], categories: [3] });
 * await row.logProb([0.5, Number.NaN, 0, 1, 0]).value(); // -2.4515, from the first number and the category
 *
 * @throws UsageError when `loc` comes without `logScale`, `logMean` without `logTotal` or `logits` without `categories`, or none of them
 * is given.
 * @throws ShapeError when the number of logits is not the sum of the categories.
 */
export function TableRow({ categories = [], ...given }: TableRowParameters): TableRowDistribution {
  const names = (["loc", "logScale", "logMean", "logTotal", "logits"] as const).filter(
    (name) => given[name] !== undefined,
  );
  const tensors = operands("TableRow", ...names.map((name) => given[name] ?? 0));
  const parameters = Object.fromEntries(names.map((name, i) => [name, tensors[i]]));
  const { loc, logScale, logMean, logTotal, logits } = parameters;
  const paired =
    (loc === undefined) === (logScale === undefined) && (logMean === undefined) === (logTotal === undefined);
  if (!paired || (logits !== undefined) !== categories.length > 0 || names.length === 0) {
    throw new UsageError(
      "TableRow: give loc and logScale for numeric columns, logMean and logTotal for counts, logits and categories for categorical ones, or all; " +
        `found ${[...names, ...(categories.length > 0 ? ["categories"] : [])].join(", ") || "none"}.`,
    );
  }
  const wanted = categories.reduce((a, b) => a + b, 0);
  if (logits !== undefined && logits.shape.at(-1) !== wanted) {
    throw new ShapeError(
      `TableRow: columns of ${categories.join(", ")} categories need ${wanted} logits along the last axis; found shape ` +
        `${formatShape(logits.shape)}.`,
    );
  }
  return new TableRowDistribution(parameters, categories);
}
