/**
 * A step whose parameters, moments and buffers stay on a device: gradient and update are one graph. Its figures stay there too, those of the last
 * {@link AHEAD} steps; reading them is what makes the processor wait for the device. A step that fails leaves all as it was, and so do those after it,
 * until its figures are read.
 */
import type { OwnFloat32Array } from "../arrays.ts";
import {
  build,
  buildResident,
  type Device,
  type Resident,
  type ResidentRun,
  topological,
} from "../compile/index.ts";
import { InternalError, NonFiniteError, UsageError } from "../errors.ts";
import {
  abs,
  cast,
  concat,
  input,
  isInput,
  lessEqual,
  minimum,
  reshape,
  scalar,
  slice,
  sqrt,
  square,
  substituteAll,
  sum,
  type Tensor,
  where,
  zeros,
} from "../tensor/index.ts";
import type { Arena } from "./arena.ts";
import { checkFinite } from "./clip.ts";
import type { ArenaLayout } from "./layout.ts";
import { type Optimizer, type RangeTensors, rateAt } from "./optimizer.ts";
import { checkFigures, type Figures, type StepPlace } from "./place.ts";

type Floats = OwnFloat32Array;

/** What a step computes, before its update. */
export interface ResidentObjective {
  /** Scalars that are read. */
  readonly figures: readonly Tensor[];
  /** Buffers that a step changes, and their next values. */
  readonly buffers: readonly (readonly [buffer: Tensor, next: Tensor])[];
  /** Gradients of the trained parameters, by name. */
  readonly gradients: ReadonlyMap<string, Tensor>;
  /** The leaves of the trained parameters, by name. */
  readonly leaves: ReadonlyMap<string, Tensor>;
  /** The gradients are multiplied by this. */
  readonly factor: number;
  /** The gradient is clipped to this norm. */
  readonly maxNorm: number | undefined;
}

/** A compiled step on a device. */
export interface ResidentStep {
  /** Inputs and noise, which are sent at each run, and buffers. */
  readonly leaves: readonly Tensor[];
  readonly nodes: number;
  bind(parts: {
    arena: Arena;
    /** The array of a leaf. */
    arrayOf: (leaf: Tensor) => Floats;
    figures: Figures;
    /** Draws the noise of a step into its arrays. */
    fillNoise: (step: number) => void;
  }): StepPlace;
}

/**
 * Steps whose figures are read together. With 16 the wait for them is a small part of a step's time; with more, as many minibatches would be on their
 * way in the device's memory.
 */
const AHEAD = 16;

/** What is read together: figures every so many steps, state when it is asked for, and inputs after a failure. */
type Part = "state" | "figures" | "inputs" | "unread";

/** Gradients are multiplied by this before they are added up to see whether one is not finite: the sum of finite ones stays finite. */
const TINY = 1e-38;

/** Comparison with the largest number is false for NaN too, whose own test a device may leave out. */
const LARGEST = 3e38;

/** Compiles a step for a device. @throws UsageError when the optimiser has no expression of its update. */
export async function compileResidentStep(
  objective: ResidentObjective,
  layout: ArenaLayout,
  optimizer: Optimizer,
  device: Device,
): Promise<ResidentStep> {
  const { expression } = optimizer;
  if (expression === undefined) {
    throw new UsageError(
      `${optimizer.name} has no expression of its update, so it cannot run on ${device}; use adam, adamw, sgd or rmsprop, or train on the processor.`,
    );
  }
  const { length, ranges, tensors } = layout;
  const flat = input("arena/parameters", [length]);
  const moments = optimizer.moments.map((name) => input(`arena/moments/${name}`, [length]));
  const live = ranges.filter(({ group }) => !optimizer.groups[group].frozen);
  const numbersOf = (step: number) =>
    live.flatMap(({ group }) => {
      const settings = optimizer.groups[group];
      const learningRate = rateAt(optimizer.name, settings, step);
      return expression.numbers({ step, learningRate, weightDecay: settings.weightDecay, gradientScale: 1 });
    });
  const perRange = numbersOf(0).length / Math.max(1, live.length);
  const numbers = input("arena/numbers", [Math.max(1, live.length * perRange)]);
  const part = (t: Tensor, offset: number, count: number): Tensor =>
    offset === 0 && count === t.size ? t : slice(t, { axis: 0, start: offset, end: offset + count });

  // The gradient as the arena has it: padding is 0.
  const pieces: Tensor[] = [];
  let end = 0;
  const padTo = (offset: number): void => {
    if (offset > end) pieces.push(zeros([offset - end]));
    end = Math.max(end, offset);
  };
  for (const { name, offset, size } of [...tensors].sort((a, b) => a.offset - b.offset)) {
    const gradient = objective.gradients.get(name);
    if (size === 0) continue;
    padTo(offset);
    pieces.push(gradient === undefined ? zeros([size]) : reshape(gradient, [size]));
    end = offset + size;
  }
  padTo(length);
  const raw = concat(pieces).mul(objective.factor);
  const parts = live.map(({ offset, count }) => part(raw, offset, count));
  const health = parts.map((g) => sum(g.mul(TINY))).reduce((a, b) => a.add(b), scalar(0));
  const { maxNorm } = objective;
  const norm = sqrt(parts.map((g) => sum(square(g))).reduce((a, b) => a.add(b), scalar(0)));
  // Of the steps so far: 1 while every one was sound.
  const soundBefore = input("arena/sound", []);
  const sound = where(
    lessEqual(
      abs(
        objective.figures
          .map((t) => cast(reshape(t, []), "float32").mul(TINY))
          .reduce((a, b) => a.add(b), health),
      ),
      LARGEST,
    ),
    soundBefore,
    scalar(0),
  );
  const scaled =
    maxNorm === undefined ? parts : parts.map((g) => g.mul(minimum(scalar(maxNorm).div(norm), 1)));
  const updated = new Map(
    live.map(({ group, offset, count }, i) => {
      const range: RangeTensors = {
        parameters: part(flat, offset, count),
        moments: moments.map((m) => part(m, offset, count)),
      };
      const own = Array.from({ length: perRange }, (_, k) => reshape(part(numbers, i * perRange + k, 1), []));
      return [group, expression.next(range, scaled[i], own, optimizer.groups[group].weightDecay)] as const;
    }),
  );
  const whole = (of: (range: RangeTensors) => Tensor, before: Tensor): Tensor =>
    concat(
      ranges.map(({ group, offset, count }) => {
        const range = updated.get(group);
        return range === undefined ? part(before, offset, count) : of(range);
      }),
    );
  const moves = lessEqual(0.5, sound);
  const state: Resident<Part>[] = [
    {
      leaf: flat,
      next: where(
        moves,
        whole(({ parameters }) => parameters, flat),
        flat,
      ),
      part: "state",
    },
    ...moments.map(
      (m, i): Resident<Part> => ({
        leaf: m,
        next: where(
          moves,
          whole(({ moments: after }) => after[i], m),
          m,
        ),
        part: "state",
      }),
    ),
    ...objective.buffers.map(
      ([leaf, next]): Resident<Part> => ({ leaf, next: where(moves, next, leaf), part: "state" }),
    ),
  ];
  const width = objective.figures.length + 1;
  const history = input("arena/figures", [AHEAD, width]);
  const row = concat(
    [...objective.figures, sound].map((t) => reshape(cast(t, "float32"), [1, 1])),
    1,
  );
  state.push({
    leaf: history,
    next: concat([slice(history, { axis: 0, start: 1, end: AHEAD }), row]),
    part: "figures",
  });
  state.push({ leaf: soundBefore, next: sound, part: "unread" });
  // The inputs of the step that failed, to find the cause: those sent later replace them here.
  const wasSound = lessEqual(0.5, soundBefore);
  const objectives = [
    ...objective.figures,
    ...objective.gradients.values(),
    ...objective.buffers.map(([, next]) => next),
  ];
  const inputs = topological(objectives).filter(isInput);
  for (const leaf of inputs) {
    const kept = input(`arena/inputs/${leaf.attributes.name}`, leaf.shape);
    state.push({ leaf: kept, next: where(wasSound, leaf, kept), part: "inputs" });
  }

  const values = new Map(
    tensors.flatMap(({ name, shape, offset, size }) => {
      const leaf = objective.leaves.get(name);
      return leaf === undefined ? [] : [[leaf, reshape(part(flat, offset, size), shape)] as const];
    }),
  );
  const next = substituteAll(
    state.map((resident) => resident.next),
    values,
  );
  const graph = await buildResident(
    state.map((resident, i) => ({ ...resident, next: next[i] })),
    device,
  );
  return {
    leaves: [...graph.leaves.filter((leaf) => leaf !== numbers), ...objective.buffers.map(([leaf]) => leaf)],
    nodes: graph.nodes,
    bind: ({ arena, arrayOf, figures, fillNoise }) => {
      const rates = new Float32Array(numbers.size);
      const read = new Float32Array(history.size);
      const { parameters, moments: arenaMoments } = arena.flat;
      const run = graph.bind(
        graph.leaves.map((leaf) => (leaf === numbers ? rates : arrayOf(leaf))),
        [
          parameters,
          ...arenaMoments.values(),
          ...objective.buffers.map(([leaf]) => arrayOf(leaf)),
          read,
          Float32Array.of(1),
          ...inputs.map(arrayOf),
        ],
      );
      const gradients = [...objective.gradients];
      return new DevicePlace({
        arena,
        run,
        figures,
        prepare: (step) => rates.set(numbersOf(step)),
        read,
        fillNoise,
        factor: objective.factor,
        async computeGradients() {
          const again = await build(
            gradients.map(([, gradient]) => gradient),
            { executor: "native", device },
          );
          await again.bind(
            again.leaves.map(arrayOf),
            gradients.map(([name]) => arena.gradient(name)),
          )();
          await again.release();
        },
      });
    },
  };
}

/** What the step on a device consists of. */
interface DeviceParts {
  readonly arena: Arena;
  readonly run: ResidentRun<Part>;
  readonly figures: Figures;
  /** Sets the numbers of a step. */
  readonly prepare: (step: number) => void;
  /** The figures of the last steps, the last one's at the end: a row for each, and in its last column 1 if all steps up to it were sound. */
  readonly read: Floats;
  readonly fillNoise: (step: number) => void;
  /** The gradients in the arena are multiplied by this to be those of the loss. */
  readonly factor: number;
  /** Computes the gradients of what the arrays have, into the arena. */
  readonly computeGradients: () => Promise<void>;
}

/** Parameters, moments and buffers on a device; their arrays have them once they are pulled. */
class DevicePlace implements StepPlace {
  isHere = true;
  readonly ahead = AHEAD;
  readonly #parts: DeviceParts;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  async run(step: number): Promise<void> {
    const { arena, run, prepare } = this.#parts;
    prepare(step);
    await run.run();
    // Whoever reads the arena now, without `pull`, must not take old values for new ones.
    if (this.isHere) arena.flat.parameters.fill(Number.NaN);
    this.isHere = false;
  }

  async read(steps: readonly number[], each: () => void): Promise<void> {
    const { run, figures, read } = this.#parts;
    await run.pull("figures");
    const width = figures.length + 1;
    for (const [i, step] of steps.entries()) {
      const start = read.length - (steps.length - i) * width;
      figures.forEach(([, value], k) => {
        value[0] = read[start + k];
      });
      if (read[start + width - 1] !== 1) throw await this.#failed(step);
      if (!figures.every(([, [value]]) => Number.isFinite(value)))
        throw new InternalError(`a device took step ${step}, whose figures are not finite`);
      each();
    }
  }

  async pull(): Promise<void> {
    if (!this.isHere) await this.#parts.run.pull("state");
    this.isHere = true;
  }

  push(): void {
    this.#parts.run.push();
    this.isHere = true;
  }

  checkGradients(): void {
    throw new UsageError(
      "step: gradients stay on the device; compile the step for the processor to read them.",
    );
  }

  release(): void {}

  /** Brings everything here as it was at a step that failed, and says what is not finite. */
  async #failed(step: number): Promise<unknown> {
    const { arena, run, figures, fillNoise, factor, computeGradients } = this.#parts;
    await this.pull();
    await run.pull("inputs");
    // The next run starts from here, and is sound until it fails itself.
    run.push();
    fillNoise(step);
    await computeGradients();
    const check = (): void => checkFinite(arena, step, factor);
    try {
      checkFigures(figures, step, check);
      check();
    } catch (error) {
      return error;
    } finally {
      arena.flat.gradients.fill(0);
    }
    return new NonFiniteError(
      `step ${step}: expected finite gradients, found one that is not, though none when they were computed again; try a lower learning rate or gradient clipping.`,
    );
  }
}
