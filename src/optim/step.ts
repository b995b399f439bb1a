/** The compiled gradient step, which training, SVI and MAP all use. */

import type { OwnFloat32Array } from "../arrays.ts";
import { type NoiseFiller, type NoisePart, noiseFiller } from "../compile/index.ts";
import { CheckpointError, ShapeError, UsageError } from "../errors.ts";
import { isNoise, sameShape, type Tensor } from "../tensor/index.ts";
import type { Arena, NamedTensor } from "./arena.ts";
import type { Figures, StepPlace } from "./place.ts";

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

/** What a step reports: the loss and the objective's metrics. */
export type StepReport<M extends string = string> = Readonly<Record<"loss" | M, number>>;

/** Steps to take one after the other. */
export interface StepSequence {
  /** The first one, counted from 0, and the one before which to stop. */
  readonly from: number;
  readonly to: number;
  /** Called before each step, to fill its inputs. If it returns false, that step is not taken, and none after it. */
  readonly before?: (step: number) => boolean | undefined;
  /** Called with the reports of the steps that were taken since the last call, in order. */
  readonly after: (reports: readonly StepReport[]) => void;
}

/** What {@link TrainStep} consists of. */
export interface StepParts {
  readonly arena: Arena;
  readonly nodes: number;
  readonly inputs: ReadonlyMap<string, Floats>;
  readonly buffers: ReadonlyMap<string, { readonly leaf: Tensor; readonly value: Floats }>;
  readonly figures: Figures;
  readonly fillNoise: NoiseFiller;
  readonly arrayOf: (leaf: Tensor) => Floats | undefined;
  /** Values of parameters that are moved in other coordinates, by name. */
  readonly values: ReadonlyMap<string, () => Floats>;
  /** The gradients in the arena are multiplied by this to be those of the loss. */
  readonly factor: number;
  readonly seed: number;
  /** The part of the noise that this rank draws. */
  readonly part: NoisePart | undefined;
  readonly place: StepPlace;
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
  readonly #parts: StepParts;

  /** @hidden {@link compileStep} makes it. */
  constructor(parts: StepParts) {
    this.arena = parts.arena;
    this.nodes = parts.nodes;
    this.#parts = parts;
  }

  /** The array that the next run reads for an input; fill it in place. */
  input(name: string): Floats {
    const { inputs } = this.#parts;
    const array = inputs.get(name);
    if (array === undefined) {
      throw new ShapeError(
        `step: no input '${name}'; there are: ${[...inputs.keys()].join(", ") || "none"}.`,
      );
    }
    return array;
  }

  /**
   * One step: noise, graph, update. `step` counts updates from 0. It waits for the step's figures, which takes a device from its work: there
   * {@link take} is faster.
   * @throws NonFiniteError naming the step and what is no longer finite: a metric, a gradient (of which parameter) or a value.
   * The parameters cannot be used after that; go back to a checkpoint. On a device they are those before the step.
   */
  async run(step: number): Promise<StepReport> {
    await this.take({ from: step, to: step + 1, after: () => {} });
    return this.report();
  }

  /**
   * Steps one after the other, the same as with {@link run}, bit for bit. On a device their figures are read every 16 steps and at the end, so that it need
   * not wait in between; on the processor after each. Returns the step that would be next.
   * @throws NonFiniteError as `run` does, once `after` has had the reports of the steps before. On a device parameters, moments and buffers are those
   * before the step that failed, whichever were sent after it.
   */
  async take({ from, to, before, after }: StepSequence): Promise<number> {
    const { fillNoise, seed, place } = this.#parts;
    let at = from;
    while (at < to) {
      const end = Math.min(to, at + place.ahead);
      const taken: number[] = [];
      try {
        for (; at < end && before?.(at) !== false; at++) {
          fillNoise(seed, at);
          await place.run(at);
          taken.push(at);
        }
      } finally {
        // Also where a step could not be taken: one before it may have failed, which is then the cause.
        await this.#read(taken, after);
      }
      if (at < end) break;
    }
    return at;
  }

  async #read(taken: readonly number[], after: StepSequence["after"]): Promise<void> {
    if (taken.length === 0) return;
    const reports: StepReport[] = [];
    try {
      await this.#parts.place.read(taken, () => reports.push(this.report()));
    } finally {
      if (reports.length > 0) after(reports);
    }
  }

  /**
   * Brings here what a step leaves elsewhere, before it is read: parameters, moments and buffers that are on a device, gradients and moments of which each
   * rank has a part. Every rank must call it. Otherwise it does nothing.
   */
  pull(): Promise<void> {
    return this.#parts.place.pull();
  }

  /**
   * Ends the threads that only this step has. The step can still be run, with the same numbers. A step that nothing refers to any more
   * releases itself.
   */
  release(): void {
    this.#parts.place.release();
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
    this.#parts.place.push();
  }

  /** The report of the last run, even if it is not finite. */
  report(): StepReport {
    return Object.fromEntries(this.#parts.figures.map(([name, value]) => [name, value[0]])) as StepReport;
  }

  /**
   * The values that a run of `step` would read now for these leaves: parameters, buffers and inputs (as views), and that step's noise,
   * drawn again. A leaf that the step does not use is zero.
   */
  leafValues(leaves: readonly Tensor[], step: number): Floats[] {
    this.#checkHere("the values");
    const { arrayOf, part, seed } = this.#parts;
    const values = leaves.map((leaf) =>
      isNoise(leaf) ? new Float32Array(leaf.size) : (arrayOf(leaf) ?? new Float32Array(leaf.size)),
    );
    noiseFiller(leaves, (leaf) => values[leaves.indexOf(leaf)], part)(seed, step);
    return values;
  }

  /**
   * The gradient of the loss with respect to a parameter, or to its coordinates where it has others, from the last run: a copy.
   * @throws UsageError when several ranks have parts of it and have not called {@link pull}.
   */
  gradient(name: string): Float32Array {
    const { place, factor } = this.#parts;
    place.checkGradients(name);
    return this.arena.gradient(name).map((g) => g * factor);
  }

  /** Copies of the buffers' values (running statistics), for a checkpoint. @throws UsageError when they are on a device. */
  buffers(): readonly NamedTensor[] {
    this.#checkHere("the buffers");
    return [...this.#parts.buffers].map(([name, { leaf, value }]) => ({
      name,
      shape: leaf.shape,
      data: value.slice(),
    }));
  }

  /** Restores the buffers from a checkpoint, all or none. @throws CheckpointError when one is missing, unknown or has another shape. */
  loadBuffers(tensors: readonly NamedTensor[]): void {
    const found = new Map(tensors.map((t) => [t.name, t]));
    const copies = [...this.#parts.buffers].map(([name, { leaf, value }]) => {
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
    this.#checkHere("the buffers");
    for (const copy of copies) copy();
    this.#parts.place.push();
  }

  /** The current value of a parameter or buffer, by name: a view; of a parameter in other coordinates, an array that each call refreshes. */
  value(name: string): Floats {
    this.#checkHere(`"${name}"`);
    return (
      this.#parts.values.get(name)?.() ?? this.#parts.buffers.get(name)?.value ?? this.arena.parameter(name)
    );
  }

  #checkHere(what: string): void {
    if (this.#parts.place.isHere) return;
    throw new UsageError(
      `step: ${what} cannot be read while the device has newer values; first call \`await step.pull()\`.`,
    );
  }
}
