import type { OwnFloat32Array } from "../arrays.ts";
import { CheckpointError, InternalError, NonFiniteError, UsageError } from "../errors.ts";
import { type Kernels, MemoryPlan, type PlannedMemory, type Slot } from "../kernels/index.ts";
import {
  type ArenaLayout,
  type ArenaTensor,
  layOut,
  OPTIMIZER_PREFIX,
  type ParameterSpec,
} from "./layout.ts";
import { type Optimizer, type ResolvedGroup, rateAt } from "./optimizer.ts";

type Floats = OwnFloat32Array;

/** A tensor outside an arena, for example in a checkpoint: row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The part of the flat buffers that one rank updates. */
export interface ArenaPart {
  /** The first float of the part, and the first after it. */
  readonly start: number;
  readonly end: number;
  /** Its gradients, in the memory of the arena. */
  readonly gradients: Floats;
}

/** A piece of one parameter group, in floats. */
export interface LiveRange {
  readonly group: number;
  readonly offset: number;
  readonly count: number;
  /** The byte in the memory where its gradients begin. */
  readonly gradients: number;
}

interface ArenaSlots {
  readonly parameters: Slot<"float32">;
  readonly gradients: Slot<"float32">;
  readonly moments: readonly Slot<"float32">[];
}

/** An arena whose memory is not allocated yet. */
export class ArenaPlan {
  readonly layout: ArenaLayout;
  readonly optimizer: Optimizer;
  readonly #slots: ArenaSlots;

  constructor(specs: readonly ParameterSpec[], optimizer: Optimizer, plan: MemoryPlan) {
    this.layout = layOut(specs, optimizer.groups);
    this.optimizer = optimizer;
    const reserve = (name: string) => plan.reserve(`arena/${name}`, this.layout.length, "float32");
    this.#slots = {
      parameters: reserve("parameters"),
      gradients: reserve("gradients"),
      moments: optimizer.moments.map((moment) => reserve(`moments/${moment}`)),
    };
  }

  /** Gives the arena, once the plan's memory is allocated. */
  bind(memory: PlannedMemory): Arena {
    return new Arena(this.layout, this.optimizer, this.#slots, memory);
  }
}

/**
 * All parameters of a program in one flat float32 buffer, with gradients and the optimiser's moments in buffers
 * of the same layout. Every tensor is a view, so the native runtime reads parameters and writes gradients
 * without copies, and an update is one pass over each parameter group.
 *
 * ```ts
 * const arena = Arena.allocate([{ name: "w", shape: [3] }], sgd({ learningRate: 0.1 }));
 * arena.parameter("w").set([1, 2, 3]);
 * arena.gradient("w").set([1, 1, 1]);
 * arena.update({ step: 0 }); // w = [0.9, 1.9, 2.9]
 * ```
 */
export class Arena {
  readonly tensors: readonly ArenaTensor[];
  readonly layout: ArenaLayout;
  readonly optimizer: Optimizer;
  readonly kernels: Kernels;
  /** The whole buffers, padding included. Padding must stay zero. */
  readonly flat: {
    readonly parameters: Floats;
    readonly gradients: Floats;
    readonly moments: ReadonlyMap<string, Floats>;
  };
  readonly #byName: ReadonlyMap<string, ArenaTensor>;
  /** Whether the moments of other parts are behind, because only one part was updated. */
  #inPart = false;

  /** Plans an arena inside a larger memory; call `bind` once the plan is allocated. */
  static plan(specs: readonly ParameterSpec[], optimizer: Optimizer, plan: MemoryPlan): ArenaPlan {
    return new ArenaPlan(specs, optimizer, plan);
  }

  /** An arena with its own memory. */
  static allocate(specs: readonly ParameterSpec[], optimizer: Optimizer): Arena {
    const plan = new MemoryPlan();
    const planned = new ArenaPlan(specs, optimizer, plan);
    return planned.bind(plan.allocate());
  }

  /** Use {@link Arena.plan} or {@link Arena.allocate}. */
  constructor(layout: ArenaLayout, optimizer: Optimizer, slots: ArenaSlots, memory: PlannedMemory) {
    this.layout = layout;
    this.tensors = layout.tensors;
    this.#byName = new Map(layout.tensors.map((tensor) => [tensor.name, tensor]));
    this.optimizer = optimizer;
    this.kernels = memory.kernels;
    this.flat = {
      parameters: memory.view(slots.parameters),
      gradients: memory.view(slots.gradients),
      moments: new Map(
        optimizer.moments.map((name, i) => {
          const slot = slots.moments[i];
          if (slot === undefined) throw new InternalError(`no slot for the moment "${name}"`);
          return [name, memory.view(slot)];
        }),
      ),
    };
  }

  /** The values of a parameter: a view. */
  parameter(name: string): Floats {
    return this.#slice(this.flat.parameters, name);
  }

  /** The gradient of a parameter: a view, to be written before {@link update}. */
  gradient(name: string): Floats {
    return this.#slice(this.flat.gradients, name);
  }

  /** A moment of a parameter: a view. */
  moment(moment: string, name: string): Floats {
    const buffer = this.flat.moments.get(moment);
    if (buffer === undefined) {
      throw new UsageError(
        `${this.optimizer.name} has no moment "${moment}"; it has ${quoted(this.optimizer.moments)}`,
      );
    }
    return this.#slice(buffer, name);
  }

  /** What of the parameters that are not frozen lies in a part; default all. */
  live(part?: ArenaPart): readonly LiveRange[] {
    const { start, end, gradients } = part ?? {
      start: 0,
      end: this.layout.length,
      gradients: this.flat.gradients,
    };
    return this.layout.ranges.flatMap(({ group, offset, count }) => {
      const from = Math.max(offset, start);
      const to = Math.min(offset + count, end);
      if (to <= from || this.optimizer.groups[group]?.frozen === true) return [];
      return [
        { group, offset: from, count: to - from, gradients: gradients.byteOffset + 4 * (from - start) },
      ];
    });
  }

  /**
   * One step of the optimiser on every parameter that is not frozen.
   *
   * @returns whether all gradients were finite; if not, their parameters are not finite any more either
   * @param options `step`: the number of updates made before; schedules and bias corrections depend only on it.
   * `gradientScale` multiplies the gradients, for clipping. `part`: only these parameters, with the part's gradients; call
   * {@link gathered} when the other parts are up to date again
   * @throws UsageError when a schedule gives a learning rate that is negative or not finite.
   */
  update({
    step,
    gradientScale = 1,
    part,
  }: {
    readonly step: number;
    readonly gradientScale?: number;
    readonly part?: ArenaPart;
  }): boolean {
    if (!Number.isSafeInteger(step) || step < 0) {
      throw new UsageError(`arena update: expected step to be an integer, 0 or more, found ${step}`);
    }
    if (!Number.isFinite(gradientScale)) {
      throw new NonFiniteError(
        `step ${step}: expected a finite gradient scale, found ${gradientScale}; parameters are unchanged`,
      );
    }
    const { parameters, moments } = this.flat;
    // Of all groups, also those that have nothing in this part: every rank must refuse a learning rate alike.
    const rates = new Map(
      this.live().map(({ group }) => [group, rateAt(this.optimizer.name, this.#group(group), step)]),
    );
    const updates = this.live(part).map(({ group, offset, count, gradients }) => {
      const at = (buffer: Floats) => buffer.byteOffset + 4 * offset;
      const range = { parameters: at(parameters), gradients, moments: [...moments.values()].map(at), count };
      const { weightDecay } = this.#group(group);
      return { range, settings: { step, learningRate: rates.get(group) ?? 0, weightDecay, gradientScale } };
    });
    let finite = true;
    for (const { range, settings } of updates) {
      finite = this.optimizer.update(this.kernels, range, settings) && finite;
    }
    this.#inPart = part !== undefined;
    return finite;
  }

  #group(group: number): ResolvedGroup {
    const settings = this.optimizer.groups[group];
    if (settings === undefined) throw new InternalError(`no parameter group ${group}`);
    return settings;
  }

  /** Says that after an update of a part the other parts were brought up to date, moments too. */
  gathered(): void {
    this.#inPart = false;
  }

  /**
   * Copies of parameters and moments as named tensors, for a checkpoint. Parameters have their own names,
   * moments names such as `optimizer/adam/first/encoder.0.weight`.
   * @throws UsageError when this rank has updated its part alone and the moments of the others are behind.
   */
  state(): readonly NamedTensor[] {
    if (this.#inPart) {
      throw new UsageError(
        "checkpoint: each rank updates a part of the parameters, and has the optimiser's moments of that part alone. Call `pull()` of the " +
          "train step (or of the trainer) on every rank before you take a checkpoint.",
      );
    }
    return this.#entries().map(({ name, shape, view }) => ({ name, shape, data: view.slice() }));
  }

  /**
   * Restores parameters and moments from tensors as returned by {@link state}, in any order. Everything is checked
   * before anything is written.
   *
   * @param moments false: restore only the parameters; the optimiser's tensors are ignored and the moments left as they are
   * @throws CheckpointError when a tensor is missing, unknown, or has another shape or dtype.
   */
  load(tensors: Iterable<NamedTensor>, { moments = true }: { readonly moments?: boolean } = {}): void {
    const isMoment = ({ name }: { readonly name: string }) => name.startsWith(OPTIMIZER_PREFIX);
    const found = new Map(
      [...tensors].filter((tensor) => moments || !isMoment(tensor)).map((tensor) => [tensor.name, tensor]),
    );
    const expected = this.#entries().filter((entry) => moments || !isMoment(entry));
    const copies = expected.map(({ name, shape, view }) => {
      const tensor = found.get(name);
      if (tensor === undefined) {
        throw new CheckpointError(
          `tensor "${name}": expected shape ${bracketed(shape)}, found no such tensor; ` +
            `the checkpoint has ${quoted([...found.keys()])}`,
        );
      }
      const fits =
        tensor.shape.length === shape.length && shape.every((extent, i) => extent === tensor.shape[i]);
      if (!fits) {
        throw new CheckpointError(
          `tensor "${name}": expected shape ${bracketed(shape)}, found ${bracketed(tensor.shape)}; ` +
            "the checkpoint belongs to another architecture",
        );
      }
      if (!(tensor.data instanceof Float32Array) || tensor.data.length !== view.length) {
        const kind = Object.prototype.toString.call(tensor.data).slice(8, -1);
        throw new CheckpointError(
          `tensor "${name}": expected ${view.length} float32 values, found a ${kind} of ${tensor.data.length}`,
        );
      }
      found.delete(name);
      return () => view.set(tensor.data);
    });
    if (found.size > 0) {
      throw new CheckpointError(
        `the checkpoint has tensors that nothing here expects: ${quoted([...found.keys()])}; ` +
          "it belongs to another architecture or optimiser",
      );
    }
    for (const copy of copies) copy();
    if (moments) this.#inPart = false;
  }

  #entries() {
    const parameters = this.tensors.map(({ name, shape }) => ({ name, shape, view: this.parameter(name) }));
    const moments = this.optimizer.moments.flatMap((moment) =>
      this.tensors.map(({ name, shape }) => ({
        name: `${OPTIMIZER_PREFIX}${this.optimizer.name}/${moment}/${name}`,
        shape,
        view: this.moment(moment, name),
      })),
    );
    return [...parameters, ...moments];
  }

  #slice(buffer: Floats, name: string): Floats {
    const tensor = this.#byName.get(name);
    if (tensor === undefined) {
      throw new UsageError(`no parameter "${name}"; there are ${quoted([...this.#byName.keys()])}`);
    }
    return buffer.subarray(tensor.offset, tensor.offset + tensor.size);
  }
}

const bracketed = (shape: readonly number[]): string => `[${shape.join(", ")}]`;

/** Up to eight names, and the number of the rest. */
const quoted = (names: readonly string[]): string => {
  if (names.length === 0) return "none";
  const shown = names.slice(0, 8).map((name) => `"${name}"`);
  return names.length > 8 ? `${shown.join(", ")} and ${names.length - 8} more` : shown.join(", ");
};
