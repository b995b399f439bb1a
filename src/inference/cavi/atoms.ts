/** The parts of a log joint density that is written as a sum of products. */
import { fnv1a64 } from "../../random/index.ts";
import type { Tensor } from "../../tensor/index.ts";

/**
 * A dimension with a name, like a letter in Einstein's notation: a plate, the categories of a site or the elements of a vector.
 * Indices are compared by identity.
 */
export interface Index {
  readonly id: number;
  readonly size: number;
}

let nextId = 0;

export const newIndex = (size: number): Index => ({ id: nextId++, size });

/** The algebra that the elements of a latent site obey. */
export type ValueKind =
  /** Any number. */
  | "real"
  /** Above 0. */
  | "positive"
  /** Between 0 and 1; x and 1 − x are positive. */
  | "unit"
  /** Positive, and the last dimension sums to 1. */
  | "simplex"
  /** 0 or 1, so that x² = x. */
  | "binary"
  /** One of K categories, as indicators z₁ … z_K, of which one is 1: zⱼ zₖ = 0 for j ≠ k, and Σ zₖ = 1. */
  | "category";

export interface LatentValue {
  readonly site: string;
  readonly kind: ValueKind;
}

/** The cases of a known condition: masks, exactly one of which is 1 at each place. */
export interface Cases {
  readonly key: string;
  readonly masks: readonly Tensor[];
}

/**
 * The smallest parts. Each has a fixed number of dimensions, which a {@link Factor} names; dimensions of size 1 are left out.
 * Atoms with equal keys are equal.
 */
export type Atom =
  /** Numbers that depend on no latent site. */
  | { readonly kind: "known"; readonly key: string; readonly tensor: Tensor }
  /** 1 where two indices are equal, else 0. */
  | { readonly kind: "delta"; readonly key: string }
  /** One of several masks, of known numbers 0 and 1. */
  | { readonly kind: "case"; readonly key: string; readonly cases: Cases; readonly branch: number }
  /** Known indicators: 1 at (b, i) if `at[b]` is i. The last dimension is that of the categories. */
  | { readonly kind: "selector"; readonly key: string; readonly at: Tensor }
  /** An element x of a site. */
  | { readonly kind: "value"; readonly key: string; readonly of: LatentValue }
  /** 1 − x. */
  | { readonly kind: "complement"; readonly key: string; readonly of: LatentValue }
  /** The indicators of a site's category; the last dimension is that of the categories. */
  | { readonly kind: "indicator"; readonly key: string; readonly of: LatentValue }
  /** ln of a positive atom. */
  | { readonly kind: "log"; readonly key: string; readonly of: Atom }
  /** A function of latent sites that is not a sum of products; it may still cancel. */
  | {
      readonly kind: "opaque";
      readonly key: string;
      /** A description for messages. */
      readonly what: string;
      readonly sites: readonly string[];
    }
  /** e to the power of an opaque atom. */
  | { readonly kind: "exp"; readonly key: string; readonly of: Atom };

export const known = (tensor: Tensor): Atom => ({ kind: "known", key: `known ${tensor.id}`, tensor });
export const delta: Atom = { kind: "delta", key: "delta" };
export const selector = (at: Tensor): Atom => ({ kind: "selector", key: `selector ${at.id}`, at });
export const caseOf = (cases: Cases, branch: number): Atom => ({
  kind: "case",
  key: `case ${cases.key} ${branch}`,
  cases,
  branch,
});
export const value = (of: LatentValue): Atom => ({ kind: "value", key: `value ${of.site}`, of });
export const complement = (of: LatentValue): Atom => ({
  kind: "complement",
  key: `complement ${of.site}`,
  of,
});
export const indicator = (of: LatentValue): Atom => ({ kind: "indicator", key: `indicator ${of.site}`, of });
export const logOf = (of: Atom): Atom => ({ kind: "log", key: `log ${of.key}`, of });
export const expOf = (of: Atom): Atom => ({ kind: "exp", key: `exp ${of.key}`, of });

/** @param identity equal texts mean equal functions of equal arguments */
export const opaque = (what: string, sites: readonly string[], identity: string): Atom => ({
  kind: "opaque",
  key: `opaque ${fnv1a64(identity).toString(36)}`,
  what,
  sites,
});

/** Whether an atom depends on no latent site. */
export const isKnown = ({ kind }: Atom): boolean =>
  kind === "known" || kind === "delta" || kind === "case" || kind === "selector";

/** Whether the last dimension runs over indicators, exactly one of which is 1. */
export const isOneHot = ({ kind }: Atom): boolean => kind === "selector" || kind === "indicator";

const isBinaryValue = (atom: Atom): boolean => atom.kind === "value" && atom.of.kind === "binary";

/** Whether it is 0 or 1, so that it equals its powers. */
export const isBinary = (atom: Atom): boolean =>
  isOneHot(atom) || atom.kind === "case" || isBinaryValue(atom);

/** Whether it is certain to be above 0. */
export const isPositive = (atom: Atom): boolean =>
  atom.kind === "complement" ||
  atom.kind === "exp" ||
  (atom.kind === "value" && ["positive", "unit", "simplex"].includes(atom.of.kind));

/** Whether it sums to 1 along its last dimension. */
export const sumsToOne = (atom: Atom): boolean =>
  isOneHot(atom) || (atom.kind === "value" && atom.of.kind === "simplex");

/** The latent sites that an atom depends on. */
export function sitesOf(atom: Atom): readonly string[] {
  switch (atom.kind) {
    case "value":
    case "complement":
    case "indicator":
      return [atom.of.site];
    case "log":
    case "exp":
      return sitesOf(atom.of);
    case "opaque":
      return atom.sites;
    default:
      return [];
  }
}
