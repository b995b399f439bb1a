import { binarize, type Dataset } from "../data/index.ts";
import type { BatchSettings } from "../train/index.ts";

/**
 * Held-out data as the model sees them: if it was trained on binary draws, they are binarised once, by the run's seed. Drawing a test set's
 * pixels takes longer than evaluating them, and the draw is the same in every epoch, so draws are kept.
 */
export function preparer({
  binarize: how,
  seed,
}: Pick<BatchSettings, "binarize" | "seed">): (dataset: Dataset) => Dataset {
  const known = new WeakMap<Dataset, Dataset>();
  return (dataset) => {
    if (how === "none") return dataset;
    const prepared = known.get(dataset) ?? binarize(dataset, seed, "binarize/test");
    known.set(dataset, prepared);
    return prepared;
  };
}
