import { ShapeError, UsageError } from "../../errors.ts";
import type { ActivationName } from "../../nn/index.ts";
import { anything, checkOptions, given, type OptionRules, required } from "../../options.ts";
import {
  add,
  concat,
  type DType,
  formatShape,
  type Shape,
  slice,
  type Tensor,
  zeros,
} from "../../tensor/index.ts";
import { realVector } from "../constraints.ts";
import { type Made, made } from "./made.ts";
import { Transform, type ValueAndLogDet } from "./transform.ts";
import { affineTransformer, type Transformer } from "./transformer.ts";

/** Options of an autoregressive flow. */
export interface AutoregressiveOptions {
  /** The size of the vectors. */
  readonly size: number;
  /** Widths of the masked network's hidden layers. Default [64, 64]. */
  readonly hidden?: readonly number[];
  /** Default `relu`. */
  readonly activation?: ActivationName;
  /** The context that the flow is conditioned on, [..., c], for example an encoder's output. */
  readonly context?: Tensor;
  /** Your own masked network, or one shared by flows with different contexts. */
  readonly network?: Made;
  /** The transform of each element. Default {@link affineTransformer}. */
  readonly transformer?: Transformer;
  /** The dtype of the network's parameters. Default float32. */
  readonly dtype?: DType;
}

const flowRules: OptionRules<AutoregressiveOptions> = {
  size: required(given("a whole number of at least 1")),
  hidden: anything,
  activation: anything,
  context: anything,
  network: anything,
  transformer: anything,
  dtype: anything,
};

/** Which side of the map the masked network reads. The values there before an element decide how it is transformed. */
type Reads = "output" | "input";
/** One direction of the element-wise transform. */
type Apply = (t: Transform, value: Tensor) => ValueAndLogDet;

class AutoregressiveTransform extends Transform {
  readonly network: Made;
  readonly context: Tensor | undefined;
  readonly #transformer: Transformer;
  readonly #reads: Reads;

  constructor(reads: Reads, network: Made, transformer: Transformer, context: Tensor | undefined) {
    super({
      name: reads === "output" ? "maskedAutoregressive" : "inverseAutoregressive",
      domain: realVector,
      codomain: realVector,
      batchShape: context?.shape.slice(0, -1) ?? [],
    });
    this.network = network;
    this.context = context;
    this.#transformer = transformer;
    this.#reads = reads;
  }

  protected override map(x: Tensor): Tensor {
    return this.mapWithLogDet(x).value;
  }

  protected override mapWithLogDet(x: Tensor): ValueAndLogDet {
    const apply: Apply = (t, v) => t.forwardAndLogDet(v, 1);
    return this.#reads === "input" ? this.#parallel(x, apply) : this.#sequential(x, apply);
  }

  protected override unmap(y: Tensor): Tensor {
    return this.unmapWithLogDet(y).value;
  }

  protected override unmapWithLogDet(y: Tensor): ValueAndLogDet {
    const apply: Apply = (t, v) => t.inverseAndLogDet(v, 1);
    return this.#reads === "output" ? this.#parallel(y, apply) : this.#sequential(y, apply);
  }

  protected override logAbsDet(x: Tensor, y: Tensor): Tensor {
    const t = this.#transformer.build(this.#predict(this.#reads === "input" ? x : y));
    return t.logDet(x, y, 1);
  }

  protected override forwardEvent(event: Shape): Shape | undefined {
    return event[0] === this.network.size ? event : undefined;
  }

  protected override inverseEvent(event: Shape): Shape | undefined {
    return this.forwardEvent(event);
  }

  protected override describeEvent(): string {
    return `[..., ${this.network.size}]`;
  }

  /** The network's input is known: one pass. */
  #parallel(known: Tensor, apply: Apply): ValueAndLogDet {
    return apply(this.#transformer.build(this.#predict(known)), known);
  }

  /** The network's input is the output being computed: one pass for each element, unrolled. */
  #sequential(given: Tensor, apply: Apply): ValueAndLogDet {
    const { size } = this.network;
    const batch = given.shape.slice(0, -1);
    const columns: Tensor[] = [];
    const logDets: Tensor[] = [];
    for (let i = 0; i < size; i++) {
      const sofar = concat([...columns, zeros([...batch, size - i], given.dtype)], -1);
      const predictions = slice(this.#predict(sofar), { axis: -2, start: i, end: i + 1 });
      const own = slice(given, { axis: -1, start: i, end: i + 1 });
      const { value, logDet } = apply(this.#transformer.build(predictions), own);
      columns.push(value);
      logDets.push(logDet);
    }
    return { value: concat(columns, -1), logDet: logDets.reduce((a, b) => add(a, b)) };
  }

  /** [..., size, parameters]. */
  #predict(known: Tensor): Tensor {
    return this.network.apply(known, this.context);
  }
}

function autoregressive(reads: Reads, options: AutoregressiveOptions): Transform {
  checkOptions(reads === "output" ? "maskedAutoregressive" : "inverseAutoregressive", options, flowRules);
  const { size, context, hidden, activation, dtype, transformer = affineTransformer() } = options;
  const outputs = transformer.parameters;
  const what = reads === "output" ? "maskedAutoregressive" : "inverseAutoregressive";
  if (context !== undefined && context.rank === 0) {
    throw new ShapeError(
      `${what}: the context must be vectors [..., c], found ${formatShape(context.shape)}.`,
    );
  }
  const network =
    options.network ??
    made({
      size,
      outputs,
      context: context?.shape.at(-1) ?? 0,
      ...(hidden && { hidden }),
      ...(activation && { activation }),
      ...(dtype && { dtype }),
    });
  if (network.size !== size || network.outputs !== outputs) {
    throw new UsageError(
      `${what}: expected a network of size ${size} with ${outputs} outputs for each element (the ${transformer.name} ` +
        `transformer's), found size ${network.size} with ${network.outputs}; build it with made({ size: ${size}, ` +
        `outputs: ${outputs} }).`,
    );
  }
  return new AutoregressiveTransform(reads, network, transformer, context);
}

/**
 * The masked autoregressive flow: yᵢ = τ(xᵢ; network(y before i)), by default μ + σ xᵢ. Papamakarios, Pavlakou & Murray,
 * "Masked autoregressive flow for density estimation" (2017). [..., size] → [..., size].
 *
 * `inverse`, and so the density of given values, takes one pass of the network; `forward`, and so sampling, takes
 * `size` passes, unrolled in the graph. Use it to fit densities; for guides use {@link inverseAutoregressive}.
 *
 * @throws UsageError when your own network does not fit.
 */
export const maskedAutoregressive = (options: AutoregressiveOptions): Transform =>
  autoregressive("output", options);

/**
 * The inverse autoregressive flow: yᵢ = τ(xᵢ; network(x before i)). Kingma et al., "Improved variational inference with
 * inverse autoregressive flow" (2016). [..., size] → [..., size].
 *
 * `forward`, and so sampling and `sampleAndLogProb`, takes one pass of the network: use it for guides. `inverse` takes `size`
 * passes, unrolled in the graph.
 *
 * @throws UsageError when your own network does not fit.
 */
export const inverseAutoregressive = (options: AutoregressiveOptions): Transform =>
  autoregressive("input", options);
