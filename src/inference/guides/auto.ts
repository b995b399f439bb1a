/** What automatic guides share: the latent sites of a model, each with a way from unconstrained reals to its support. */
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

/** A continuous latent site as a guide sees it. */
export interface GuidedSite {
  readonly name: string;
  /** Batch shape over the site's plates. */
  readonly batchShape: Shape;
  /** Shape of the unconstrained value, batch first. */
  readonly shape: Shape;
  /** How many trailing dimensions of it are one event. */
  readonly eventRank: number;
  /** From unconstrained reals to the site's support. */
  readonly toSupport: transforms.Transform;
}

function guided(site: Pick<SampleMessage, "name" | "distribution" | "plates">): GuidedSite {
  const { distribution, name, plates } = site;
  const minibatch = plates.find((p) => p.rows < p.size);
  if (minibatch !== undefined) {
    throw new UsageError(
      `automatic guide: site '${name}' stands in plate '${minibatch.name}', of which only ${minibatch.rows} of ${minibatch.size} ` +
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

/** Opens a site's plates again, outermost first. */
export function within<R>(context: Context, plates: readonly Plate[], body: () => R): R {
  const [first, ...rest] = plates;
  if (first === undefined) return body();
  return context.plate(first.name, first.size, () => within(context, rest, body), { rows: first.rows });
}

/**
 * Runs a model with its continuous latent sites answered by a guide, one after another: a support or a plate that depends on earlier
 * sites then depends on the guide's own values of them, and not on other draws of the model's.
 *
 * @param answered a value of the site's shape, on the site's support
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

/** The site that a joint guide draws: every coordinate of every continuous latent site, unconstrained. */
export const JOINT = "joint";

/** A part of the joint draw, [coordinates], laid out as a site in its plates. */
const part = (joint: Tensor, start: number, { shape }: GuidedSite): Tensor =>
  reshape(slice(joint, { axis: -1, start, end: start + sizeOf(shape) }), shape);

/**
 * A guide with one distribution over all continuous latent sites together, each site computed from its part of one draw. Discrete
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
        throw new UsageError(
          `${name}: ${target.name} has no continuous latent site; there is nothing to guide.`,
        );
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
