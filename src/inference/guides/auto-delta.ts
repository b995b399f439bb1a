import { Delta } from "../../distributions/index.ts";
import { initializers } from "../../nn/index.ts";
import type { Program } from "../../program/index.ts";
import { siteGuide } from "./auto.ts";
import { inUnits, startNear } from "./start.ts";

/**
 * The point guide: all mass of each site at one learnt value in its support. Its bound is the log joint density there, so
 * maximising it is maximum a posteriori (MAP) estimation, in the sites' own coordinates.
 *
 * @example
 * const { values } = await svi(coin, autoDelta(coin)).run([flips], { steps: 2000, seed: 0 });
 */
export function autoDelta<A extends readonly unknown[]>(target: Program<A>): Program<A> {
  const guide = siteGuide(
    target,
    "autoDelta",
    ({ name, shape, eventRank, toSupport }, { param, deterministic }) => {
      const value = deterministic(
        `${name}.value`,
        toSupport.forward(param(`${name}.unconstrained`, shape, initializers.zeros)),
      );
      return Delta(value, { eventRank });
    },
  );
  return startNear(guide, {
    target,
    place: (leaf, { sites, centre, scale }) =>
      sites.map(({ name, start, end }) =>
        inUnits(leaf(`${name}.unconstrained`), centre.subarray(start, end), scale.subarray(start, end)),
      ),
  });
}
