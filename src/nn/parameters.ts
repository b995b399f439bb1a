import { UsageError } from "../errors.ts";
import { isParameter, Tensor } from "../tensor/index.ts";

/** A parameter leaf and the path by which its module is reached. */
export interface NamedParameter {
  /** The path by which the module reaches it: `encoder.layers.0.weight`. */
  readonly name: string;
  /** A parameter leaf; buffers (`trainable: false`) included. */
  readonly tensor: Tensor;
}

/**
 * The parameters of a module, in the order in which its objects and arrays were written. A parameter that is reached twice
 * (weights that two layers share) is listed once, under its first path. Tensors computed from parameters are passed over.
 *
 * @example
 * parametersOf({ encoder: mlp({ inputs: 784, hidden: [400], outputs: 20, activation: "relu" }) });
 * // encoder.layers.0.weight, encoder.layers.0.bias, encoder.layers.2.weight, encoder.layers.2.bias
 *
 * @throws UsageError when two parameters would have one name.
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
          `parameters: two of them would be named '${name}'; a key of the module holds a dot: rename it.`,
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

/** Number of trainable scalars of a module. */
export const countParameters = (module: unknown): number =>
  parametersOf(module).reduce(
    (count, { tensor }) => count + (isParameter(tensor) && tensor.attributes.trainable ? tensor.size : 0),
    0,
  );
