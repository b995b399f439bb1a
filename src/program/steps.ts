/** Sites in the body of a loop: recorded while one step is traced, declared as sites of all steps afterwards. */
import type { Distribution } from "../distributions/index.ts";
import { UsageError } from "../errors.ts";
import {
  Batch,
  cast,
  expand,
  input,
  isNoise,
  loop,
  nodesOf,
  noiseOf,
  recur,
  reshape,
  type Scan,
  type Scanned,
  sizeOf,
  substituteAll,
  type Tensor,
  type Tensors,
  type TracedSteps,
} from "../tensor/index.ts";
import { besidePlates, dependsOnStep, OverTime, stepsFirst, Timeline } from "./over-time.ts";
import type { Message, Plate } from "./site.ts";

interface RandomStep {
  readonly kind: "sample" | "observe";
  readonly name: string;
  readonly distribution: Distribution;
  /** What was observed in this step. */
  readonly value: Tensor | undefined;
  readonly auxiliary: boolean;
  /** Stands for the site's value in this step. */
  readonly leaf: Tensor;
}

interface NamedStep {
  readonly kind: "deterministic";
  readonly name: string;
  readonly value: Tensor;
}

/** A value of all steps that handlers get before it is known, as a leaf, and the expression of one step. */
interface Late {
  readonly leaf: Tensor;
  readonly step: Tensor;
  readonly plateRank: number;
}

/** What happens to the sites of one loop. */
export interface StepHandling {
  /** Passes a site through the handlers. */
  readonly send: (message: Message) => Tensor;
  /** Told the value of a leaf that handlers may have got before it was known. */
  readonly settle: (leaf: Tensor, value: Tensor) => void;
}

/** The sites of one loop. */
export class StepSites {
  readonly #sites: (RandomStep | NamedStep)[] = [];
  readonly #plates: readonly Plate[];

  /** @param plates those that are open around the loop */
  constructor(plates: readonly Plate[]) {
    this.#plates = plates;
  }

  /** @throws UsageError where the body has opened a plate */
  random(site: Omit<RandomStep, "leaf">, plates: readonly Plate[]): Tensor {
    const inner = plates.find((p) => !this.#plates.includes(p));
    if (inner !== undefined) {
      throw new UsageError(
        `site '${site.name}' is in plate '${inner.name}', which was opened inside a scan. Open the plate around the scan, so that each of its rows ` +
          "has a course of its own; or make the values of one step one event with toEvent(n).",
      );
    }
    const { distribution: d, name, value } = site;
    // An observed value may lack dimensions of size 1, and have another dtype than draws.
    const shape = [...d.batchShape, ...d.eventShape];
    const leaf = input(`${name} at a step`, shape, value?.dtype ?? d.dtype);
    const size = sizeOf(shape);
    const observed = value && (value.size === size ? reshape(value, shape) : expand(value, shape));
    this.#sites.push({ ...site, value: observed, leaf });
    return leaf;
  }

  named(name: string, value: Tensor): void {
    this.#sites.push({ kind: "deterministic", name, value });
  }

  /** Declares the sites for all steps, in order, and computes the loop. */
  complete<C extends Tensors, Y extends Tensors>(
    traced: TracedSteps<C, Y>,
    { send, settle }: StepHandling,
  ): Scan<C, Y> {
    const { length, carries } = traced;
    const timeline = new Timeline(length);
    const rank = this.#plates.length;
    // Values of sites within a step, where they are not inputs of the loop.
    const parts = new Map<Tensor, Tensor>();
    const inStep = (t: Tensor): Tensor => substituteAll([t], parts)[0];
    const inputs: Scanned[] = [...traced.inputs];
    const early = new Batch(length, new Map(inputs.map(({ leaf, values }) => [leaf, values])));
    const unknown = new Set(carries.map(({ before }) => before));
    const late: Late[] = [];
    /** An expression of a step in all steps; a leaf, if it depends on carries and draws. */
    const overTime = (step: Tensor, plateRank: number): Tensor => {
      const nodes = nodesOf(step);
      const isKnown = ![...nodes].some((t) => unknown.has(t) || (isNoise(t) && t.id >= traced.firstId));
      if (isKnown) return besidePlates(expand(early.lift(step), [length, ...step.shape]), plateRank);
      const shape = [...step.shape];
      shape.splice(plateRank, 0, length);
      const leaf = input("value of all steps", shape, step.dtype);
      late.push({ leaf, step, plateRank });
      return leaf;
    };

    for (const site of this.#sites) {
      const { kind, name } = site;
      if (kind === "deterministic") {
        const value = inStep(site.value);
        const inPlates =
          this.#plates.every((p) => value.shape[rank + p.dimension] === p.rows) && value.rank >= rank;
        send({ kind, name, value: overTime(value, inPlates ? rank : 0), plates: [...this.#plates] });
        continue;
      }
      const { leaf, auxiliary } = site;
      if (kind === "sample" && dependsOnStep(site.distribution)) {
        throw new UsageError(
          `site '${name}' (${site.distribution.name}) is in a scan and its support is computed, so it may differ from step to step. Give it a support ` +
            "that is the same in all steps, and compute the rest: from a Uniform(0, 1), or from a shifted and scaled site.",
        );
      }
      const given = site.value && inStep(site.value);
      const value = given && overTime(given, site.distribution.batchShape.length);
      const distribution = new OverTime(name, site.distribution, timeline);
      const result = send({
        kind,
        name,
        distribution,
        value,
        plates: [...this.#plates],
        isInScan: true,
        ...(auxiliary && { auxiliary }),
      });
      const draw = timeline.drawn.get(result);
      const plateRank = distribution.batchShape.length;
      if (given !== undefined && result === value) {
        parts.set(leaf, given);
      } else if (draw !== undefined) {
        const step = inStep(draw);
        parts.set(leaf, cast(step, leaf.dtype));
        late.push({ leaf: result, step, plateRank });
      } else {
        if ([...nodesOf(result)].some((t) => timeline.drawn.has(t) || late.some((l) => l.leaf === t))) {
          throw new UsageError(
            `site '${name}' is in a scan, and its value was computed from a draw or a carry of that scan. Draw it outside the scan, in all steps at once, or ` +
              "leave it to the scan.",
          );
        }
        const whole = expand(result, [...distribution.batchShape, ...distribution.eventShape]);
        const values = stepsFirst(cast(whole, leaf.dtype), plateRank);
        inputs.push({ leaf, values });
        early.replace(leaf, values);
      }
    }
    return this.#finish(traced, { parts, inputs, late, timeline, settle });
  }

  #finish<C extends Tensors, Y extends Tensors>(
    traced: TracedSteps<C, Y>,
    found: {
      readonly parts: ReadonlyMap<Tensor, Tensor>;
      readonly inputs: readonly Scanned[];
      readonly late: readonly Late[];
      readonly timeline: Timeline;
      readonly settle: StepHandling["settle"];
    },
  ): Scan<C, Y> {
    const { carries, outputs, length } = traced;
    const { parts, late, timeline, settle } = found;
    const within = [...parts];
    const resolved = substituteAll(
      [
        ...carries.map(({ after }) => after),
        ...outputs,
        ...late.map(({ step }) => step),
        ...within.map(([, step]) => step),
      ],
      parts,
    );
    const parameters = this.#sites.flatMap((s) =>
      s.kind === "deterministic" ? [] : Object.values(s.distribution.parameters),
    );
    const noises = noiseOf(traced, [...resolved, ...parameters]);
    const inputs = [...found.inputs, ...noises];
    const before = carries.map((c) => c.before);
    const done = recur(
      {
        ...traced,
        carries: carries.map((c, i) => ({ ...c, after: resolved[i] })),
        inputs,
        outputs: [...resolved.slice(carries.length), ...before],
      },
      loop,
    );
    const rest = [...done.outputs];
    const own = rest.splice(0, outputs.length);
    const lateValues = rest.splice(0, late.length);
    const partValues = rest.splice(0, within.length);
    late.forEach(({ leaf, plateRank }, i) => {
      settle(leaf, besidePlates(lateValues[i], plateRank));
    });
    timeline.complete(
      new Batch(
        length,
        new Map([
          ...inputs.map(({ leaf, values }) => [leaf, values] as const),
          ...before.map((leaf, i) => [leaf, rest[i]] as const),
          ...within.map(([leaf], i) => [leaf, partValues[i]] as const),
        ]),
      ),
    );
    return traced.result({ carries: done.carries, outputs: own });
  }
}
