/** A step whose state is in the processor's memory: the graph writes gradients into the arena, and kernels update it. */
import type { OwnFloat32Array } from "../arrays.ts";
import { UsageError } from "../errors.ts";
import { anyOf } from "../mpi/index.ts";
import type { Arena } from "./arena.ts";
import { checkFinite, clipGlobalNorm, clipScale, squaredNorm } from "./clip.ts";
import type { Parts } from "./parts.ts";
import { checkFigures, type Figures, type StepPlace } from "./place.ts";
import { meanOverRanks, type Together } from "./together.ts";

/** What the step on the processor consists of. */
interface ProcessorParts {
  readonly arena: Arena;
  /** Runs the graph. */
  readonly program: () => void | Promise<void>;
  readonly figures: Figures;
  /** Values of the buffers that a step changes, and their next ones. */
  readonly buffers: readonly { readonly value: OwnFloat32Array; readonly next: OwnFloat32Array }[];
  /** The gradients in the arena are multiplied by this to be those of the loss. */
  readonly factor: number;
  readonly maxGradientNorm: number | undefined;
  readonly together: Together | undefined;
  /** With several ranks, the part of each. */
  readonly parts: Parts | undefined;
  /** Ends the threads of the memory. */
  readonly release: () => void;
}

/** Parameters, gradients and moments in the arena; with several ranks, each updates its part. */
export class ProcessorPlace implements StepPlace {
  readonly isHere = true;
  readonly ahead = 1;
  readonly #parts: ProcessorParts;

  constructor(parts: ProcessorParts) {
    this.#parts = parts;
  }

  async run(step: number): Promise<void> {
    const { program, figures, together, factor, buffers } = this.#parts;
    await program();
    if (together !== undefined) this.#reduce(together);
    checkFigures(figures, step, () => this.#checkFinite(step));
    const gradientScale = factor * this.#clip(step);
    // The update reports a gradient that is not finite only after it was applied. The parameters are then useless, and only a
    // checkpoint has good ones. Checking first would cost a pass over the gradients at every step.
    if (!this.#update(step, gradientScale)) this.#checkFinite(step);
    for (const { value, next } of buffers) value.set(next);
  }

  async read(steps: readonly number[], each: () => void): Promise<void> {
    for (const _ of steps) each();
  }

  async pull(): Promise<void> {
    this.#gather();
  }

  push(): void {}

  checkGradients(name: string): void {
    if (this.#parts.parts?.whole === false) {
      throw new UsageError(
        `gradient '${name}': each rank has a part of the gradient. Call \`pull()\` on every rank first.`,
      );
    }
  }

  release(): void {
    this.#parts.release();
  }

  /** Gradients of this rank's part become sums over ranks, which the factor makes means; figures and running statistics become means. */
  #reduce({ ranks }: Together): void {
    const { parts, arena, figures, buffers } = this.#parts;
    parts?.sum(arena);
    meanOverRanks(
      ranks,
      figures.map(([, value]) => value),
    );
    for (const { next } of buffers) {
      ranks.sum(next);
      for (let i = 0; i < next.length; i++) next[i] /= ranks.size;
    }
  }

  /** The factor that clips the gradient, 1 for none. */
  #clip(step: number): number {
    const { maxGradientNorm, together, arena, factor, parts } = this.#parts;
    if (maxGradientNorm === undefined) return 1;
    const maxNorm = maxGradientNorm / Math.abs(factor);
    if (together === undefined) return clipGlobalNorm(arena, { maxNorm, step }).scale;
    const square = Float64Array.of(squaredNorm(arena, parts?.own));
    together.ranks.sum(square);
    if (!Number.isFinite(square[0])) this.#checkFinite(step);
    return clipScale(Math.sqrt(square[0]), maxNorm);
  }

  /** Updates the parameters, on all ranks. Returns whether all gradients were finite. */
  #update(step: number, gradientScale: number): boolean {
    const { together, parts, arena } = this.#parts;
    if (together === undefined || parts === undefined) return arena.update({ step, gradientScale });
    const finite = arena.update({ step, gradientScale, part: parts.own });
    parts.share(arena);
    return !anyOf(together.ranks, !finite);
  }

  #checkFinite(step: number): void {
    const { arena, factor } = this.#parts;
    // A rank knows the gradients of its part alone; all ranks are here, and all report the same one.
    this.#gather();
    checkFinite(arena, step, factor);
  }

  #gather(): void {
    const { parts, arena } = this.#parts;
    parts?.gather(arena);
  }
}
