/** The start of automatic guides: parameters in the units of a normal near the posterior. */
import { initializers } from "../../nn/index.ts";
import type { Coordinates } from "../../optim/index.ts";
import type { Program } from "../../program/index.ts";
import { add, constant, type Initializer, mul, parameter, type Tensor } from "../../tensor/index.ts";
import type { PosteriorNormal } from "../posterior-normal.ts";

/** From a guide's parameters, by path, and a normal near the posterior, to the coordinates in which the parameters are moved. */
export type Placement = (
  leaf: (path: string) => Tensor,
  normal: PosteriorNormal,
) => Iterable<readonly [Tensor, Coordinates]>;

/** What an automatic guide is a guide of, and how it starts near a normal. */
export interface Start<A extends readonly unknown[]> {
  readonly target: Program<A>;
  readonly place: Placement;
}

/** Where `svi` starts the parameters of a guide. */
export interface GuideStart {
  /**
   * Whether they start at a normal near the posterior, with its standard deviations as the units of the steps; otherwise, at their initial
   * values.
   */
  readonly near: boolean;
  /** Why an automatic guide does not start near the posterior. */
  readonly because: string | undefined;
}

const starts = new WeakMap<object, Start<readonly unknown[]>>();

/** Lets `svi` start a guide where its target's posterior is. */
export function startNear<A extends readonly unknown[]>(guide: Program<A>, start: Start<A>): Program<A> {
  starts.set(guide, start as unknown as Start<readonly unknown[]>);
  return guide;
}

/** How a guide starts near the posterior; undefined for one that starts at its parameters' initial values. */
export const startOf = <A extends readonly unknown[]>(guide: Program<A>): Start<A> | undefined =>
  starts.get(guide) as unknown as Start<A> | undefined;

/** A parameter that is moved as (value − centre) / scale; both of the parameter's size, or one number. */
export function inUnits(
  leaf: Tensor,
  centre: ArrayLike<number> | number,
  scale: ArrayLike<number> | number,
  initial: Initializer = initializers.zeros,
): readonly [Tensor, Coordinates] {
  const moved = parameter(leaf.shape, initial, { dtype: leaf.dtype });
  const fixed = (v: ArrayLike<number> | number): Tensor | number =>
    typeof v === "number" ? v : constant(v, leaf.shape, leaf.dtype);
  return [leaf, { moved, value: add(mul(moved, fixed(scale)), fixed(centre)) }];
}
