/** The compiled gradient step, which training, SVI and MAP all use. */

import type { OwnFloat32Array } from "../arrays.ts";
import {
  build,
  checkDevice,
  type Device,
  describeLeaf,
  deviceRule,
  type Executor,
  initialValues,
  type NoiseFiller,
  noiseFiller,
} from "../compile/index.ts";
import { CheckpointError, InternalError, NonFiniteError, ShapeError, UsageError } from "../errors.ts";
import { MemoryPlan, type PlannedMemory, type Slot } from "../kernels/index.ts";
import { anyOf } from "../mpi/index.ts";
import { anything, checkOptions, given, type OptionRules, required, whole } from "../options.ts";
import {
  add,
  grad,
  isConstant,
  isInput,
  isNoise,
  isParameter,
  mul,
  neg,
  sameShape,
  sub,
  type Tensor,
} from "../tensor/index.ts";
import { Arena, type ArenaPlan, type NamedTensor } from "./arena.ts";
import { checkFinite, clipGlobalNorm, clipScale, squaredNorm } from "./clip.ts";
import { type Coordinates, inCoordinates, valueFrom } from "./coordinates.ts";
import type { Optimizer } from "./optimizer.ts";
import type { BoundResidentStep } from "./resident-step.ts";
import { meanOverRanks, Parts, type Together } from "./together.ts";

type Floats = OwnFloat32Array;

/** A parameter leaf and the name under which it is saved. */
export interface NamedLeaf {
  readonly name: string;
  readonly tensor: Tensor;
}

/** The quantities that a step minimises and reports, as expressions of inputs, parameters and noise. */
export interface Objective {
  /** A scalar to minimise. */
  readonly loss: Tensor;
  /** Scalars that each step reports, computed in the same run. */
  readonly metrics: Readonly<Record<string, Tensor>>;
  /** Next values of buffers (running statistics), written after the run. */
  readonly updates?: ReadonlyMap<Tensor, Tensor>;
}

/** Seed, executor and clipping of a step. */
export interface StepOptions {
  /** Seed of the parameters' first values and of the noise. */
  readonly seed: number;
  /** Default `native`. */
  readonly executor?: Executor;
  /** Threads of the native executor. Default: one for each core. */
  readonly threads?: number;
  /**
   * Where the step runs. On `webgpu` parameters and moments stay on the graphics processor: call `pull` before they are read. The
   * executor is `native`. Default `cpu`.
   */
  readonly device?: Device;
  /** The gradient is clipped to this global norm. Default: no clipping. */
  readonly maxGradientNorm?: number;
  /** Ranks that take the step together, each on its own rows. Default one process. */
  readonly together?: Together;
  /**
   * Parameters that the optimiser moves in other coordinates, so that its steps have a length that suits them. They begin where the initial
   * values of those lead. Arena and gradients are then those of the coordinates. Default: none.
   */
  readonly coordinates?: ReadonlyMap<Tensor, Coordinates>;
}

const stepRules: OptionRules<StepOptions> = {
  seed: required(given("a whole number of at least 0")),
  executor: anything,
  threads: whole(1),
  device: deviceRule,
  maxGradientNorm: anything,
  together: anything,
  coordinates: anything,
};

/** What a step reports: the loss and the objective's metrics. */
export type StepReport<M extends string = string> = Readonly<Record<"loss" | M, number>>;

interface Factored {
  readonly core: Tensor;
  readonly factor: number;
}

/** The constant factor of a product, and the other factor. */
function constantFactor(node: Tensor): { readonly rest: Tensor; readonly factor: number } | undefined {
  if (neg.is(node)) return { rest: node.inputs[0], factor: -1 };
  if (!mul.is(node)) return undefined;
  const [a, b] = node.inputs;
  if (isConstant(b) && b.size === 1) return { rest: a, factor: b.attributes.values[0] };
  return isConstant(a) && a.size === 1 ? { rest: b, factor: a.attributes.values[0] } : undefined;
}

/**
 * Takes a constant factor out of the loss. It only scales the gradient. In the graph it would cost a pass over the largest tensor;
 * the optimiser multiplies by a scale anyway, so the factor goes there. A loss of many terms is a deep sum, so this function uses a stack
 * instead of recursion.
 */
function splitFactor(loss: Tensor): Factored {
  const done = new Map<Tensor, Factored>();
  const stack = [loss];
  for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
    const product = constantFactor(node);
    const isSum = add.is(node) || sub.is(node);
    const parts = product === undefined ? (isSum ? node.inputs : []) : [product.rest];
    const pending = parts.filter((x) => !done.has(x));
    if (pending.length > 0) {
      stack.push(...pending);
      continue;
    }
    stack.pop();
    const [a, b] = parts.flatMap((x) => done.get(x) ?? []);
    if (product !== undefined && a !== undefined)
      done.set(node, { core: a.core, factor: a.factor * product.factor });
    else if (a !== undefined && b !== undefined && a.factor === b.factor && a.factor !== 1)
      done.set(node, { core: add.is(node) ? add(a.core, b.core) : sub(a.core, b.core), factor: a.factor });
    else done.set(node, { core: node, factor: 1 });
  }
  return done.get(loss) ?? { core: loss, factor: 1 };
}

/** The leaves of a step with their names, sorted by kind. */
function sortLeaves(leaves: readonly Tensor[], named: readonly NamedLeaf[]) {
  const names = new Map(named.map(({ name, tensor }) => [tensor, name]));
  for (const leaf of leaves) {
    if (isParameter(leaf) && !names.has(leaf)) {
      throw new InternalError(
        `a parameter of shape [${leaf.shape.join(", ")}] is used but is not among the named ones`,
      );
    }
  }
  const inputs = leaves.filter(isInput);
  const seen = new Set<string>();
  for (const { attributes } of inputs) {
    if (seen.has(attributes.name)) {
      throw new ShapeError(
        `step: two inputs are named '${attributes.name}', and only one of them could be fed; use one input, or two names.`,
      );
    }
    seen.add(attributes.name);
  }
  return {
    inputs,
    noises: leaves.filter(isNoise),
    buffers: named.filter(({ tensor }) => isParameter(tensor) && !tensor.attributes.trainable),
  };
}

/**
 * A program's loss, gradients and optimiser, compiled once. Parameters, gradients, moments, inputs and noise are views of one
 * planned memory, which the runtime reads and writes in place. A step is a pure function of (parameters, data, noise), and
 * noise of (seed, step, site), so resumed training is the same bit for bit.
 *
 * @example
 * const w = parameter([2], zeros);
 * const x = input("x", [8, 2]);
 * const loss = mean(square(matmul(x, w).sub(1)));
 * const step = await compileStep({ loss, metrics: {} }, [{ name: "w", tensor: w }], adam({ learningRate: 0.1 }), { seed: 0 });
 * step.input("x").set(data);
 * const { loss: value } = await step.run(0);
 */
export class TrainStep {
  readonly arena: Arena;
  /** The number of nodes of the compiled graph. */
  readonly nodes: number;
  readonly #program: () => void | Promise<void>;
  readonly #inputs: ReadonlyMap<string, Floats>;
  readonly #buffers: ReadonlyMap<
    string,
    { readonly leaf: Tensor; readonly value: Floats; readonly next: Floats | undefined }
  >;
  readonly #report: readonly (readonly [string, Floats])[];
  readonly #fillNoise: NoiseFiller;
  readonly #arrayOf: (leaf: Tensor) => Floats | undefined;
  /** Values of parameters that are moved in other coordinates, by name. */
  readonly #values: ReadonlyMap<string, () => Floats>;
  readonly #factor: number;
  readonly #options: StepOptions;
  /** With several ranks, the part of each. */
  readonly #parts: Parts | undefined;
  /** The step on a device, which has the parameters and moments. */
  readonly #resident: BoundResidentStep | undefined;

  /** @hidden {@link compileStep} makes it. */
  constructor(parts: {
    arena: Arena;
    nodes: number;
    program: () => void | Promise<void>;
    inputs: ReadonlyMap<string, Floats>;
    buffers: ReadonlyMap<string, { leaf: Tensor; value: Floats; next: Floats | undefined }>;
    report: readonly (readonly [string, Floats])[];
    fillNoise: NoiseFiller;
    arrayOf: (leaf: Tensor) => Floats | undefined;
    values: ReadonlyMap<string, () => Floats>;
    factor: number;
    options: StepOptions;
    parts: Parts | undefined;
    resident?: BoundResidentStep;
  }) {
    this.arena = parts.arena;
    this.nodes = parts.nodes;
    this.#program = parts.program;
    this.#inputs = parts.inputs;
    this.#buffers = parts.buffers;
    this.#report = parts.report;
    this.#fillNoise = parts.fillNoise;
    this.#arrayOf = parts.arrayOf;
    this.#values = parts.values;
    this.#factor = parts.factor;
    this.#options = parts.options;
    this.#parts = parts.parts;
    this.#resident = parts.resident;
  }

  /** The array that the next run reads for an input; fill it in place. */
  input(name: string): Floats {
    const array = this.#inputs.get(name);
    if (array === undefined) {
      throw new ShapeError(
        `step: no input '${name}'; there are: ${[...this.#inputs.keys()].join(", ") || "none"}.`,
      );
    }
    return array;
  }

  /**
   * One step: noise, graph, update. `step` counts updates from 0.
   * @throws NonFiniteError naming the step and what is no longer finite: a metric, a gradient (of which parameter) or a value.
   * The parameters cannot be used after that; go back to a checkpoint.
   */
  async run(step: number): Promise<StepReport> {
    this.#fillNoise(this.#options.seed, step);
    if (this.#resident !== undefined) return this.#runResident(this.#resident, step);
    await this.#program();
    if (this.#options.together !== undefined) this.#reduce(this.#options.together);
    const report = this.report();
    this.#checkReport(report, step);
    const gradientScale = this.#factor * this.#clip(step);
    // The update reports a gradient that is not finite only after it was applied. The parameters are then useless, and only a
    // checkpoint has good ones. Checking first would cost a pass over the gradients at every step.
    if (!this.#update(step, gradientScale)) this.#checkFinite(step);
    this.#moveBuffers();
    return report;
  }

  /**
   * Brings here what a step leaves elsewhere, before it is read: parameters and moments that are on a device, gradients and moments of which each
   * rank has a part. Every rank must call it. Otherwise it does nothing.
   */
  async pull(): Promise<void> {
    this.#gather();
    await this.#resident?.pull();
  }

  /** Copies of parameters and moments, for a checkpoint. @throws UsageError when they are on a device. */
  state(): readonly NamedTensor[] {
    this.#checkHere("the parameters");
    return this.arena.state();
  }

  /** Restores what `state` returned: see {@link Arena.load}. */
  load(tensors: Iterable<NamedTensor>, options: { readonly moments?: boolean } = {}): void {
    this.#checkHere("the parameters");
    this.arena.load(tensors, options);
    this.#resident?.push();
  }

  /** The report of the last run, even if it is not finite. */
  report(): StepReport {
    return Object.fromEntries(this.#report.map(([name, value]) => [name, value[0]])) as StepReport;
  }

  /**
   * The values that a run of `step` would read now for these leaves: parameters, buffers and inputs (as views), and that step's noise,
   * drawn again. A leaf that the step does not use is zero.
   */
  leafValues(leaves: readonly Tensor[], step: number): Floats[] {
    this.#checkHere("the values");
    const values = leaves.map((leaf) =>
      isNoise(leaf) ? new Float32Array(leaf.size) : (this.#arrayOf(leaf) ?? new Float32Array(leaf.size)),
    );
    noiseFiller(
      leaves,
      (leaf) => values[leaves.indexOf(leaf)],
      partOf(this.#options),
    )(this.#options.seed, step);
    return values;
  }

  /**
   * The gradient of the loss with respect to a parameter, or to its coordinates where it has others, from the last run: a copy.
   * @throws UsageError when several ranks have parts of it and have not called {@link pull}.
   */
  gradient(name: string): Float32Array {
    if (this.#resident !== undefined)
      throw new UsageError(
        `step: gradients stay on the device; compile the step for the processor to read them.`,
      );
    if (this.#parts?.whole === false) {
      throw new UsageError(
        `gradient '${name}': each rank has a part of the gradient. Call \`pull()\` on every rank first.`,
      );
    }
    return this.arena.gradient(name).map((g) => g * this.#factor);
  }

  /** Copies of the buffers' values (running statistics), for a checkpoint. */
  buffers(): readonly NamedTensor[] {
    return [...this.#buffers].map(([name, { leaf, value }]) => ({
      name,
      shape: leaf.shape,
      data: value.slice(),
    }));
  }

  /** Restores the buffers from a checkpoint, all or none. @throws CheckpointError when one is missing, unknown or has another shape. */
  loadBuffers(tensors: readonly NamedTensor[]): void {
    const found = new Map(tensors.map((t) => [t.name, t]));
    const copies = [...this.#buffers].map(([name, { leaf, value }]) => {
      const tensor = found.get(name);
      if (tensor === undefined || !sameShape(tensor.shape, leaf.shape)) {
        throw new CheckpointError(
          `buffer "${name}": expected shape [${leaf.shape.join(", ")}], found ` +
            `${tensor === undefined ? "no such buffer" : `[${tensor.shape.join(", ")}]`}; the checkpoint belongs to another architecture`,
        );
      }
      found.delete(name);
      return () => value.set(tensor.data);
    });
    if (found.size > 0) {
      throw new CheckpointError(
        `the checkpoint has buffers that nothing here expects: ${[...found.keys()].join(", ")}; it belongs to another architecture`,
      );
    }
    for (const copy of copies) copy();
  }

  /** The current value of a parameter or buffer, by name: a view; of a parameter in other coordinates, an array that each call refreshes. */
  value(name: string): Floats {
    this.#checkHere(`"${name}"`);
    return this.#values.get(name)?.() ?? this.#buffers.get(name)?.value ?? this.arena.parameter(name);
  }

  /** Gradients of this rank's part become sums over ranks, which the factor makes means; figures and running statistics become means. */
  #reduce({ ranks }: Together): void {
    this.#parts?.sum(this.arena);
    meanOverRanks(
      ranks,
      this.#report.map(([, value]) => value),
    );
    for (const { next } of this.#buffers.values()) {
      if (next === undefined) continue;
      ranks.sum(next);
      for (let i = 0; i < next.length; i++) next[i] /= ranks.size;
    }
  }

  /** The factor that clips the gradient, 1 for none. */
  #clip(step: number): number {
    const { maxGradientNorm, together } = this.#options;
    if (maxGradientNorm === undefined) return 1;
    const maxNorm = maxGradientNorm / Math.abs(this.#factor);
    if (together === undefined) return clipGlobalNorm(this.arena, { maxNorm, step }).scale;
    const square = Float64Array.of(squaredNorm(this.arena, this.#parts?.own));
    together.ranks.sum(square);
    if (!Number.isFinite(square[0])) this.#checkFinite(step);
    return clipScale(Math.sqrt(square[0]), maxNorm);
  }

  /** Updates the parameters, on all ranks. Returns whether all gradients were finite. */
  #update(step: number, gradientScale: number): boolean {
    const { together } = this.#options;
    const parts = this.#parts;
    if (together === undefined || parts === undefined) return this.arena.update({ step, gradientScale });
    const finite = this.arena.update({ step, gradientScale, part: parts.own });
    parts.share(this.arena);
    return !anyOf(together.ranks, !finite);
  }

  #checkFinite(step: number): void {
    // A rank knows the gradients of its part alone; all ranks are here, and all report the same one.
    this.#gather();
    checkFinite(this.arena, step, this.#factor);
  }

  async #runResident(resident: BoundResidentStep, step: number): Promise<StepReport> {
    const finite = await resident.run(step);
    const report = this.report();
    if (!finite) {
      await resident.pull();
      const culprit = resident.culprit();
      if (culprit === undefined) this.#checkReport(report, step);
      throw new NonFiniteError(
        `step ${step}: expected finite gradients, found one that is not${culprit === undefined ? "" : `, of parameter "${culprit}"`}; try a lower learning rate or ` +
          "gradient clipping. The parameters are unchanged.",
      );
    }
    this.#moveBuffers();
    return report;
  }

  #gather(): void {
    this.#parts?.gather(this.arena);
  }

  #moveBuffers(): void {
    for (const { value, next } of this.#buffers.values()) if (next !== undefined) value.set(next);
  }

  #checkHere(what: string): void {
    if (this.#resident === undefined || this.#resident.isHere) return;
    throw new UsageError(
      `step: ${what} cannot be read while the device has newer values; first call \`await step.pull()\`.`,
    );
  }

  #checkReport(report: Readonly<Record<string, number>>, step: number): void {
    if (Object.values(report).every(Number.isFinite)) return;
    // A parameter or gradient that is not finite is closer to the cause than the loss.
    this.#checkFinite(step);
    const bad = Object.entries(report).filter(([, v]) => !Number.isFinite(v));
    throw new NonFiniteError(
      `step ${step}: ${bad.map(([name, v]) => `'${name}' became ${v}`).join(", ")}, while every parameter and gradient is ` +
        "finite; look for infinite values in the data, or for a density of zero (log 0).",
    );
  }
}

/** Traces, differentiates, compiles and lays out one step. */
export async function compileStep(
  objective: Objective,
  named: readonly NamedLeaf[],
  optimizer: Optimizer,
  options: StepOptions,
): Promise<TrainStep> {
  checkOptions("compileStep", options, stepRules);
  const { coordinates = new Map<Tensor, Coordinates>() } = options;
  const moved = named.map(({ name, tensor }) => ({ name, tensor: coordinates.get(tensor)?.moved ?? tensor }));
  const expressed = inCoordinates(coordinates);
  const trainable = moved.filter(({ tensor }) => isParameter(tensor) && tensor.attributes.trainable);
  // Do this before compiling, so that a model that does not fit into memory is refused at once.
  const plan = new MemoryPlan();
  const planned: ArenaPlan = Arena.plan(
    trainable.map(({ name, tensor }) => ({ name, shape: tensor.shape })),
    optimizer,
    plan,
  );
  const { core, factor } = splitFactor(expressed(objective.loss));
  const gradients = grad(
    core,
    trainable.map(({ tensor }) => tensor),
  );
  const reported = Object.entries({ loss: objective.loss, ...objective.metrics }).map(
    ([name, t]) => [name, expressed(t)] as const,
  );
  for (const [name, t] of reported) {
    if (t.size !== 1)
      throw new ShapeError(`step: '${name}' must be a scalar, found shape [${t.shape.join(", ")}].`);
  }
  const updates = [...(objective.updates ?? [])].map(([buffer, next]) => [buffer, expressed(next)] as const);
  const { device = "cpu", executor = "native", together } = options;
  checkDevice("step", executor, device);
  if (device !== "cpu" && together !== undefined)
    throw new UsageError(
      `step: several ranks add up gradients in the processor's memory; train with device "cpu", or in one process.`,
    );
  const next = updates.map(([, value]) => value);
  const resident =
    device === "cpu"
      ? undefined
      : await (await import("./resident-step.ts")).compileResidentStep(
          {
            figures: reported.map(([, t]) => t),
            others: next,
            gradients: new Map(trainable.map(({ name }, i) => [name, gradients[i]])),
            leaves: new Map(trainable.map(({ name, tensor }) => [name, tensor])),
            factor,
            maxNorm: options.maxGradientNorm,
          },
          planned.layout,
          optimizer,
          device,
        );
  const program =
    resident === undefined
      ? await build([...reported.map(([, t]) => t), ...gradients, ...next], options)
      : undefined;
  const leaves = (program ?? resident)?.leaves ?? [];
  const nodes = (program ?? resident)?.nodes ?? 0;
  const { inputs, noises, buffers } = sortLeaves(leaves, moved);

  const slots = new Map<Tensor, Slot<"float32">>();
  for (const leaf of [...inputs, ...noises, ...buffers.map((b) => b.tensor)]) {
    if (leaf.dtype !== "float32")
      throw new ShapeError(`step: ${describeLeaf(leaf)} is ${leaf.dtype}; a step feeds float32.`);
    slots.set(leaf, plan.reserve(`leaf/${leaf.id}`, leaf.size, "float32"));
  }
  const nextSlots = new Map(
    updates.map(([buffer]) => [buffer, plan.reserve(`next/${buffer.id}`, buffer.size, "float32")]),
  );
  const reportSlots = reported.map(([name]) => plan.reserve(`report/${name}`, 1, "float32"));
  const ranks = options.together?.ranks;
  const room =
    ranks && plan.reserve("arena/part", Parts.largest(planned.layout.length, ranks.size), "float32");
  const memory = plan.allocate();
  const arena = planned.bind(memory);

  const names = new Map(moved.map(({ name, tensor }) => [tensor, name]));
  const view = (leaf: Tensor): Floats => viewOf(memory, slots.get(leaf), leaf);
  const arrayOf = (leaf: Tensor): Floats =>
    slots.has(leaf) ? view(leaf) : arena.parameter(names.get(leaf) ?? "");
  for (const { name, tensor } of moved) {
    if (isParameter(tensor))
      arrayOf(tensor).set(Float32Array.from(initialValues(tensor, name, options.seed)));
  }
  const report = reported.map(([name], i) => [name, memory.view(reportSlots[i])] as const);
  const nextArrays = updates.map(([buffer]) => viewOf(memory, nextSlots.get(buffer), buffer));
  const run = program?.bind(leaves.map(arrayOf), [
    ...report.map(([, value]) => value),
    ...trainable.map(({ name }) => arena.gradient(name)),
    ...nextArrays,
  ]);
  const boundResident = resident?.bind({
    arena,
    arrayOf,
    figures: report.map(([, value]) => value),
    others: nextArrays,
  });
  const values = new Map<string, () => Floats>();
  const readers = new Map<Tensor, () => Floats>();
  for (const { name, tensor } of named) {
    const other = coordinates.get(tensor);
    if (other === undefined) continue;
    const read = await valueFrom(other, arena.parameter(name));
    values.set(name, read);
    readers.set(tensor, read);
  }
  return new TrainStep({
    arena,
    nodes,
    program: run ?? (() => undefined),
    inputs: new Map(inputs.map((leaf) => [leaf.attributes.name, view(leaf)])),
    buffers: new Map(
      buffers.map(({ name, tensor }) => {
        const slot = nextSlots.get(tensor);
        return [name, { leaf: tensor, value: view(tensor), next: slot && memory.view(slot) }];
      }),
    ),
    report,
    fillNoise: noiseFiller(leaves, view, partOf(options)),
    arrayOf: (leaf) =>
      readers.get(leaf)?.() ?? (slots.has(leaf) || names.has(leaf) ? arrayOf(leaf) : undefined),
    values,
    factor: factor / (ranks?.size ?? 1),
    options,
    parts: ranks && room && new Parts(arena.layout, ranks, memory.view(room)),
    ...(boundResident && { resident: boundResident }),
  });
}

const partOf = ({ together }: StepOptions) =>
  together && { rank: together.ranks.rank, size: together.ranks.size, axes: together.axes };

function viewOf(memory: PlannedMemory, slot: Slot<"float32"> | undefined, leaf: Tensor): Floats {
  if (slot === undefined) throw new InternalError(`no memory was reserved for ${describeLeaf(leaf)}`);
  return memory.view(slot);
}
