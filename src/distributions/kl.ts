/** Kullback–Leibler divergences: a registry of closed forms, and the Monte Carlo form for every other pair. */
import { ShapeError } from "../errors.ts";
import { broadcastShapes, formatShape, mean, sameShape, sub, type Tensor } from "../tensor/index.ts";
import type { Distribution } from "./distribution.ts";
import { ClosedFormError } from "./errors.ts";
import { expandTo } from "./numerics.ts";

/** A distribution's class. */
export type Family<D extends Distribution = Distribution> = abstract new (...args: never[]) => D;
type Form = (p: Distribution, q: Distribution) => Tensor;

const forms = new Map<unknown, Map<unknown, Form>>();

/**
 * Registers a closed form of KL(p ‖ q) for two classes. It may return any shape that broadcasts to the joint batch. Subclasses without
 * a form of their own use it too.
 */
export function registerKl<P extends Distribution, Q extends Distribution>(
  p: Family<P>,
  q: Family<Q>,
  form: (p: P, q: Q) => Tensor,
): void {
  const row = forms.get(p) ?? new Map<unknown, Form>();
  forms.set(p, row);
  // The registry is keyed by class, so the arguments have these classes.
  row.set(q, form as unknown as Form);
}

function* ancestry(d: Distribution): Generator<unknown> {
  for (let proto = Object.getPrototypeOf(d); proto !== null; proto = Object.getPrototypeOf(proto)) {
    yield proto.constructor;
  }
}

function lookUp(p: Distribution, q: Distribution): Form | undefined {
  for (const a of ancestry(p)) {
    for (const b of ancestry(q)) {
      const form = forms.get(a)?.get(b);
      if (form !== undefined) return form;
    }
  }
  return undefined;
}

/** Whether `kl(p, q)` has a closed form. */
export const hasKl = (p: Distribution, q: Distribution): boolean => lookUp(p, q) !== undefined;

/**
 * KL(p ‖ q) = E_p[log p(x) − log q(x)] in nats, in closed form. Returns the joint batch shape.
 *
 * @example
 * kl(Normal(mu, sigma).toEvent(1), Normal(0, 1).expand([20]).toEvent(1)); // mu: [128, 20] → [128]
 *
 * @throws ClosedFormError when there is none for this pair; ShapeError when the event shapes differ.
 */
export function kl(p: Distribution, q: Distribution): Tensor {
  checkPair("kl", p, q);
  const form = lookUp(p, q);
  if (form === undefined) {
    throw new ClosedFormError(
      `kl: no closed form of KL(${p.name} ‖ ${q.name}) is registered. ` +
        "Use klMonteCarlo(p, q, site, samples), or register the form with registerKl.",
    );
  }
  return expandTo(form(p, q), broadcastShapes("kl", p.batchShape, q.batchShape));
}

/**
 * An unbiased estimate of KL(p ‖ q) from draws of p: the mean over `samples` of log p(x) − log q(x). Shape: the joint
 * batch. Its derivative in the parameters of p is unbiased only if p is reparameterised.
 * @throws ShapeError when the event shapes differ.
 */
export function klMonteCarlo(p: Distribution, q: Distribution, site: string, samples: number): Tensor {
  checkPair("klMonteCarlo", p, q);
  // One draw for each element of the joint batch.
  const wide = p.expand(broadcastShapes("klMonteCarlo", p.batchShape, q.batchShape));
  const { value, logProb } = wide.sampleAndLogProb(site, [samples]);
  return mean(sub(logProb, q.logProb(value)), 0);
}

function checkPair(what: string, p: Distribution, q: Distribution): void {
  if (!sameShape(p.eventShape, q.eventShape)) {
    throw new ShapeError(
      `${what}: ${p.name} has event shape ${formatShape(p.eventShape)} (batch ${formatShape(p.batchShape)}), ` +
        `${q.name} has event shape ${formatShape(q.eventShape)} (batch ${formatShape(q.batchShape)}); ` +
        "they must be equal. Use toEvent(n) on the one with fewer event dimensions, after expand if its batch is too small.",
    );
  }
}
