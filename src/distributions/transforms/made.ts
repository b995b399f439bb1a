import { ShapeError } from "../../errors.ts";
import { type ActivationName, activation, checkCount, glorotUniform, normal, zeros } from "../../nn/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../../options.ts";
import {
  add,
  constant,
  type DType,
  formatShape,
  type Initializer,
  matmul,
  mul,
  parameter,
  reshape,
  type Tensor,
} from "../../tensor/index.ts";

/** Sizes of a masked network. */
export interface MadeOptions {
  /** The size of the vectors. */
  readonly size: number;
  /** Numbers predicted for each element. */
  readonly outputs: number;
  /** Widths of the hidden layers; each at least `size`. Default [64, 64]. */
  readonly hidden?: readonly number[];
  /** Default `relu`. */
  readonly activation?: ActivationName;
  /** Size of the context vector, 0 (the default) for none. */
  readonly context?: number;
  /** Initialiser of the last layer's weights. Default normal(0.01): predictions start near 0. */
  readonly outputInit?: Initializer;
  /** Default float32. */
  readonly dtype?: DType;
}

const madeRules: OptionRules<MadeOptions> = {
  size: required(given("a whole number of at least 1")),
  outputs: required(given("a whole number of at least 1")),
  hidden: anything,
  activation: anything,
  context: anything,
  outputInit: anything,
  dtype: anything,
};

/** A layer whose weight is masked. */
interface MaskedDense {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly masked: Tensor;
}

/** A masked network: its outputs for a dimension depend only on the dimensions before it. */
export interface Made {
  readonly size: number;
  readonly outputs: number;
  readonly contextSize: number;
  readonly layers: readonly MaskedDense[];
  /** Unmasked, [context, first layer's outputs]. */
  readonly contextWeight?: Tensor;
  /** x [..., size], context [..., c] → [..., size, outputs]; row i depends only on the elements of x before i. */
  apply(x: Tensor, context?: Tensor): Tensor;
}

/** 1 where an output of `to` may read an input of `from`. */
function mask(from: readonly number[], to: readonly number[], strict: boolean, dtype: DType): Tensor {
  const values = from.flatMap((a) => to.map((b) => Number(strict ? a < b : a <= b)));
  return constant(values, [from.length, to.length], dtype);
}

/**
 * The masked autoencoder of Germain et al., "MADE: masked autoencoder for distribution estimation" (2015): in one pass it predicts
 * parameters for every element from the elements before it. Degrees are assigned to hidden units in turn. With a context, some units
 * depend only on the context, so that it affects the first element through the hidden layers too.
 *
 * @throws UsageError when a size is not a whole number of at least 1.
 */
export function made(options: MadeOptions): Made {
  checkOptions("made", options, madeRules);
  const {
    size,
    outputs,
    hidden = [64, 64],
    context = 0,
    outputInit = normal(0.01),
    dtype = "float32",
  } = options;
  for (const [name, value] of Object.entries({ size, outputs })) checkCount("made", name, value);
  hidden.forEach((units, i) => {
    checkCount("made", `hidden[${i}]`, units);
  });
  const inputDegrees = Array.from({ length: size }, (_, i) => i + 1);
  const lowest = context > 0 || size === 1 ? 0 : 1;
  const hiddenDegrees = hidden.map((units) =>
    Array.from({ length: units }, (_, k) => lowest + (k % Math.max(1, size - lowest))),
  );
  const outputDegrees = inputDegrees.flatMap((d) => Array.from({ length: outputs }, () => d));
  const degrees = [inputDegrees, ...hiddenDegrees, outputDegrees];
  const layers = degrees.slice(1).map((to, i): MaskedDense => {
    const last = i === degrees.length - 2;
    const from = degrees[i];
    const weight = parameter([from.length, to.length], last ? outputInit : glorotUniform, { dtype });
    // Compute the masked weights once: the sequential direction applies the network once for every element.
    const masked = mul(weight, mask(from, to, last, dtype));
    return { weight, bias: parameter([to.length], zeros, { dtype }), masked };
  });
  const contextWeight =
    context > 0 ? parameter([context, degrees[1].length], glorotUniform, { dtype }) : undefined;
  const activate = activation(options.activation ?? "relu");
  return {
    size,
    outputs,
    contextSize: context,
    layers,
    ...(contextWeight && { contextWeight }),
    apply(x, given) {
      if (x.shape.at(-1) !== size) {
        throw new ShapeError(`made: expected vectors [..., ${size}], found ${formatShape(x.shape)}.`);
      }
      if ((given?.shape.at(-1) ?? 0) !== context) {
        throw new ShapeError(
          `made: expected ${context === 0 ? "no context" : `a context of shape [..., ${context}]`}, ` +
            `found ${given === undefined ? "none" : formatShape(given.shape)}; build it with { context: size of it }.`,
        );
      }
      const out = layers.reduce((h, { masked, bias }, i) => {
        const rows = matmul(reshape(i === 0 ? h : activate.apply(h), [-1, masked.shape[0]]), masked);
        const z = reshape(add(rows, bias), [...h.shape.slice(0, -1), masked.shape[1]]);
        return i === 0 && given !== undefined && contextWeight !== undefined
          ? add(z, matmul(given, contextWeight))
          : z;
      }, x);
      return reshape(out, [...out.shape.slice(0, -1), size, outputs]);
    },
  };
}
