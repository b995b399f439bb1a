import { ShapeError, UsageError } from "../../errors.ts";
import {
  type ActivationName,
  activation,
  checkCount,
  dense,
  type Layer,
  normal,
  sequential,
} from "../../nn/index.ts";
import { anything, checkOptions, given, knownOptions, type OptionRules, required } from "../../options.ts";
import {
  concat,
  type DType,
  formatShape,
  reshape,
  type Shape,
  sameShape,
  slice,
  type Tensor,
} from "../../tensor/index.ts";
import { realVector } from "../constraints.ts";
import { expandTo } from "../numerics.ts";
import { Transform, type ValueAndLogDet } from "./transform.ts";
import { affineTransformer, splineTransformer, type Transformer } from "./transformer.ts";

/** Options of a coupling flow. */
export interface CouplingOptions {
  /** The size of the vectors; at least 2. */
  readonly size: number;
  /** How many numbers pass unchanged and determine the transform of the others. Default ⌊size / 2⌋. */
  readonly kept?: number;
  /** Which numbers pass. Alternate between layers, so that every number is transformed. Default `first`. */
  readonly keep?: "first" | "last";
  /** Widths of the conditioner's hidden layers. Default [64, 64]. */
  readonly hidden?: readonly number[];
  /** Default `relu`. */
  readonly activation?: ActivationName;
  /** The context that the flow is conditioned on, [..., c], appended to the conditioner's input; for example an encoder's output. */
  readonly context?: Tensor;
  /**
   * Your own network, or one shared by flows with different contexts: [..., kept + c] →
   * [..., (size − kept) · parameters of the transformer].
   */
  readonly conditioner?: Layer;
  /** The dtype of the conditioner's parameters. Default float32. */
  readonly dtype?: DType;
}

const couplingRules: OptionRules<CouplingOptions> = {
  size: required(given("a whole number of at least 2")),
  kept: anything,
  keep: anything,
  hidden: anything,
  activation: anything,
  context: anything,
  conditioner: anything,
  dtype: anything,
};

const affineRules: OptionRules<CouplingOptions & { readonly maxLogScale?: number }> = {
  ...couplingRules,
  maxLogScale: anything,
};
const splineRules: OptionRules<CouplingOptions & { readonly bins?: number; readonly bound?: number }> = {
  ...couplingRules,
  bins: anything,
  bound: anything,
};

class CouplingTransform extends Transform {
  readonly size: number;
  readonly kept: number;
  readonly keep: "first" | "last";
  readonly conditioner: Layer;
  readonly context: Tensor | undefined;
  readonly #transformer: Transformer;

  constructor(
    options: CouplingOptions & { readonly kept: number; readonly conditioner: Layer },
    transformer: Transformer,
  ) {
    const { size, kept, keep = "first", conditioner, context } = options;
    super({
      name: `${transformer.name}Coupling`,
      domain: realVector,
      codomain: realVector,
      batchShape: context?.shape.slice(0, -1) ?? [],
    });
    this.size = size;
    this.kept = kept;
    this.keep = keep;
    this.conditioner = conditioner;
    this.context = context;
    this.#transformer = transformer;
  }

  protected override map(x: Tensor): Tensor {
    return this.mapWithLogDet(x).value;
  }

  protected override mapWithLogDet(x: Tensor): ValueAndLogDet {
    return this.#pass(x, (t, moved) => t.forwardAndLogDet(moved, 1));
  }

  protected override unmap(y: Tensor): Tensor {
    return this.unmapWithLogDet(y).value;
  }

  protected override unmapWithLogDet(y: Tensor): ValueAndLogDet {
    return this.#pass(y, (t, moved) => t.inverseAndLogDet(moved, 1));
  }

  protected override logAbsDet(x: Tensor): Tensor {
    return this.mapWithLogDet(x).logDet;
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    return event[0] === this.size ? event : undefined;
  }

  protected override inverseEvent(event: Shape): Shape | undefined {
    return this.forwardEvent(event);
  }

  protected override describeEvent(): string {
    return `[..., ${this.size}]`;
  }

  /** Either direction: the numbers that pass are the same on both sides. */
  #pass(value: Tensor, apply: (t: Transform, moved: Tensor) => ValueAndLogDet): ValueAndLogDet {
    const { size, kept } = this;
    const cut = this.keep === "first" ? kept : size - kept;
    const parts = [slice(value, { axis: -1, end: cut }), slice(value, { axis: -1, start: cut })];
    const [still, moved] = this.keep === "first" ? parts : [parts[1], parts[0]];
    const { value: next, logDet } = apply(this.#transformer.build(this.#predict(still)), moved);
    return { value: concat(this.keep === "first" ? [still, next] : [next, still], -1), logDet };
  }

  /** [..., size − kept, parameters]. */
  #predict(still: Tensor): Tensor {
    const { context, size, kept } = this;
    const batch = still.shape.slice(0, -1);
    const joined =
      context === undefined
        ? still
        : concat([still, expandTo(context, [...batch, context.shape[context.rank - 1]])], -1);
    const { parameters } = this.#transformer;
    const predictions = this.conditioner.apply(joined);
    const expected = [...batch, (size - kept) * parameters];
    if (!sameShape(predictions.shape, expected)) {
      throw new ShapeError(
        `${this.name}: the conditioner must return ${formatShape(expected)} (${parameters} numbers for each of ` +
          `${size - kept} elements) for its input ${formatShape(joined.shape)}; found ${formatShape(predictions.shape)}.`,
      );
    }
    return reshape(predictions, [...batch, size - kept, parameters]);
  }
}

/** A multilayer perceptron whose last layer starts near 0, so that a flow starts near the identity. */
function perceptron(inputs: number, outputs: number, options: CouplingOptions): Layer {
  const { hidden = [64, 64], activation: name = "relu", dtype = "float32" } = options;
  const widths = [inputs, ...hidden];
  const layers = hidden.flatMap((units, i) => [dense(widths[i], units, { dtype }), activation(name)]);
  return sequential(...layers, dense(widths[hidden.length], outputs, { dtype, weightInit: normal(0.01) }));
}

/**
 * A coupling layer with any element-wise transformer: some numbers pass unchanged, and a network predicts from them the parameters
 * of the others' transforms. Both directions cost one pass of the network.
 * @throws UsageError when the size or the number kept is out of range; ShapeError when your own conditioner does not fit.
 */
export function coupling(options: CouplingOptions, transformer: Transformer): Transform {
  checkOptions("coupling", options, couplingRules);
  const { size, kept = Math.floor(size / 2), context } = options;
  checkCount("coupling", "size", size);
  if (!Number.isInteger(kept) || kept < 1 || kept >= size) {
    throw new UsageError(
      `coupling: of ${size} numbers, between 1 and ${size - 1} must pass unchanged, found kept = ${kept}` +
        `${size === 1 ? "; a single number has nothing to be conditioned on: use an affine or spline transform" : ""}.`,
    );
  }
  const inputs = kept + (context?.shape.at(-1) ?? 0);
  const conditioner =
    options.conditioner ?? perceptron(inputs, (size - kept) * transformer.parameters, options);
  return new CouplingTransform({ ...options, kept, conditioner }, transformer);
}

/**
 * Affine coupling: Dinh, Sohl-Dickstein & Bengio, "Density estimation using Real NVP" (2017). [..., size] → [..., size].
 *
 * @example
 * const layers = (["first", "last"] as const).map((keep) => transforms.affineCoupling({ size: 2, keep }));
 * const flow = transforms.compose(...layers);
 */
export function affineCoupling(options: CouplingOptions & { readonly maxLogScale?: number }): Transform {
  checkOptions("affineCoupling", options, affineRules);
  return coupling(knownOptions(options, couplingRules), affineTransformer(options));
}

/**
 * Rational-quadratic spline coupling, the neural spline flow of Durkan et al. (2019), with linear tails outside
 * [−bound, bound]. [..., size] → [..., size].
 */
export function splineCoupling(
  options: CouplingOptions & { readonly bins?: number; readonly bound?: number },
): Transform {
  checkOptions("splineCoupling", options, splineRules);
  return coupling(knownOptions(options, couplingRules), splineTransformer(options));
}
