import { Normal, Transformed } from "../../distributions/index.ts";
import { initializers } from "../../nn/index.ts";
import { checkOptions, type OptionRules, positive } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { siteGuide } from "./auto.ts";
import { inUnits, startNear } from "./start.ts";

/** Options of {@link autoNormal}. */
export interface AutoNormalOptions {
  /**
   * Initial standard deviation of every unconstrained coordinate, about 0. Default: `svi` starts at a normal near the posterior and moves the
   * parameters in its units, so that a fit does not depend on the units of the data; where there is none it starts with 0.1.
   */
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
  const guide = siteGuide(target, "autoNormal", ({ name, shape, batchShape, toSupport }, { param }) => {
    const base = Normal(param(`${name}.loc`, shape, initializers.zeros), {
      logScale: param(`${name}.logScale`, shape, logScale),
    });
    // A matrix may be made of a vector of coordinates: what is one event is counted in the coordinates.
    return Transformed(base.toEvent(shape.length - batchShape.length), toSupport);
  });
  if (options.initialScale !== undefined) return guide;
  return startNear(guide, {
    target,
    place: (leaf, { sites, centre, scale }) =>
      sites.flatMap(({ name, start, end }) => [
        inUnits(leaf(`${name}.loc`), centre.subarray(start, end), scale.subarray(start, end)),
        inUnits(leaf(`${name}.logScale`), scale.subarray(start, end).map(Math.log), 1),
      ]),
  });
}
