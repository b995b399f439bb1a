/** Makes a train step from an objective: derivatives, compilation, and the layout of its memory. */

import type { OwnFloat32Array } from "../arrays.ts";
import {
  type BuildOptions,
  build,
  type CompiledGraph,
  checkDevice,
  type Device,
  describeLeaf,
  deviceRule,
  type Executor,
  initialValues,
  noiseFiller,
} from "../compile/index.ts";
import { InternalError, ShapeError, UsageError } from "../errors.ts";
import { MemoryPlan, type PlannedMemory, type Slot, threadsFor } from "../kernels/index.ts";
import { anything, checkOptions, given, type OptionRules, required, whole } from "../options.ts";
import { grad, isInput, isNoise, isParameter, type Tensor } from "../tensor/index.ts";
import { Arena, type ArenaPlan } from "./arena.ts";
import { type Coordinates, inCoordinates, valueFrom } from "./coordinates.ts";
import { splitFactor } from "./loss-factor.ts";
import type { Optimizer } from "./optimizer.ts";
import { ProcessorPlace } from "./processor-place.ts";
import { type NamedLeaf, type Objective, TrainStep } from "./step.ts";
import { needsRanks, partOf, type Together } from "./together.ts";

type Floats = OwnFloat32Array;

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
            buffers: updates,
            gradients: new Map(trainable.map(({ name }, i) => [name, gradients[i]])),
            leaves: new Map(trainable.map(({ name, tensor }) => [name, tensor])),
            factor,
            maxNorm: options.maxGradientNorm,
          },
          planned.layout,
          optimizer,
          device,
        );
  const threaded =
    device === "cpu" && executor === "native"
      ? await threadsFor(planned.layout.length, options.threads)
      : undefined;
  const outputs = [...reported.map(([, t]) => t), ...gradients, ...next];
  const program =
    resident === undefined
      ? await buildStep(outputs, { ...options, ...(threaded && { spin: "within" }) }, together)
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
  const nextSlots = (resident === undefined ? updates : []).map(([buffer]) =>
    plan.reserve(`next/${buffer.id}`, buffer.size, "float32"),
  );
  const reportSlots = reported.map(([name]) => plan.reserve(`report/${name}`, 1, "float32"));
  // Not in a page's first scripts: it has no ranks.
  const Parts = together && (await import("./parts.ts")).Parts;
  const room =
    together &&
    Parts &&
    plan.reserve("arena/received", Parts.room(planned.layout.length, together.ranks.size), "float32");
  program?.reserve?.(plan);
  const memory = plan.allocate(threaded);
  const arena = planned.bind(memory);

  const names = new Map(moved.map(({ name, tensor }) => [tensor, name]));
  const view = (leaf: Tensor): Floats => viewOf(memory, slots.get(leaf), leaf);
  const arrayOf = (leaf: Tensor): Floats =>
    slots.has(leaf) ? view(leaf) : arena.parameter(names.get(leaf) ?? "");
  for (const { name, tensor } of moved) {
    if (isParameter(tensor))
      arrayOf(tensor).set(Float32Array.from(initialValues(tensor, name, options.seed)));
  }
  const figures = reported.map(([name], i) => [name, memory.view(reportSlots[i])] as const);
  const nextArrays = nextSlots.map((slot) => memory.view(slot));
  const ranks = together?.ranks;
  const factorOfMean = factor / (ranks?.size ?? 1);
  const written = [
    ...figures.map(([, value]) => value),
    ...trainable.map(({ name }) => arena.gradient(name)),
    ...nextArrays,
  ];
  const run = program?.bind(leaves.map(arrayOf), written, program.reserve && memory);
  const fillNoise = noiseFiller(leaves, view, partOf(together));
  const place =
    resident?.bind({ arena, arrayOf, figures, fillNoise: (step) => fillNoise(options.seed, step) }) ??
    new ProcessorPlace({
      arena,
      program: run ?? (() => undefined),
      figures,
      buffers: updates.map(([buffer], i) => ({ value: view(buffer), next: nextArrays[i] })),
      factor: factorOfMean,
      maxGradientNorm: options.maxGradientNorm,
      together,
      parts: ranks && room && Parts && new Parts(arena.layout, ranks, memory.view(room)),
      release: () => memory.release(),
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
    inputs: new Map(inputs.map((leaf) => [leaf.attributes.name, view(leaf)])),
    buffers: new Map(buffers.map(({ name, tensor }) => [name, { leaf: tensor, value: view(tensor) }])),
    figures,
    fillNoise,
    arrayOf: (leaf) =>
      readers.get(leaf)?.() ?? (slots.has(leaf) || names.has(leaf) ? arrayOf(leaf) : undefined),
    values,
    factor: factorOfMean,
    seed: options.seed,
    part: partOf(together),
    place,
  });
}

/** The graph as one program or, where it needs statistics of all ranks on the way, as several. */
async function buildStep(
  outputs: readonly Tensor[],
  options: BuildOptions,
  together: Together | undefined,
): Promise<CompiledGraph> {
  if (!needsRanks(outputs)) return build(outputs, options);
  if (together === undefined) {
    throw new UsageError(
      "step: the objective is that of one of several ranks, and needs statistics of all. Give `together`, or trace it with `trainingContext()`.",
    );
  }
  return (await import("./staged.ts")).buildStaged(outputs, options, together.ranks);
}

function viewOf(memory: PlannedMemory, slot: Slot<"float32"> | undefined, leaf: Tensor): Floats {
  if (slot === undefined) throw new InternalError(`no memory was reserved for ${describeLeaf(leaf)}`);
  return memory.view(slot);
}
