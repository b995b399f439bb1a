import { ArrayValue } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { anything, checkOptions, type OptionRules, whole } from "../options.ts";
import { latentSites, type Program, trace } from "../program/index.ts";
import { formatShape, sameShape, sizeOf, type Tensor, type TypedArray } from "../tensor/index.ts";
import type { ImportanceResult } from "./importance.ts";
import type { LaplaceResult } from "./laplace.ts";
import type { MapResult } from "./map.ts";
import type { Mcmc } from "./mcmc/sampler.ts";
import type { PathfinderResult } from "./pathfinder.ts";
import { posteriorDraws, recalled, replicated } from "./predictive.ts";
import { repeatedDraws } from "./repeated-draws.ts";
import type { SviFit } from "./svi.ts";

/** A posterior of any kind: chains, a fitted guide, normal approximations, weighted draws, or a mode in its place. */
export type AnyPosterior = Mcmc | SviFit | LaplaceResult | PathfinderResult | ImportanceResult | MapResult;

/** Options of {@link predict}. */
export interface PredictOptions {
  /** Number of joint draws. Default 1000. */
  readonly draws?: number;
  /** Latent sites that are drawn again from the program, given the others: those of new groups or rows. Sites in plates of another size always are. */
  readonly redraw?: readonly string[];
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
}

const rules: OptionRules<PredictOptions> = { draws: whole(1), redraw: anything, seed: whole(0) };

/** Draws with equal weights from a posterior of any kind, [draws, …site], and the parameters that go with them. */
async function drawsOf(
  posterior: AnyPosterior,
  draws: number,
  seed: number,
): Promise<{
  readonly values: ReadonlyMap<string, ArrayValue>;
  readonly parameters?: ReadonlyMap<Tensor, TypedArray>;
}> {
  if ("smoothedLogWeights" in posterior) return { values: resampled(posterior, draws) };
  if ("draw" in posterior)
    return { values: await posterior.draw({ draws, seed }), parameters: posterior.parameters };
  if (posterior.method === "map") return { values: asOneDraw(posterior.values) };
  return { values: posterior.values };
}

/** [1, …site]. */
const asOneDraw = (values: ReadonlyMap<string, ArrayValue>): ReadonlyMap<string, ArrayValue> =>
  new Map(
    [...values].map(([site, { shape, dtype, data }]) => [site, new ArrayValue([1, ...shape], dtype, data)]),
  );

/** Systematic resampling: the k-th of `draws` points, (k + ½) / draws, falls on a draw with the probability of its weight. */
function resampled(
  { smoothedLogWeights, draws: given }: ImportanceResult,
  draws: number,
): ReadonlyMap<string, ArrayValue> {
  const top = smoothedLogWeights.reduce((a, b) => Math.max(a, b), Number.NEGATIVE_INFINITY);
  const weights = smoothedLogWeights.map((w) => Math.exp(w - top));
  const total = weights.reduce((a, b) => a + b, 0);
  if (!(total > 0 && Number.isFinite(total)))
    throw new UsageError("predict: no draw has a finite weight, so nothing can be predicted from them.");
  const chosen: number[] = [];
  let reached = 0;
  weights.forEach((w, i) => {
    reached += w;
    while (chosen.length < draws && ((chosen.length + 0.5) / draws) * total <= reached) chosen.push(i);
  });
  while (chosen.length < draws) chosen.push(weights.length - 1);
  return new Map(
    [...given].map(([site, value]) => {
      const shape = value.shape.slice(1);
      const size = sizeOf(shape);
      const picked = new ArrayValue([draws, ...shape], value.dtype);
      chosen.forEach((from, to) => {
        for (let j = 0; j < size; j++) picked.data[to * size + j] = value.data[from * size + j];
      });
      return [site, picked];
    }),
  );
}

/**
 * Draws of all sites of a program given a posterior of any kind, for new arguments: other rows, other covariates, plates of other sizes. Each result has shape
 * [draws, …site]; data are drawn again, so that an observed site holds predictions.
 *
 * Latent sites keep their posterior values where these fit. Those whose plates the new arguments give another size are drawn from the program given the others:
 * effects of new groups come from their population. If there are as many new groups as old ones, name their sites in `redraw`. A site whose event has another
 * shape, such as a walk of more steps, is refused unless `redraw` names it: drawn again, it would begin anew and forget what the data said of its first steps.
 *
 * From a mode ({@link map}) all latent sites keep its values: the predictions have the spread of the data alone, and leave out what is not known of the parameters.
 *
 * @param args the new arguments; what the program observes may be anything of the right shape in its support, and is drawn again
 *
 * @example
 * const fit = await nuts(regression).run([x, y], { seed: 0 });
 * const draws = await predict(fit, regression, [xNew, zeros([3])], { draws: 500 });
 * draws.get("y"); // [500, 3]
 *
 * @throws UsageError when the posterior is that of another program, `redraw` names no latent site, or a site's event has another shape.
 */
export async function predict<A extends readonly unknown[]>(
  posterior: AnyPosterior,
  program: Program<A>,
  args: A,
  options: PredictOptions = {},
): Promise<ReadonlyMap<string, ArrayValue>> {
  checkOptions("predict", options, rules);
  const { draws = 1000, redraw = [], seed = 0 } = options;
  const latent = latentSites(trace(program, args));
  const unknown = redraw.find((name) => !latent.some((site) => site.name === name));
  if (unknown !== undefined) {
    throw new UsageError(
      `predict: there is no latent site '${unknown}' to draw again; there are ${latent.map(({ name }) => `'${name}'`).join(", ") || "none"}.`,
    );
  }
  const { values, parameters } = await drawsOf(posterior, draws, seed);
  const axes = "statistics" in posterior ? 2 : 1;
  for (const { name, distribution, plates } of latent) {
    if (values.has(name) || redraw.includes(name)) continue;
    if (distribution.cardinality === undefined) {
      throw new UsageError(
        `predict: the posterior has no draws of site '${name}'; it has ${[...values.keys()].map((k) => `'${k}'`).join(", ") || "none"}. Give the program that was fitted.`,
      );
    }
    // A state of a new row comes from its prior; one that all rows share would have to come from the old data.
    if (plates.length === 0) {
      throw new UsageError(
        `predict: the finite site '${name}' was summed out and has no draws. All rows share it, so new rows depend on its posterior: keep it by predictive(…) on ` +
          "the old arguments, or name it in redraw to draw it from its prior.",
      );
    }
  }
  for (const { name, distribution, value, isInScan } of latent) {
    const drawn = values.get(name)?.shape.slice(axes);
    const { eventShape } = distribution;
    if (drawn === undefined || redraw.includes(name)) continue;
    if (sameShape(drawn.slice(drawn.length - eventShape.length), eventShape)) continue;
    const further = isInScan
      ? "To go on from its last step, give the further steps a scan and a site of their own that begin there, and name that site in redraw."
      : "To go on from its end, give what follows a site of its own that begins there, and name that site in redraw.";
    throw new UsageError(
      `predict: with these arguments site '${name}' has the shape ${formatShape(value.shape)}, and its draws ${formatShape(drawn)}: one event of another size, not more or fewer ` +
        `repetitions. Name it in redraw to draw all of it from the program, without what the data said of it. ${further}`,
    );
  }
  const kept = new Map(
    latent.flatMap(({ name, value }) => {
      const drawn = values.get(name);
      const fits = drawn !== undefined && sameShape(drawn.shape.slice(axes), value.shape);
      return fits && !redraw.includes(name) ? [[name, drawn] as const] : [];
    }),
  );
  const stored = posteriorDraws(program, args, kept, true);
  return repeatedDraws((...inputs) => replicated(program, args, [recalled(stored, inputs)]), {
    draws,
    seed,
    parameters,
    feeds: (i) => stored.map((site) => site.at(i, draws)),
  });
}
