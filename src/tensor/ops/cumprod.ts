/** Running products. */
import { checkOptions, flag, type OptionRules } from "../../options.ts";
import { input, ones } from "../leaf.ts";
import { normalizeAxis } from "../shape.ts";
import type { Tensor } from "../tensor.ts";
import { mul } from "./arithmetic.ts";
import { checkDType } from "./elementwise.ts";
import { transpose } from "./movement.ts";
import { loop } from "./scan.ts";

/** Options of {@link cumprod}. */
export interface CumprodOptions {
  /** Whether products run from the end. Default false. */
  readonly reverse?: boolean;
  /** Whether each product leaves the element itself out. Default false. */
  readonly exclusive?: boolean;
}

const cumprodRules: OptionRules<CumprodOptions> = { reverse: flag, exclusive: flag };

/**
 * Running products along one axis; from the end with `reverse`, without the element itself with `exclusive`. It is a loop over the axis, so that
 * derivatives are right where elements are 0.
 *
 * @example
 * cumprod(tensor([2, 3, 4]), 0); // [2, 6, 24]
 */
export function cumprod(x: Tensor, axis: number, options: CumprodOptions = {}): Tensor {
  checkOptions("cumprod", options, cumprodRules);
  const at = normalizeAxis("cumprod", axis, x.rank);
  checkDType("cumprod", x.dtype, "float");
  const { reverse = false, exclusive = false } = options;
  if (x.size === 0) return x;
  const rest = x.shape.map((_, i) => i).filter((i) => i !== at);
  const order = [at, ...rest];
  const values = transpose(x, order);
  const shape = values.shape.slice(1);
  const before = input("product so far", shape, x.dtype);
  const leaf = input("factor", shape, x.dtype);
  const after = mul(before, leaf);
  const { outputs } = loop({
    carries: [{ before, after, initial: ones(shape, x.dtype) }],
    inputs: [{ leaf, values }],
    shared: [],
    outputs: [exclusive ? before : after],
    length: x.shape[at],
    reverse,
  });
  return transpose(
    outputs[0],
    x.shape.map((_, i) => order.indexOf(i)),
  );
}
