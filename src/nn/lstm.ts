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
  type Tensor,
  tanh,
  transpose,
  zeros,
} from "../tensor/index.ts";
import { gatesOf } from "./gates.ts";
import { glorotUniform, zeros as zeroInit } from "./initializers.ts";
import type { Layer } from "./layer.ts";

/** Options of {@link lstm}. */
export interface LstmOptions {
  /** Initialiser of both weights. Default {@link glorotUniform}. */
  readonly weightInit?: Initializer;
  /** Initialiser of both biases. Default zeros. */
  readonly biasInit?: Initializer;
  /** Type of the parameters. Default float32. */
  readonly dtype?: DType;
}

const lstmRules: OptionRules<LstmOptions> = { weightInit: anything, biasInit: anything, dtype: anything };

/** What an {@link lstm} carries from step to step. */
export interface LstmState {
  /** h, what the step before returned: [batch, units]. */
  readonly hidden: Tensor;
  /** c, the memory: [batch, units]. */
  readonly cell: Tensor;
}

export interface Lstm extends Layer {
  /** `[inputs, 4 · units]`: input gate, forget gate, candidate, output gate. */
  readonly inputWeight: Tensor;
  /** `[4 · units]` */
  readonly inputBias: Tensor;
  /** `[units, 4 · units]` */
  readonly stateWeight: Tensor;
  /** `[4 · units]` */
  readonly stateBias: Tensor;
  /** The hidden states after each step, [batch, steps, units], and the state after the last one, from a first state. */
  applyFrom(initial: LstmState, x: Tensor): { readonly outputs: Tensor; readonly state: LstmState };
}

/**
 * A long short-term memory (Hochreiter & Schmidhuber 1997, with forget gates), in PyTorch's form and order of gates. x [batch, steps, inputs] → the
 * hidden states after each step, [batch, steps, units]; `apply` begins with zeros, and `applyFrom` with a given state. The loop is a `scan`: the time to
 * compile does not depend on the number of steps, and the products with the inputs are one product.
 *
 * @example
 * const layer = lstm(8, 32);
 * layer.apply(input("x", [16, 100, 8])); // [16, 100, 32]
 *
 * @throws ShapeError when x is not [batch, steps, inputs] or a part of the first state not [batch, units].
 */
export function lstm(inputs: number, units: number, options: LstmOptions = {}): Lstm {
  checkOptions("lstm", options, lstmRules);
  const { weightInit = glorotUniform, biasInit = zeroInit, dtype = "float32" } = options;
  const { weights, part, checkSteps } = gatesOf("lstm", {
    inputs,
    units,
    gates: 4,
    weightInit,
    biasInit,
    dtype,
  });
  const { inputWeight, inputBias, stateWeight, stateBias } = weights;
  const applyFrom: Lstm["applyFrom"] = (initial, x) => {
    checkSteps(x);
    const first = [x.shape[0], units];
    for (const [name, t] of Object.entries({ hidden: initial.hidden, cell: initial.cell })) {
      if (!sameShape(t.shape, first))
        throw new ShapeError(
          `lstm: expected '${name}' of the first state of shape ${formatShape(first)}, found ${formatShape(t.shape)}.`,
        );
    }
    const { carry, outputs } = scan(
      { hidden: initial.hidden, cell: initial.cell },
      transpose(x, [1, 0, 2]),
      ({ hidden, cell }, now) => {
        const seen = add(matmul(now, inputWeight), inputBias);
        const all = add(seen, add(matmul(hidden, stateWeight), stateBias));
        const [admit, keep, show] = [0, 1, 3].map((k) => sigmoid(part(all, k)));
        const memory = add(mul(keep, cell), mul(admit, tanh(part(all, 2))));
        const next = mul(show, tanh(memory));
        return { carry: { hidden: next, cell: memory }, output: next };
      },
    );
    return { outputs: transpose(outputs, [1, 0, 2]), state: carry };
  };
  return {
    ...weights,
    applyFrom,
    apply: (x) => {
      const none = expand(zeros([], dtype), [x.shape[0] ?? 0, units]);
      return applyFrom({ hidden: none, cell: none }, x).outputs;
    },
  };
}
