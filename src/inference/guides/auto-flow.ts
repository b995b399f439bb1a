import { Normal, Transformed, transforms } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import { initializers } from "../../nn/index.ts";
import { anything, checkOptions, type OptionRules, positive, whole } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { JOINT, jointGuide } from "./auto.ts";
import type { AutoNormalOptions } from "./auto-normal.ts";
import { inUnits, startNear } from "./start.ts";

/** Options of {@link autoFlow}. */
export interface AutoFlowOptions extends AutoNormalOptions {
  /**
   * `inverse-autoregressive` (Kingma et al. 2016), the default: the transform of each coordinate depends on all before it, in one pass.
   * `affine-coupling` (Dinh et al. 2017), `spline-coupling` (Durkan et al. 2019): that of one half depends on the other half.
   */
  readonly flow?: "inverse-autoregressive" | "affine-coupling" | "spline-coupling";
  /** Number of layers. Default 2; coupling needs at least 2 to transform every coordinate. */
  readonly layers?: number;
  /** Widths of each layer's network. Default [32]. */
  readonly hidden?: readonly number[];
}

const flowRules: OptionRules<AutoFlowOptions> = {
  flow: anything,
  layers: whole(1),
  hidden: anything,
  initialScale: positive,
};

/** The layers of a flow over n coordinates, starting from the noise. */
function layersOf(
  n: number,
  { flow = "inverse-autoregressive", layers = 2, hidden = [32] }: AutoFlowOptions,
) {
  // A single coordinate has nothing to be conditioned on, so use splines.
  if (n === 1) {
    const transformer = transforms.splineTransformer();
    return [transforms.inverseAutoregressive({ size: 1, hidden, transformer })];
  }
  const layer = (i: number): transforms.Transform => {
    const keep = i % 2 === 0 ? "first" : "last";
    if (flow === "affine-coupling") return transforms.affineCoupling({ size: n, hidden, keep });
    if (flow === "spline-coupling") return transforms.splineCoupling({ size: n, hidden, keep });
    const step = transforms.inverseAutoregressive({ size: n, hidden, activation: "tanh" });
    return i === 0 ? step : transforms.compose(transforms.reverse, step);
  };
  return Array.from({ length: layers }, (_, i) => layer(i));
}

/**
 * A normalising flow as a guide (Rezende and Mohamed 2015), over the unconstrained coordinates of all continuous latent sites: standard
 * normal noise goes through learnt invertible layers and is then scaled and shifted. It can fit funnels, curved ridges and
 * skewed posteriors.
 *
 * @example
 * await svi(schools, autoFlow(schools)).run([y], { steps: 10_000, particles: 10, seed: 0 });
 *
 * @throws UsageError when the model has no continuous latent site, one is in a minibatch, or there is no layer.
 */
export function autoFlow<A extends readonly unknown[]>(
  target: Program<A>,
  options: AutoFlowOptions = {},
): Program<A> {
  checkOptions("autoFlow", options, flowRules);
  const { layers = 2, initialScale = 0.1 } = options;
  if (!Number.isInteger(layers) || layers < 1) {
    throw new UsageError(`autoFlow: layers must be a whole number of at least 1, found ${layers}.`);
  }
  let built: { readonly n: number; readonly flow: transforms.Transform } | undefined;
  const guide = jointGuide(target, "autoFlow", (n, { param, module }) => {
    if (built?.n !== n) built = { n, flow: transforms.compose(...layersOf(n, options)) };
    module(`${JOINT}.flow`, built.flow.parameters);
    const place = transforms.affine(param(`${JOINT}.loc`, [n], initializers.zeros), {
      logScale: param(`${JOINT}.logScale`, [n], initializers.constant(Math.log(initialScale))),
    });
    return Transformed(Normal(0, 1).expand([n]).toEvent(1), transforms.compose(built.flow, place));
  });
  if (options.initialScale !== undefined) return guide;
  return startNear(guide, {
    target,
    place: (leaf, { centre, scale }) => [
      inUnits(leaf(`${JOINT}.loc`), centre, scale),
      inUnits(leaf(`${JOINT}.logScale`), scale.map(Math.log), 1),
    ],
  });
}
