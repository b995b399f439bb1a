import { NonFiniteError, UsageError } from "../errors.ts";
import type { Arena, ArenaPart } from "./arena.ts";

/** Σg² over the parameters of a part that are not frozen (default all), accumulated in float64. Not finite if any gradient is not. */
export const squaredNorm = (arena: Arena, part?: ArenaPart): number => {
  const { sumOfSquares } = arena.kernels;
  return arena.live(part).reduce((sum, { gradients, count }) => sum + sumOfSquares(gradients, count), 0);
};

/** √Σg² over all parameters that are not frozen, accumulated in float64. Not finite if any gradient is not. */
export const globalNorm = (arena: Arena): number => Math.sqrt(squaredNorm(arena));

/** min(1, maxNorm / norm) */
export const clipScale = (norm: number, maxNorm: number): number => (norm > maxNorm ? maxNorm / norm : 1);

/** A value that is NaN or infinite. */
export interface NonFinite {
  readonly parameter: string;
  readonly kind: "gradient" | "value";
  /** Row-major index in the tensor. */
  readonly index: number;
  readonly value: number;
}

/**
 * The first gradient that is not finite, else the first parameter value that is not, else undefined, in the order in which the
 * parameters were declared. Gradients of frozen parameters are not checked.
 */
export const findNonFinite = (arena: Arena): NonFinite | undefined => {
  const live = arena.live();
  const isLive = (at: number) => live.some(({ offset, count }) => at >= offset && at < offset + count);
  for (const kind of ["gradient", "value"] as const) {
    const buffer = kind === "gradient" ? arena.flat.gradients : arena.flat.parameters;
    for (const { name, offset, size } of arena.tensors) {
      if (kind === "gradient" && !isLive(offset)) continue;
      const index = arena.kernels.firstNonFinite(buffer.byteOffset + 4 * offset, size);
      if (index >= 0) return { parameter: name, kind, index, value: buffer[offset + index] ?? Number.NaN };
    }
  }
  return undefined;
};

/**
 * Stops a run whose gradients or parameters are no longer finite.
 *
 * @param factor what the arena's gradients are multiplied by to be those of the loss; its sign is that of an infinite one
 * @throws NonFiniteError that names the step, the parameter and the element.
 */
export const checkFinite = (arena: Arena, step: number, factor = 1): void => {
  const found = findNonFinite(arena);
  if (found === undefined) return;
  const value = found.kind === "gradient" ? found.value * factor : found.value;
  throw new NonFiniteError(
    `step ${step}: expected a finite ${found.kind} of parameter "${found.parameter}", found ${value} at ` +
      `element ${found.index}; try a lower learning rate or gradient clipping`,
  );
};

/**
 * Clipping by the global norm (Pascanu, Mikolov and Bengio, ICML 2013). It changes no gradient: pass the scale to `update`, which
 * applies it in its own pass.
 *
 * ```ts
 * const { norm, scale } = clipGlobalNorm(arena, { maxNorm: 1, step });
 * arena.update({ step, gradientScale: scale });
 * ```
 *
 * @returns the norm before clipping, and min(1, maxNorm / norm)
 * @throws NonFiniteError when a gradient is not finite; {@link UsageError} when maxNorm is not positive.
 */
export const clipGlobalNorm = (
  arena: Arena,
  { maxNorm, step }: { readonly maxNorm: number; readonly step: number },
): { readonly norm: number; readonly scale: number } => {
  if (!(maxNorm > 0)) {
    throw new UsageError(`clipGlobalNorm: expected maxNorm to be positive, found ${maxNorm}`);
  }
  const norm = globalNorm(arena);
  if (!Number.isFinite(norm)) checkFinite(arena, step);
  return { norm, scale: clipScale(norm, maxNorm) };
};
