import { constraints, Distribution } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import {
  type Batch,
  expand,
  input,
  isConstant,
  nodesOf,
  type Shape,
  sum,
  type Tensor,
  transpose,
} from "../tensor/index.ts";

/** Values of all steps, [length, …plates, …event], with the axis of steps right of the plates: [...plates, length, ...event]. */
export const besidePlates = (values: Tensor, plateRank: number): Tensor => {
  const axes = values.shape.map((_, i) => i);
  return transpose(values, [...axes.slice(1, plateRank + 1), 0, ...axes.slice(plateRank + 1)]);
};

/** The reverse of {@link besidePlates}; `stepAxis` is the place of the axis of steps. */
export const stepsFirst = (values: Tensor, stepAxis: number): Tensor => {
  const axes = values.shape.map((_, i) => i);
  return transpose(values, [stepAxis, ...axes.filter((i) => i !== stepAxis)]);
};

/** What the sites of one loop share: known once the loop is complete. */
export class Timeline {
  readonly length: number;
  /** Draws of all steps that were asked for, and the draw of one step. */
  readonly drawn = new Map<Tensor, Tensor>();
  #steps: Batch | undefined;

  constructor(length: number) {
    this.length = length;
  }

  /** @param steps from values of one step to values of all steps */
  complete(steps: Batch): void {
    this.#steps = steps;
  }

  steps(site: string): Batch {
    if (this.#steps !== undefined) return this.#steps;
    throw new UsageError(
      `site '${site}': its density is asked for before the scan that it is in has ended. Guides and estimators cannot work inside a scan: draw ` +
        "the site there outside it, with the shape of all its steps.",
    );
  }
}

/**
 * A site of a loop's body in all steps, as one event: the values side by side, [length, …event of a step]. What one step's distribution
 * depends on (the carry) is that of each step.
 */
export class OverTime extends Distribution {
  readonly #site: string;
  readonly #step: Distribution;
  readonly #timeline: Timeline;

  constructor(site: string, step: Distribution, timeline: Timeline) {
    const { length } = timeline;
    super({
      name: step.name,
      parameters: {},
      constraints: {},
      support: constraints.independentConstraint(step.support, 1),
      batchShape: step.batchShape,
      eventShape: [length, ...step.eventShape],
      dtype: step.dtype,
      floatDType: step.floatDType,
      reparameterised: step.reparameterisedIn,
      // Each step tests its value.
      selfLimiting: true,
    });
    this.#site = site;
    this.#step = step;
    this.#timeline = timeline;
    if (dependsOnStep(step)) Object.assign(this, { testsSupport: false });
  }

  override get reparameterised(): boolean {
    return this.#step.reparameterised;
  }

  protected override logDensity(value: Tensor): Tensor {
    const steps = this.#timeline.steps(this.#site);
    const all = stepsFirst(value, value.rank - this.eventShape.length);
    const leaf = input(`${this.#site} at a step`, all.shape.slice(1), all.dtype);
    steps.replace(leaf, all);
    const logs = this.#step.logProb(leaf);
    return sum(expand(steps.lift(logs), [this.#timeline.length, ...logs.shape]), 0);
  }

  override sample(site: string, sampleShape: Shape = []): Tensor {
    if (sampleShape.length > 0)
      throw new UsageError(
        `site '${this.#site}': a site in a scan is drawn once for each step, not ${sampleShape.join(" × ")} times.`,
      );
    const draw = this.#step.sample(site);
    const all = input(`draws of ${site}`, [...this.batchShape, ...this.eventShape], draw.dtype);
    this.#timeline.drawn.set(all, draw);
    return all;
  }

  protected override draw(site: string): Tensor {
    return this.sample(site);
  }

  protected override rebuild(): Distribution {
    return this;
  }
}

/** Whether the support of a step's distribution is computed, so that it may be another one in each step. */
export function dependsOnStep({ support, batchShape, eventShape, dtype }: Distribution): boolean {
  const value = input("value", [...batchShape, ...eventShape], dtype);
  const leaves = [...nodesOf(support.check(value))].filter((t) => t.inputs.length === 0 && t !== value);
  return leaves.some((t) => !isConstant(t) || t.size > 1);
}
