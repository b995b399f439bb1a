import { UsageError } from "../errors.ts";
import { isParameter, Tensor } from "../tensor/index.ts";

/** A parameter leaf and its path in the module. */
export interface NamedParameter {
  /** The path in the module: `encoder.layers.0.weight`. */
  readonly name: string;
  /** The parameter leaf; buffers (`trainable: false`) are included. */
  readonly tensor: Tensor;
}

/**
 * The parameters of a module, in the order in which its objects and arrays were written. A parameter that is found twice
 * (weights shared by two layers) is listed once, under its first path. Tensors computed from parameters are skipped.
 *
 *
 * @example
 * parametersOf({ encoder: mlp({ inputs: 784, hidden: [400], outputs: 20, activation: "relu" }) });
 * // encoder.layers.0.weight, encoder.layers.0.bias, encoder.layers.2.weight, encoder.layers.2.bias
 *
 * @throws UsageError when two parameters would have the same name.
 */
export function parametersOf(module: unknown, prefix = ""): NamedParameter[] {
  const found = new Map<string, Tensor>();
  const seen = new Set<object>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value !== "object" || value === null || ArrayBuffer.isView(value) || seen.has(value)) return;
    seen.add(value);
    if (value instanceof Tensor) {
      if (!isParameter(value)) return;
      const name = path || "parameter";
      if (found.has(name)) {
        throw new UsageError(
          `parameters: two of them would be named '${name}', because a key of the module contains a dot; rename it.`,
        );
      }
      found.set(name, value);
      return;
    }
    for (const [key, part] of Object.entries(value)) walk(part, path ? `${path}.${key}` : key);
  };
  walk(module, prefix);
  return [...found].map(([name, tensor]) => ({ name, tensor }));
}

/** The number of trainable scalars in a module. */
export const countParameters = (module: unknown): number =>
  parametersOf(module).reduce(
    (count, { tensor }) => count + (isParameter(tensor) && tensor.attributes.trainable ? tensor.size : 0),
    0,
  );
