import { type AdamOptions, adamFamily } from "./adam.ts";
import type { Optimizer } from "./optimizer.ts";

/** Accepts values that are not options objects; they are refused later. */
const withDecay = (options: AdamOptions): AdamOptions =>
  typeof options === "object" && options !== null
    ? { ...options, weightDecay: options.weightDecay ?? 0.01 }
    : options;

/**
 * AdamW: {@link adam} with weight decay decoupled from the gradient (Loshchilov and Hutter, "Decoupled weight
 * decay regularization", ICLR 2019): p ← (1 - ηλ)p - η·m̂ / (√v̂ + ε). Default λ 0.01.
 *
 * @throws UsageError when an option is out of its range.
 */
export const adamw = (options: AdamOptions): Optimizer =>
  adamFamily("adamw", withDecay(options), (settings) => ({
    l2: 0,
    decay: 1 - settings.learningRate * settings.weightDecay,
  }));
