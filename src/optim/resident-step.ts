/** A step whose parameters and moments stay on a device: gradient and update are one graph. */
import type { OwnFloat32Array } from "../arrays.ts";
import { buildResident, type Device, type ResidentRun } from "../compile/index.ts";
import { NonFiniteError, UsageError } from "../errors.ts";
import {
  abs,
  cast,
  concat,
  input,
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
  /** Scalars that come back from each run. */
  readonly figures: readonly Tensor[];
  /** Values other than parameters that come back from each run. */
  readonly others: readonly Tensor[];
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
  /** Inputs, noise and buffers: what is sent at each run. */
  readonly leaves: readonly Tensor[];
  readonly nodes: number;
  bind(parts: {
    arena: Arena;
    /** The array of a leaf. */
    arrayOf: (leaf: Tensor) => Floats;
    figures: Figures;
    others: readonly Floats[];
  }): StepPlace;
}

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
  // A step that fails leaves the parameters as they were, as on the processor.
  const sound = lessEqual(
    abs(
      objective.figures
        .map((t) => cast(reshape(t, []), "float32").mul(TINY))
        .reduce((a, b) => a.add(b), health),
    ),
    LARGEST,
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
  const figures = concat([...objective.figures, health].map((t) => reshape(cast(t, "float32"), [1])));
  const next = [
    where(
      sound,
      whole(({ parameters }) => parameters, flat),
      flat,
    ),
    ...moments.map((m, i) => whole(({ moments: after }) => after[i], m)),
  ];

  const values = new Map(
    tensors.flatMap(({ name, shape, offset, size }) => {
      const leaf = objective.leaves.get(name);
      return leaf === undefined ? [] : [[leaf, reshape(part(flat, offset, size), shape)] as const];
    }),
  );
  const [figuresAt, ...rest] = substituteAll([figures, ...objective.others, ...next], values);
  const others = rest.slice(0, objective.others.length);
  const state = [flat, ...moments].map((leaf, i) => ({ leaf, next: rest[others.length + i] }));
  const graph = await buildResident([figuresAt, ...others], state, device);
  return {
    leaves: graph.leaves.filter((leaf) => leaf !== numbers),
    nodes: graph.nodes,
    bind: ({ arena, arrayOf, figures: written, others: otherArrays }) => {
      const rates = new Float32Array(numbers.size);
      const read = new Float32Array(written.length + 1);
      const { parameters, moments: arenaMoments } = arena.flat;
      const run = graph.bind(
        graph.leaves.map((leaf) => (leaf === numbers ? rates : arrayOf(leaf))),
        [read, ...otherArrays],
        [parameters, ...arenaMoments.values()],
      );
      return new DevicePlace({
        arena,
        run,
        figures: written,
        prepare: (step) => rates.set(numbersOf(step)),
        read,
      });
    },
  };
}

/** What the step on a device consists of. */
interface DeviceParts {
  readonly arena: Arena;
  readonly run: ResidentRun;
  readonly figures: Figures;
  /** Sets the numbers of a step. */
  readonly prepare: (step: number) => void;
  /** The figures of the last run, and a number that is finite if its gradients were. */
  readonly read: Floats;
}

/** Parameters and moments on a device; the arena has them once they are pulled. */
class DevicePlace implements StepPlace {
  isHere = true;
  readonly #parts: DeviceParts;

  constructor(parts: DeviceParts) {
    this.#parts = parts;
  }

  async run(step: number): Promise<void> {
    const { arena, run, figures, prepare, read } = this.#parts;
    prepare(step);
    await run.run();
    // Whoever reads the arena now, without `pull`, must not take old values for new ones.
    if (this.isHere) arena.flat.parameters.fill(Number.NaN);
    this.isHere = false;
    figures.forEach(([, value], i) => {
      value[0] = read[i];
    });
    if (read.every(Number.isFinite)) return;
    await this.pull();
    const culprit = this.#culprit();
    if (culprit === undefined) checkFigures(figures, step, () => checkFinite(arena, step));
    throw new NonFiniteError(
      `step ${step}: expected finite gradients, found one that is not${culprit === undefined ? "" : `, of parameter "${culprit}"`}; try a lower learning rate or ` +
        "gradient clipping. The parameters are unchanged.",
    );
  }

  async pull(): Promise<void> {
    if (!this.isHere) await this.#parts.run.pull();
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

  /** The parameter whose last gradient was not finite, as far as moments show it. */
  #culprit(): string | undefined {
    const { arena } = this.#parts;
    return arena.tensors.find(({ name }) =>
      arena.optimizer.moments.some((moment) => !arena.moment(moment, name).every(Number.isFinite)),
    )?.name;
  }
}
