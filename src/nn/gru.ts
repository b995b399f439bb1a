import { ShapeError } from "../errors.ts";
import { anything, checkOptions, type OptionRules } from "../options.ts";
import {
  add,
  type DType,
  expand,
  formatShape,
  type Initializer,
  matmul,
  mul,
  sameShape,
  scan,
  sigmoid,
  sub,
  type Tensor,
  tanh,
  transpose,
  zeros,
} from "../tensor/index.ts";
import { gatesOf } from "./gates.ts";
import { glorotUniform, zeros as zeroInit } from "./initializers.ts";
import type { Layer } from "./layer.ts";

/** Options of {@link gru}. */
export interface GruOptions {
  /** Initialiser of both weights. Default {@link glorotUniform}. */
  readonly weightInit?: Initializer;
  /** Initialiser of both biases. Default zeros. */
  readonly biasInit?: Initializer;
  /** Type of the parameters. Default float32. */
  readonly dtype?: DType;
}

const gruRules: OptionRules<GruOptions> = { weightInit: anything, biasInit: anything, dtype: anything };

export interface Gru extends Layer {
  /** `[inputs, 3 · units]`: reset gate, update gate, candidate. */
  readonly inputWeight: Tensor;
  /** `[3 · units]` */
  readonly inputBias: Tensor;
  /** `[units, 3 · units]` */
  readonly stateWeight: Tensor;
  /** `[3 · units]` */
  readonly stateBias: Tensor;
  /** The states after each step, from a first state [batch, units]: [batch, steps, units]. */
  applyFrom(initial: Tensor, x: Tensor): Tensor;
}

/**
 * A gated recurrent unit (Cho et al. 2014), in the form that PyTorch and cuDNN compute: the reset gate multiplies the state after its
 * product. x [batch, steps, inputs] → the states after each step, [batch, steps, units]; `apply` begins with zeros. The loop is a `scan`: the time to
 * compile does not depend on the number of steps, and the products with the inputs are one product.
 *
 * @example
 * const layer = gru(8, 32);
 * layer.apply(input("x", [16, 100, 8])); // [16, 100, 32]
 *
 * @throws ShapeError when x is not [batch, steps, inputs] or the first state not [batch, units].
 */
export function gru(inputs: number, units: number, options: GruOptions = {}): Gru {
  checkOptions("gru", options, gruRules);
  const { weightInit = glorotUniform, biasInit = zeroInit, dtype = "float32" } = options;
  const { weights, part, checkSteps } = gatesOf("gru", {
    inputs,
    units,
    gates: 3,
    weightInit,
    biasInit,
    dtype,
  });
  const { inputWeight, inputBias, stateWeight, stateBias } = weights;
  const applyFrom = (initial: Tensor, x: Tensor): Tensor => {
    checkSteps(x);
    const first = [x.shape[0], units];
    if (!sameShape(initial.shape, first))
      throw new ShapeError(
        `gru: expected a first state of shape ${formatShape(first)}, found ${formatShape(initial.shape)}.`,
      );
    const { outputs } = scan(initial, transpose(x, [1, 0, 2]), (state, now) => {
      const seen = add(matmul(now, inputWeight), inputBias);
      const known = add(matmul(state, stateWeight), stateBias);
      const [reset, update] = [0, 1].map((k) => sigmoid(add(part(seen, k), part(known, k))));
      const candidate = tanh(add(part(seen, 2), mul(reset, part(known, 2))));
      const next = add(candidate, mul(update, sub(state, candidate)));
      return { carry: next, output: next };
    });
    return transpose(outputs, [1, 0, 2]);
  };
  return {
    ...weights,
    applyFrom,
    apply: (x) => applyFrom(expand(zeros([], dtype), [x.shape[0] ?? 0, units]), x),
  };
}
