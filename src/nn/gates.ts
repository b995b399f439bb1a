/** What the gated recurrent layers share: their parameters, and the part of each gate. */
import { ShapeError } from "../errors.ts";
import { type DType, formatShape, type Initializer, parameter, slice, type Tensor } from "../tensor/index.ts";
import { checkCount } from "./check.ts";

/** Sizes and initialisers of a layer's gates. */
export interface GateOptions {
  readonly inputs: number;
  readonly units: number;
  /** Number of gates, the candidate among them. */
  readonly gates: number;
  readonly weightInit: Initializer;
  readonly biasInit: Initializer;
  readonly dtype: DType;
}

/** The parameters of all gates side by side, `[inputs, gates · units]` and so on; `part` takes the k-th gate of such columns. */
export function gatesOf(layer: string, { inputs, units, gates, weightInit, biasInit, dtype }: GateOptions) {
  checkCount(layer, "inputs", inputs);
  checkCount(layer, "units", units);
  const width = gates * units;
  return {
    weights: {
      inputWeight: parameter([inputs, width], weightInit, { dtype }),
      inputBias: parameter([width], biasInit, { dtype }),
      stateWeight: parameter([units, width], weightInit, { dtype }),
      stateBias: parameter([width], biasInit, { dtype }),
    },
    part: (t: Tensor, k: number): Tensor => slice(t, { axis: -1, start: k * units, end: (k + 1) * units }),
    /** @throws ShapeError unless x is [batch, steps, inputs]. */
    checkSteps(x: Tensor): void {
      if (x.rank !== 3 || x.shape[2] !== inputs)
        throw new ShapeError(`${layer}: expected [batch, steps, ${inputs}], found ${formatShape(x.shape)}.`);
    },
  };
}
