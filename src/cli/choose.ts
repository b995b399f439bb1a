/** What follows from the data where the user did not say: the likelihood, and what becomes of grey pixels. */
import type { Binarization } from "../data/index.ts";
import type { LikelihoodName } from "../models/index.ts";

export interface DataTraits {
  readonly kind: "image" | "table";
  readonly isBinary: boolean;
  readonly range: readonly [number, number];
}

export interface Chosen {
  readonly likelihood: LikelihoodName;
  readonly binarize: Binarization;
  /** What was chosen and why, for the user; undefined where they chose both. */
  readonly why?: string;
}

export function chooseObservation(
  { kind, isBinary, range: [low, high] }: DataTraits,
  given: { readonly likelihood?: LikelihoodName; readonly binarize?: Binarization },
): Chosen {
  const unit = low >= 0 && high <= 1;
  const drawn = given.binarize !== undefined && given.binarize !== "none";
  const likelihood: LikelihoodName =
    given.likelihood ?? ((unit && kind === "image") || isBinary || drawn ? "bernoulli" : "gaussian");
  const grey = kind === "image" && unit && !isBinary;
  const binarize: Binarization = given.binarize ?? (likelihood === "bernoulli" && grey ? "dynamic" : "none");
  if (given.likelihood !== undefined && given.binarize !== undefined) return { likelihood, binarize };
  const found = isBinary
    ? "Binary data"
    : grey
      ? "Grey pixels in [0, 1]"
      : kind === "table"
        ? "A table of real numbers"
        : `Pixels from ${low} to ${high}`;
  const chosen = [
    ...(given.likelihood === undefined ? [`--likelihood ${likelihood}`] : []),
    ...(given.binarize === undefined ? [`--binarize ${binarize}`] : []),
  ].join(" ");
  const meaning = given.binarize === undefined && binarize === "dynamic" ? " (drawn anew at every step)" : "";
  return { likelihood, binarize, why: `${found}, so: ${chosen}${meaning}.` };
}
