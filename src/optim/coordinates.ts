/** Parameters that an optimiser moves in other coordinates than their own. */
import type { OwnFloat32Array } from "../arrays.ts";
import { build } from "../compile/index.ts";
import { substitute, type Tensor } from "../tensor/index.ts";

/** A parameter as an expression of another one, which the optimiser moves in its place. */
export interface Coordinates {
  /** The parameter that is moved: any shape, with its own initial values. */
  readonly moved: Tensor;
  /** The value that follows from it, an expression of `moved` and constants. */
  readonly value: Tensor;
}

/** A copy of an expression in which parameters are replaced by what they are in their coordinates. */
export function inCoordinates(coordinates: ReadonlyMap<Tensor, Coordinates>): (expression: Tensor) => Tensor {
  if (coordinates.size === 0) return (expression) => expression;
  const values = new Map([...coordinates].map(([leaf, { value }]) => [leaf, value]));
  return (expression) => substitute(expression, values);
}

/** A parameter's value, computed again at each call from what its coordinates are then. The array is the same at each call. */
export async function valueFrom(
  { moved, value }: Coordinates,
  place: Float32Array,
): Promise<() => OwnFloat32Array> {
  const compiled = await build([value], { executor: "host" });
  const at = new Float64Array(moved.size);
  const result = new Float64Array(value.size);
  const run = compiled.bind(
    compiled.leaves.map(() => at),
    [result],
  );
  const read = new Float32Array(value.size);
  return () => {
    at.set(place);
    run();
    read.set(result);
    return read;
  };
}
