import { UsageError } from "../errors.ts";
import { checkOptions, given, type OptionRules, required } from "../options.ts";
import { greaterEqual, mul, noise, where } from "../tensor/index.ts";
import { evaluation, type Layer } from "./layer.ts";

/** Options of {@link dropout}. */
export interface DropoutOptions {
  /** Name of the random stream that decides which elements are dropped; every dropout layer of a program needs its own. */
  readonly site: string;
}

const rules: OptionRules<DropoutOptions> = {
  site: required(given('a name for its noise, as in { site: "encoder/dropout" }')),
};

/**
 * Inverted dropout (Srivastava et al. 2014). In training each element is set to 0 with probability `rate`, else divided by
 * 1 − rate, so that its expectation is unchanged. In evaluation x is returned unchanged.
 *
 * @throws UsageError when the rate is not in [0, 1) or the site has no name.
 */
export function dropout(rate: number, options: DropoutOptions): Layer {
  checkOptions("dropout", options, rules);
  const { site } = options;
  if (!(rate >= 0 && rate < 1))
    throw new UsageError(`dropout: the rate must be at least 0 and below 1, found ${rate}.`);
  if (!site)
    throw new UsageError('dropout: expected a name for its noise, as in { site: "encoder/dropout" }.');
  return {
    apply(x, context = evaluation) {
      if (!context.training || rate === 0) return x;
      const kept = greaterEqual(noise("uniform", site, x.shape, x.dtype), rate);
      return where(kept, mul(x, 1 / (1 - rate)), 0);
    },
  };
}
