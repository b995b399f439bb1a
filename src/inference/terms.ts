/** Log densities as terms that know their plates and which random sites they depend on. */
import { type Plate, type RandomSite, scaleOf } from "../program/index.ts";
import { mul } from "../tensor/ops/arithmetic.ts";
import { sum } from "../tensor/ops/reduce.ts";
import type { Tensor } from "../tensor/tensor.ts";

/** log p or log q of a site: one value for each element of its plates (and of whatever dimensions stand left of them). */
export interface Term {
  readonly site: string;
  readonly value: Tensor;
  /** Plates along whose dimensions `value` still varies, particles left out. */
  readonly plates: readonly Plate[];
}

export const termOf = (site: RandomSite, value: Tensor = site.distribution.logProb(site.value)): Term => ({
  site: site.name,
  value,
  plates: site.plates.filter((p) => p.name !== PARTICLES),
});

/** The name of the plate that repeats a whole program. */
export const PARTICLES = "particles";

/** Sums a term over the plates that are not in `kept`, scaled for minibatches; the dimensions stay, of size 1. */
export function sumOver(term: Term, kept: readonly Plate[]): Tensor {
  const gone = term.plates.filter((p) => !kept.some((k) => k.name === p.name));
  const axes = gone.filter((p) => -p.dimension <= term.value.rank).map((p) => p.dimension);
  const total = axes.length === 0 ? term.value : sum(term.value, axes, { keepDims: true });
  const scale = scaleOf(gone);
  return scale === 1 ? total : mul(total, scale);
}

/**
 * Which of `sources` an expression depends on. The graph is the dependency structure: nothing has to be declared, and what a
 * term does not touch cannot add noise to its gradient (Rao-Blackwellisation).
 */
export function dependencies(expression: Tensor, sources: ReadonlyMap<Tensor, string>): Set<string> {
  const found = new Set<string>();
  const seen = new Set<Tensor>();
  const stack = [expression];
  for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
    if (seen.has(node)) continue;
    seen.add(node);
    const name = sources.get(node);
    if (name !== undefined) found.add(name);
    stack.push(...node.inputs);
  }
  return found;
}
