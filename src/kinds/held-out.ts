import { binarize, type Dataset } from "../data/index.ts";
import type { BatchSettings } from "../train/index.ts";

/**
 * Held-out data as a model sees data: binarised once, by the run's seed, where it was trained on binary draws. Drawing a test set's
 * pixels takes longer than evaluating them, and it is the same draw in every epoch: draws are kept.
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
