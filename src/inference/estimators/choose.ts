/** Chooses a gradient estimator for each latent site, with the reason. */
import { InternalError, UsageError } from "../../errors.ts";
import type { RandomSite } from "../../program/index.ts";
import type { Baseline } from "./baselines.ts";
import type {
  BoundKind,
  EstimatorDefinition,
  EstimatorSettings,
  OtherSite,
  SiteEstimator,
} from "./estimator.ts";
import { definitionOf, type Estimator, estimators } from "./registry.ts";

/** Options of every bound: the gradient estimator of each latent site, its control variate, and the number of draws. */
export interface EstimatorOptions {
  /** One estimator for every site, or estimators by site name. Default: chosen for each site by its distribution; `explain()` says why. */
  readonly estimators?: Estimator | Readonly<Record<string, Estimator | EstimatorSettings>>;
  /** Control variate of score-function sites. Default: leave-one-out with several particles, else a decaying average. */
  readonly baseline?: Baseline;
  /** Draws of the whole program: averaged under the ELBO, weighted under the importance-weighted bound. Default 1. */
  readonly particles?: number;
}

function nameOf(bound: BoundKind): string {
  if (bound.kind === "elbo") return "the ELBO";
  return bound.alpha === 0 ? "the importance-weighted bound" : `the Rényi bound of order ${bound.alpha}`;
}

/** Why an estimator has no gradient under a bound; undefined if it has one. */
function without(
  { name, elbo, importanceWeighted }: EstimatorDefinition,
  bound: BoundKind,
): string | undefined {
  const why = bound.kind === "elbo" ? elbo.unsupported?.() : importanceWeighted.unsupported?.(bound.alpha);
  return why && `"${name}" has no gradient under ${nameOf(bound)}, because ${why}`;
}

const listed = (names: readonly string[]): string =>
  [names.slice(0, -1).join(", "), ...names.slice(-1)].filter((part) => part !== "").join(" or ");

/** @throws UsageError when an estimator that was requested by name cannot work for a site, or does not have a given setting. */
function checkAsked({ name, distribution }: RandomSite, asked: EstimatorSettings, bound: BoundKind): void {
  const definition = definitionOf({ site: name, estimator: asked.estimator });
  const why = definition.unsuited(distribution) ?? without(definition, bound);
  if (why !== undefined) {
    const others: readonly EstimatorDefinition[] = estimators;
    const ways = others
      .filter((e) => e.unsuited(distribution) === undefined && without(e, bound) === undefined)
      .map((e) => `"${e.name}"`);
    throw new UsageError(`site '${name}': ${why}. Use ${listed(ways)}.`);
  }
  const { estimator, ...settings } = asked;
  const foreign = Object.entries(settings).find(
    ([key, value]) => value !== undefined && !definition.settings.some((k) => k === key),
  );
  if (foreign !== undefined) {
    throw new UsageError(
      `site '${name}': "${estimator}" has no setting '${foreign[0]}'; ` +
        (definition.settings.length === 0 ? "it has none." : `it has ${definition.settings.join(", ")}.`),
    );
  }
  const { temperature = 1 } = asked;
  if (!(temperature > 0 && temperature < Number.POSITIVE_INFINITY))
    throw new UsageError(`site '${name}': temperature must be a positive number, found ${temperature}.`);
}

/**
 * Chooses the estimator of one latent site of the guide.
 * @throws UsageError when the requested estimator cannot work there.
 */
export function chooseEstimator(
  site: RandomSite,
  options: EstimatorOptions = {},
  bound: BoundKind = { kind: "elbo" },
): SiteEstimator {
  const { distribution, name } = site;
  const asked = typeof options.estimators === "string" ? options.estimators : options.estimators?.[name];
  if (asked !== undefined) {
    const settings: EstimatorSettings = typeof asked === "string" ? { estimator: asked } : asked;
    checkAsked(site, settings, bound);
    return withBaseline(site, settings, "asked for", options);
  }
  for (const definition of estimators) {
    const { automatic }: EstimatorDefinition = definition;
    if (without(definition, bound) !== undefined) continue;
    const reason = automatic?.(distribution, bound);
    if (reason !== undefined) return withBaseline(site, { estimator: definition.name }, reason, options);
  }
  throw new InternalError(`no estimator for site '${name}'`);
}

function withBaseline(
  { name: site, distribution }: RandomSite,
  settings: EstimatorSettings,
  reason: string,
  { particles = 1, baseline }: EstimatorOptions,
): SiteEstimator {
  const takesOne = definitionOf({ site, ...settings }).settings.includes("baseline");
  const usual = particles > 1 ? "leave-one-out" : "decaying-average";
  return {
    ...settings,
    site,
    distribution: distribution.name,
    reason,
    baseline: takesOne ? (settings.baseline ?? baseline ?? usual) : "none",
  };
}

/** @throws UsageError when the estimators of some sites cannot be combined. */
export function checkConflicts(choices: readonly SiteEstimator[], bound: BoundKind): void {
  const sites = choices.map((c): OtherSite => ({ site: c.site, definition: definitionOf(c) }));
  for (const one of sites) {
    const others = sites.filter((s) => s !== one);
    const conflict = one.definition.conflict?.(others, bound);
    if (conflict !== undefined) throw new UsageError(`site '${one.site}': ${conflict}`);
  }
}

/** Describes the control variate, for the last column of `explain()`. */
export const describeControl = (choice: SiteEstimator): string => definitionOf(choice).control(choice);
