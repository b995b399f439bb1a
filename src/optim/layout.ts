import { UsageError } from "../errors.ts";
import type { Optimizer } from "./optimizer.ts";

/** A parameter that a program declares. */
export interface ParameterSpec {
  /** A path, for example `encoder.0.weight`. */
  readonly name: string;
  /** Its shape; `[]` for a scalar. */
  readonly shape: readonly number[];
  /** A label that is passed to a group's `match` function beside the name. */
  readonly group?: string;
}

/** The position of a parameter in each of the arena's buffers. */
export interface ArenaTensor {
  readonly name: string;
  readonly shape: readonly number[];
  /** Product of the shape. */
  readonly size: number;
  /** Index of its first element, a multiple of 16, so that every tensor starts at a multiple of 64 bytes. */
  readonly offset: number;
}

/** The range of one parameter group: its index among the optimiser's groups, and its elements including padding. */
export interface ArenaRange {
  readonly group: number;
  readonly offset: number;
  readonly count: number;
}

/** The positions of all parameters of a program in the arena's buffers. */
export interface ArenaLayout {
  /** In the order of the specs. */
  readonly tensors: readonly ArenaTensor[];
  /** Ranges of the groups that have parameters. */
  readonly ranges: readonly ArenaRange[];
  /** Number of elements of each buffer, including padding. */
  readonly length: number;
}

/** In a checkpoint, names with this prefix belong to the optimiser. */
export const OPTIMIZER_PREFIX = "optimizer/";

/** Float32 elements in 64 bytes. */
const ALIGNMENT = 16;

const checkSpec = ({ name, shape }: ParameterSpec, taken: ReadonlySet<string>): void => {
  if (name === "" || name.startsWith(OPTIMIZER_PREFIX)) {
    throw new UsageError(
      `parameter name: expected one that is not empty and does not start with "${OPTIMIZER_PREFIX}", found "${name}"`,
    );
  }
  if (taken.has(name)) {
    throw new UsageError(`parameter "${name}" is declared twice; give each parameter a name of its own`);
  }
  if (!shape.every((extent) => Number.isSafeInteger(extent) && extent >= 0)) {
    throw new UsageError(
      `parameter "${name}": expected a shape of non-negative integers, found [${shape.join(", ")}]`,
    );
  }
};

/**
 * Places the parameters of each group next to each other, so that an update is one call for each group. Within a group the order
 * is that of the specs. Gaps between tensors are padding: they hold zeros, and every optimiser maps zero to zero.
 *
 * @throws UsageError when a name is empty, reserved or used twice, or a shape is impossible.
 */
export const layOut = (specs: readonly ParameterSpec[], groups: Optimizer["groups"]): ArenaLayout => {
  const taken = new Set<string>();
  for (const spec of specs) {
    checkSpec(spec, taken);
    taken.add(spec.name);
  }
  const groupOf = specs.map(({ name, group }) => groups.findIndex(({ match }) => match(name, group)));
  const placed = new Map<string, ArenaTensor>();
  const ranges: ArenaRange[] = [];
  let end = 0;
  for (const group of groups.keys()) {
    const offset = end;
    for (const [i, { name, shape }] of specs.entries()) {
      if (groupOf[i] !== group) continue;
      const size = shape.reduce((product, extent) => product * extent, 1);
      placed.set(name, { name, shape: [...shape], size, offset: end });
      end += Math.ceil(size / ALIGNMENT) * ALIGNMENT;
    }
    if (end > offset) ranges.push({ group, offset, count: end - offset });
  }
  const tensors = specs.flatMap(({ name }) => placed.get(name) ?? []);
  return { tensors, ranges, length: end };
};
