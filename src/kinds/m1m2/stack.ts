import type { Dataset } from "../../data/index.ts";
import { UsageError } from "../../errors.ts";
import { activeDimensions, keptPosteriorOf, Stacked, type StackedOptions } from "../../models/index.ts";
import { withArticle } from "../../printable.ts";
import type { Trained } from "../vae/trained.ts";

/** The VAE that each model was stacked on. */
const bases = new WeakMap<Stacked, Trained>();

/** The trained VAE of an M1+M2 made in memory. */
export const vaeBelow = (stacked: Stacked): Trained | undefined => bases.get(stacked);

/**
 * M1+M2 over a trained VAE: its encoder is run once over the data to find which of its dimensions are active.
 *
 * @example
 * const m1 = await train(VAE({ shape: [28, 28], latent: 50, hidden: [500, 500] }), digits, { epochs: 100 });
 * const trained = await train(await stackOn(m1, digits, { classes: 10 }), few, { epochs: 200, lr: 3e-3 });
 *
 * @throws UsageError when M1 is not a VAE, or none of its dimensions is active.
 */
export async function stackOn(
  m1: Trained,
  data: Dataset,
  options: Omit<StackedOptions, "m1" | "frozen" | "active"> & { readonly keepInactive?: boolean },
): Promise<Stacked> {
  const { model, parameters, settings } = m1;
  if (model.kind !== "vae")
    throw new UsageError(`m1m2: expected M1 to be a vae, found ${withArticle(model.kind)}.`);
  const { keepInactive = false, ...rest } = options;
  const { threads } = settings;
  const posterior = await keptPosteriorOf(model, parameters, data, threads === undefined ? {} : { threads });
  const stacked = Stacked({
    ...rest,
    m1: model,
    frozen: parameters,
    ...(!keepInactive && { active: activeDimensions(posterior) }),
  });
  bases.set(stacked, m1);
  return stacked;
}
