import { UsageError } from "../errors.ts";

/** @throws UsageError unless a layer's size is a whole number of at least 1. */
export function checkCount(layer: string, name: string, value: number): void {
  if (!Number.isInteger(value) || value < 1) {
    throw new UsageError(`${layer}: ${name} must be a whole number of at least 1, found ${value}.`);
  }
}
