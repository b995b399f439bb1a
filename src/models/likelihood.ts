/** p(x | z): the distribution that a decoder's outputs parameterise, and the data it applies to. */
import type { Binarization, RowLayout } from "../data/index.ts";
import {
  Bernoulli,
  ContinuousBernoulli,
  type Distribution,
  Normal,
  TableRow,
} from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import { initializers } from "../nn/index.ts";
import { add, concat, parameter, slice, type Tensor } from "../tensor/index.ts";
import { discretisedLogistic } from "./discretised-logistic.ts";
import type { likelihoodNames } from "./names.ts";
import { type OrderedLevels, orderedLevels } from "./ordered-levels.ts";

/**
 * - `bernoulli`: binary data; grey pixels are refused, because the bound would then not bound any density.
 * - `bernoulli-on-grey`: the same cross entropy on grey pixels, only if asked for by name. Its values are not comparable with anything else.
 * - `continuous-bernoulli`: the proper density on [0, 1] (Loaiza-Ganem and Cunningham 2019).
 * - `gaussian`: real data, one learned variance (with a linear decoder: probabilistic PCA).
 * - `gaussian-per-feature`: real data, one learned variance for each feature.
 * - `discretised-logistic`: pixels of 256 levels, such as those of colour images: the mass of a logistic distribution around each level,
 *   its scale learned for each value of a row. Comparable in bits per dimension.
 * - `table`: columns of numbers, counts and categories: a normal with a learned variance for each number, a negative binomial with a
 *   learned dispersion for each count, a categorical distribution for each block, by cumulative logits where its categories have an order.
 *   Values may be missing (NaN): their columns are marginalised, exactly.
 */
export type LikelihoodName = (typeof likelihoodNames)[number];

/** Turns a decoder's outputs into a distribution over data. */
export interface Likelihood {
  readonly name: LikelihoodName;
  /** ln σ of a Gaussian likelihood: a learned parameter. */
  readonly logScale?: Tensor;
  /** ln r of each column of counts, of a table; parameters. */
  readonly logTotal?: Tensor;
  /** Thresholds of each column of levels, of a table; parameters. */
  readonly levels?: readonly OrderedLevels[];
  /** The distribution of data given the decoder's outputs [..., features]; event shape [features]. */
  distribution(outputs: Tensor): Distribution;
}

/** ln of a tenth of the range of pixels. */
const FIRST_LOG_SCALE = Math.log(0.1);

/**
 * @param layout of the features, for `table`
 * @throws UsageError when `table` has no layout, or one that does not fit the features.
 */
export function likelihood(name: LikelihoodName, features: number, layout?: RowLayout): Likelihood {
  switch (name) {
    case "table":
      return tableLikelihood(features, layout);
    case "bernoulli":
    case "bernoulli-on-grey":
      // Support is not checked here: checkLikelihood checks the data once, and one of the two wants grey pixels.
      return { name, distribution: (logits) => Bernoulli({ logits }).unchecked().toEvent(1) };
    case "continuous-bernoulli":
      return { name, distribution: (logits) => ContinuousBernoulli({ logits }).unchecked().toEvent(1) };
    case "gaussian":
    case "gaussian-per-feature": {
      const logScale = parameter(name === "gaussian" ? [1] : [features], initializers.zeros);
      return { name, logScale, distribution: (loc) => Normal(loc, { logScale }).toEvent(1) };
    }
    case "discretised-logistic": {
      const logScale = parameter([features], initializers.constant(FIRST_LOG_SCALE));
      // A decoder begins at 0: at the middle of the range.
      return {
        name,
        logScale,
        distribution: (out) => discretisedLogistic(add(out, 0.5), logScale).unchecked().toEvent(1),
      };
    }
  }
}

function tableLikelihood(features: number, layout: RowLayout | undefined): Likelihood {
  const { numeric, counts = 0, categories, ordinal = [] } = layout ?? { numeric: 0, categories: [] };
  const first = numeric + counts;
  const found = categories.reduce((a, b) => a + b, first);
  if (found !== features) {
    throw new UsageError(
      `a table likelihood of ${features} features needs their layout, as featureLayout gives it; found ` +
        `${layout === undefined ? "none" : `one of ${found}`}.`,
    );
  }
  const part = (x: Tensor, start: number, end: number) => slice(x, { axis: -1, start, end });
  const logScale = numeric > 0 ? parameter([numeric], initializers.zeros) : undefined;
  const logTotal = counts > 0 ? parameter([counts], initializers.zeros) : undefined;
  let end = first;
  const blocks = categories.map((size, i) => {
    const start = end;
    end += size;
    return { start, end, ...(ordinal.includes(i) && { levels: orderedLevels(size) }) };
  });
  const levels = blocks.flatMap((block) => block.levels ?? []);
  const logits = (outputs: Tensor): Tensor =>
    levels.length === 0
      ? part(outputs, first, features)
      : concat(
          // Of levels the first output is their place; the others of the block are not used.
          blocks.map(({ start, end, levels: ordered }) =>
            ordered ? ordered.logits(part(outputs, start, start + 1)) : part(outputs, start, end),
          ),
          -1,
        );
  return {
    name: "table",
    ...(logScale && { logScale }),
    ...(logTotal && { logTotal }),
    ...(levels.length > 0 && { levels }),
    distribution: (outputs) =>
      TableRow({
        ...(logScale && { loc: part(outputs, 0, numeric), logScale }),
        ...(logTotal && { logMean: part(outputs, numeric, first), logTotal }),
        ...(first < features && { logits: logits(outputs), categories }),
      }).unchecked(),
  };
}

/**
 * Checks that the data fit a likelihood.
 * @param data facts about the data; `range`: their smallest and largest value, in model units
 * @throws UsageError when they do not fit; the message lists the ways out.
 */
export function checkLikelihood(
  name: LikelihoodName,
  binarize: Binarization,
  data: {
    readonly name: string;
    readonly isBinary: boolean;
    readonly range: readonly [number, number];
    /** Whether values are missing. */
    readonly hasMissing?: boolean;
    /** Whether every value is k/255 for a whole number k. */
    readonly hasLevels?: boolean;
  },
): void {
  const [low, high] = data.range;
  if (name === "table") {
    if (binarize === "none") return;
    throw new UsageError(
      `${data.name}: columns of a table cannot be binarised; use \`binarize: "none"\` with a table likelihood.`,
    );
  }
  if (data.hasMissing === true) {
    throw new UsageError(
      `${data.name}: values are missing, which a ${name} likelihood cannot handle; use \`likelihood: "table"\`, or fill them in.`,
    );
  }
  const unit = low >= 0 && high <= 1;
  if (name === "discretised-logistic") {
    if (binarize !== "none") {
      throw new UsageError(
        `${data.name}: a discretised-logistic likelihood is of 256 levels, not of binary draws; use \`binarize: "none"\`.`,
      );
    }
    if (data.hasLevels === false || !unit) {
      throw new UsageError(
        `${data.name}: a discretised-logistic likelihood needs pixels of 256 levels, 0 to 255 as they are stored; found other values, ` +
          `from ${low} to ${high} in model units. Use \`likelihood: "gaussian"\`, or "continuous-bernoulli" for values in [0, 1].`,
      );
    }
    return;
  }
  if (binarize !== "none" && !unit) {
    throw new UsageError(
      `${data.name}: values from ${low} to ${high} are not probabilities, so they cannot be binarised; ` +
        'use `binarize: "none"` with a gaussian likelihood, or scale the data to [0, 1].',
    );
  }
  if (name.startsWith("gaussian")) return;
  if (!unit) {
    throw new UsageError(
      `${data.name}: a ${name} likelihood needs values in [0, 1], found ${low} to ${high}; ` +
        'use `likelihood: "gaussian"`, or scale the data to [0, 1].',
    );
  }
  if (name === "bernoulli" && binarize === "none" && !data.isBinary) {
    throw new UsageError(
      `${data.name}: a Bernoulli likelihood on grey pixels does not bound any density. ` +
        'Use `binarize: "dynamic"` or `binarize: "fixed"` to draw binary pixels, `likelihood: "continuous-bernoulli"` for a density on ' +
        '[0, 1], or ask for the cross entropy by name with `likelihood: "bernoulli-on-grey"`.',
    );
  }
}
