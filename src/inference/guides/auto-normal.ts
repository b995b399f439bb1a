import { Normal, Transformed } from "../../distributions/index.ts";
import { initializers } from "../../nn/index.ts";
import { checkOptions, type OptionRules, positive } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { siteGuide } from "./auto.ts";

/** Options of {@link autoNormal}. */
export interface AutoNormalOptions {
  /** Initial standard deviation of every unconstrained coordinate. Default 0.1. */
  readonly initialScale?: number;
}

/** The option names of the guide. */
export const autoNormalRules: OptionRules<AutoNormalOptions> = {
  initialScale: positive,
};

/**
 * The mean-field normal guide (Kucukelbir et al. 2017, "Automatic differentiation variational inference"): independent normals in
 * unconstrained coordinates, mapped to each site's support. It cannot express correlation, and underestimates the spread of a
 * correlated posterior.
 *
 * @example
 * const { values } = await svi(eightSchools, autoNormal(eightSchools)).run([y], { steps: 5000, seed: 0 });
 */
export function autoNormal<A extends readonly unknown[]>(
  target: Program<A>,
  options: AutoNormalOptions = {},
): Program<A> {
  checkOptions("autoNormal", options, autoNormalRules);
  const logScale = initializers.constant(Math.log(options.initialScale ?? 0.1));
  return siteGuide(target, "autoNormal", ({ name, shape, eventRank, toSupport }, { param }) => {
    const base = Normal(param(`${name}.loc`, shape, initializers.zeros), {
      logScale: param(`${name}.logScale`, shape, logScale),
    });
    return Transformed(eventRank > 0 ? base.toEvent(eventRank) : base, toSupport);
  });
}
