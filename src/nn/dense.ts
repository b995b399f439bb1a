import { ShapeError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import {
  add,
  type DType,
  formatShape,
  type Initializer,
  matmul,
  parameter,
  reshape,
  type Tensor,
} from "../tensor/index.ts";
import { checkCount } from "./check.ts";
import { glorotUniform, zeros } from "./initializers.ts";
import type { Layer } from "./layer.ts";

/** Options of layers with weights. */
export interface WeightOptions {
  /** Whether a bias is added. Default true. */
  readonly bias?: boolean;
  /** Initialiser of the weights. Default {@link glorotUniform}. */
  readonly weightInit?: Initializer;
  /** Initialiser of the bias. Default {@link zeros}. */
  readonly biasInit?: Initializer;
  /** Default float32. */
  readonly dtype?: DType;
}

/** The option names of layers with weights. */
export const weightRules: OptionRules<WeightOptions> = {
  bias: anything,
  weightInit: anything,
  biasInit: anything,
  dtype: anything,
};

export interface Dense extends Layer {
  /** [inputs, outputs] */
  readonly weight: Tensor;
  /** [outputs] */
  readonly bias?: Tensor;
}

/**
 * y = x W + b. x [..., inputs] → [..., outputs].
 *
 * @example
 * const hidden = dense(784, 400, { weightInit: initializers.heNormal });
 * hidden.apply(input("x", [128, 784])); // [128, 400]
 *
 * @throws ShapeError when the last axis of x is not `inputs`.
 */
export function dense(inputs: number, outputs: number, options: WeightOptions = {}): Dense {
  checkOptions("dense", options, weightRules);
  checkCount("dense", "inputs", inputs);
  checkCount("dense", "outputs", outputs);
  const { bias = true, weightInit = glorotUniform, biasInit = zeros, dtype = "float32" } = options;
  const weight = parameter([inputs, outputs], weightInit, { dtype });
  const offset = bias ? parameter([outputs], biasInit, { dtype }) : undefined;
  return {
    weight,
    ...(offset && { bias: offset }),
    apply(x) {
      if (x.shape.at(-1) !== inputs) {
        throw new ShapeError(
          `dense: expected last axis ${inputs}, found ${formatShape(x.shape)}; ` +
            "reshape the input, or build the layer with that many inputs.",
        );
      }
      // Flatten the leading axes to make one matrix product: its gradient is then one product too.
      const rows = reshape(x, [-1, inputs]);
      const y = matmul(rows, weight);
      return reshape(offset === undefined ? y : add(y, offset), [...x.shape.slice(0, -1), outputs]);
    },
  };
}
