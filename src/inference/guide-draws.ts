import type { ArrayValue } from "../compile/index.ts";
import { checkOptions, type OptionRules, whole } from "../options.ts";
import { latentSites, type Program, replay, trace } from "../program/index.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";
import { repeatedDraws } from "./repeated-draws.ts";
import { dependencies } from "./terms.ts";

/** Options of draws from a guide. */
export interface GuideDrawsOptions {
  /** Number of draws. Default 1000. */
  readonly draws?: number;
  /** Seed of the draws. Default 0. */
  readonly seed?: number;
}

/** The names of these options. */
export const guideDrawsRules: OptionRules<GuideDrawsOptions> = { draws: whole(1), seed: whole(0) };

/**
 * Joint draws of a guide: the latent sites that it shares with the model, and the model's deterministic sites. Each result is [draws,
 * …site], on the site's own support. Sites that depend on a finite site that the guide leaves out are not included.
 */
export async function guideDraws<A extends readonly unknown[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  parameters: ReadonlyMap<Tensor, TypedArray>,
  options: GuideDrawsOptions = {},
): Promise<ReadonlyMap<string, ArrayValue>> {
  checkOptions("draw", options, guideDrawsRules);
  const { draws = 1000, seed = 0 } = options;
  const drawn = trace(guide, args);
  const replayed = trace(model, args, [replay(drawn)]);
  const [known, unknown] = [true, false].map((has) =>
    latentSites(replayed).filter((s) => drawn.sites.has(s.name) === has),
  );
  const missing = new Map(unknown.map((s) => [s.value, s.name]));
  const computed = [...replayed.sites.values()].filter(
    (s) => s.kind === "deterministic" && dependencies(s.value, missing).size === 0,
  );
  const values = Object.fromEntries([...known, ...computed].map((s) => [s.name, s.value]));
  return repeatedDraws(() => values, { draws, seed, parameters });
}
