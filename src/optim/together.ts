/** One step on several ranks: the gradient and the figures are means over the ranks, each of which has its own rows. */
import { type NoisePart, topological } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import type { Ranks } from "../mpi/index.ts";
import { isNoise, isOfOneProcess, isOverRanks, someNode, type Tensor } from "../tensor/index.ts";
import type { Objective } from "./step.ts";

/** Ranks that take one step together, and which axis of each noise has the rows that they share. */
export interface Together {
  readonly ranks: Ranks;
  /** By site; a site that is not here has the same noise on every rank. */
  readonly axes: ReadonlyMap<string, number>;
}

/** Whether some of the outputs need a mean over ranks. */
export const needsRanks = (outputs: readonly Tensor[]): boolean => someNode(outputs, isOverRanks);

/** The part of the noise that this rank draws. */
export const partOf = (together: Together | undefined): NoisePart | undefined =>
  together && { rank: together.ranks.rank, size: together.ranks.size, axes: together.axes };

const outputsOf = ({ loss, metrics, updates }: Objective): readonly Tensor[] => [
  loss,
  ...Object.values(metrics),
  ...(updates?.values() ?? []),
];

const noisesOf = (objective: Objective): ReadonlyMap<string, Tensor> =>
  new Map(
    topological(outputsOf(objective))
      .filter(isNoise)
      .map((leaf) => [leaf.attributes.site, leaf] as const),
  );

/**
 * Finds the axes of rows by comparing the objective of one rank's rows with that of the whole minibatch: where a noise is larger in the
 * whole, it has a row's number there. Each rank then draws the part of the whole minibatch's noise that belongs to its rows, so that
 * the draws do not depend on the number of ranks. Undefined for one rank.
 *
 * @param own the objective of this rank's rows
 * @param whole the objective of the rows of all ranks
 * @throws UsageError when a noise is not simply longer in the whole.
 */
export function togetherOf(ranks: Ranks, own: Objective, whole: () => Objective): Together | undefined {
  if (ranks.size === 1) return undefined;
  if (someNode(outputsOf(own), isOfOneProcess)) {
    throw new UsageError(
      `step: batch normalisation or free bits of this objective would be of the rows of each of ${ranks.size} ranks, not of the whole minibatch. Trace it with ` +
        "`trainingContext({ ranks: ranks.size })`, given to layers and to `elbo`.",
    );
  }
  const all = noisesOf(whole());
  const axes = new Map<string, number>();
  for (const [site, leaf] of noisesOf(own)) {
    const shape = all.get(site)?.shape;
    const differing = leaf.shape.flatMap((extent, axis) => (shape?.[axis] === extent ? [] : [axis]));
    if (shape !== undefined && shape.length === leaf.shape.length && differing.length === 0) continue;
    const [axis] = differing;
    if (
      shape?.length !== leaf.shape.length ||
      differing.length !== 1 ||
      shape[axis] !== leaf.shape[axis] * ranks.size
    ) {
      throw new UsageError(
        `noise '${site}': expected shape [${leaf.shape.join(", ")}] of a rank's rows to be ${ranks.size} times longer in one axis for the whole ` +
          `minibatch; found ${shape === undefined ? "no such noise" : `[${shape.join(", ")}]`}. Such a program cannot be trained by several ranks.`,
      );
    }
    axes.set(site, axis);
  }
  return { ranks, axes };
}

/** Replaces scalars by their means over ranks. */
export function meanOverRanks(ranks: Pick<Ranks, "size" | "sum">, values: readonly Float32Array[]): void {
  const sums = Float64Array.from(values, ([value]) => value);
  ranks.sum(sums);
  values.forEach((value, i) => {
    value[0] = sums[i] / ranks.size;
  });
}
