/** The common parts of automatic guides: the latent sites of a model, each with a map from unconstrained reals to its support. */
import { Delta, type Distribution, transforms } from "../../distributions/index.ts";
import { UsageError } from "../../errors.ts";
import {
  type Context,
  checkProgram,
  type Handler,
  latentSites,
  type Plate,
  type Program,
  model as program,
  type SampleMessage,
  trace,
} from "../../program/index.ts";
import { neg, reshape, type Shape, sizeOf, slice, type Tensor } from "../../tensor/index.ts";

/** A continuous latent site of the model, as an automatic guide needs it. */
export interface GuidedSite {
  readonly name: string;
  /** Batch shape over the site's plates. */
  readonly batchShape: Shape;
  /** Shape of the unconstrained value, batch first. */
  readonly shape: Shape;
  /** The number of its trailing dimensions that form one event. */
  readonly eventRank: number;
  /** From unconstrained reals to the site's support. */
  readonly toSupport: transforms.Transform;
}

function guided(site: Pick<SampleMessage, "name" | "distribution" | "plates">): GuidedSite {
  const { distribution, name, plates } = site;
  const minibatch = plates.find((p) => p.rows < p.size);
  if (minibatch !== undefined) {
    throw new UsageError(
      `automatic guide: site '${name}' is in plate '${minibatch.name}', of which only ${minibatch.rows} of ${minibatch.size} ` +
        "rows are seen at a time; its parameters would be those of other rows at each step. Write an amortised guide for it.",
    );
  }
  const toSupport = transforms.biject(distribution.support);
  const whole = [...distribution.batchShape, ...distribution.eventShape];
  return {
    name,
    batchShape: distribution.batchShape,
    shape: toSupport.inverseShape(whole),
    eventRank: distribution.eventShape.length,
    toSupport,
  };
}

/** Opens a site's plates, outermost first. */
export function within<R>(context: Context, plates: readonly Plate[], body: () => R): R {
  const [first, ...rest] = plates;
  if (first === undefined) return body();
  return context.plate(first.name, first.size, () => within(context, rest, body), { rows: first.rows });
}

/**
 * Runs a model while a guide gives the values of its continuous latent sites, one after another. A support or a plate that depends on earlier
 * sites then depends on the guide's values of them, and not on other draws of the model.
 *
 * @param answered gives a value of the site's shape, in the site's support
 */
function guideBySite<A extends readonly unknown[]>(
  target: Program<A>,
  args: A,
  answered: (site: GuidedSite, plates: readonly Plate[]) => Tensor,
): void {
  const answer: Handler = (message, next) => {
    if (message.kind === "observe") return message.value ?? next(message);
    if (message.kind !== "sample" || message.value !== undefined) return next(message);
    if (message.distribution.cardinality !== undefined) return next(message);
    return next({ ...message, value: answered(guided(message), message.plates) });
  };
  trace(target, args, [answer]);
}

/**
 * A guide with one distribution for each continuous latent site of a model, in the site's plates. Discrete sites with a finite
 * support are left to the model, where they are summed out exactly.
 */
export function siteGuide<A extends readonly unknown[]>(
  target: Program<A>,
  name: string,
  family: (site: GuidedSite, context: Context) => Distribution,
): Program<A> {
  checkProgram(target);
  return program<A, void>(
    (context, ...args) => {
      guideBySite(target, args, (site, plates) =>
        within(context, plates, () => context.sample(site.name, family(site, context))),
      );
    },
    { name: `${name}(${target.name})` },
  );
}

/** The site that a joint guide draws: all coordinates of all continuous latent sites, unconstrained. */
export const JOINT = "joint";

/** A part of the joint draw, [coordinates], reshaped to a site in its plates. */
const part = (joint: Tensor, start: number, { shape }: GuidedSite): Tensor =>
  reshape(slice(joint, { axis: -1, start, end: start + sizeOf(shape) }), shape);

/**
 * A guide with one joint distribution over all continuous latent sites; each site is computed from its part of one draw. Discrete
 * sites with a finite support are left to the model.
 *
 * @param family the distribution of the joint draw, event shape [dimension]
 */
export function jointGuide<A extends readonly unknown[]>(
  target: Program<A>,
  name: string,
  family: (dimension: number, context: Context) => Distribution,
): Program<A> {
  checkProgram(target);
  return program<A, void>(
    (context, ...args) => {
      const sites = latentSites(trace(target, args)).filter((s) => s.distribution.cardinality === undefined);
      const dimension = sites.map(guided).reduce((n, { shape }) => n + sizeOf(shape), 0);
      if (dimension === 0)
        throw new UsageError(`${name}: ${target.name} has no continuous latent site, so it needs no guide.`);
      const joint = context.sample(JOINT, family(dimension, context), { auxiliary: true });
      let start = 0;
      guideBySite(target, args, (site, plates) => {
        const { toSupport, shape, batchShape, eventRank } = site;
        const free = part(joint, start, site);
        start += sizeOf(shape);
        const reinterpreted = shape.length - batchShape.length - toSupport.eventRank;
        const { value, logDet } = toSupport.forwardAndLogDet(free, reinterpreted);
        return within(context, plates, () =>
          context.sample(site.name, Delta(value, { eventRank, logDensity: neg(logDet) })),
        );
      });
    },
    { name: `${name}(${target.name})` },
  );
}
