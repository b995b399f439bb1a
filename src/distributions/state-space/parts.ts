/** What a linear-Gaussian state space model is made of, and whether its parts fit one another. */
import { ShapeError, UsageError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules, required, whole } from "../../options.ts";
import {
  cast,
  formatShape,
  operands,
  type Shape,
  Tensor,
  type TensorLike,
  tensor,
} from "../../tensor/index.ts";
import type { Parameters } from "../distribution.ts";
import type { Linear } from "./kalman.ts";

/** The parts of the model that may differ from step to step. */
export type VaryingPart =
  | "transition"
  | "transitionOffset"
  | "transitionScale"
  | "emission"
  | "emissionOffset"
  | "emissionScale";

/** What a {@link LinearGaussianStateSpace} is made of, for states of n numbers and values of m numbers. */
export interface StateSpaceOptions {
  /** Number of steps, at least 1. */
  readonly length: number;
  /** The matrix F [..., n, n] that takes a state to the next. */
  readonly transition: TensorLike;
  /** What is added to the next state, [..., n]. Default 0. */
  readonly transitionOffset?: TensorLike;
  /** G [..., n, k]: the noise of a transition has the covariance G Gᵀ, which may be singular. */
  readonly transitionScale: TensorLike;
  /** The matrix H [..., m, n] that takes a state to the mean of its value. */
  readonly emission: TensorLike;
  /** What is added to the value, [..., m]. Default 0. */
  readonly emissionOffset?: TensorLike;
  /** E [..., m, k]: the noise of a value has the covariance E Eᵀ. Default 0: values without noise. */
  readonly emissionScale?: TensorLike;
  /** The mean of the first state, [..., n]. Default 0. */
  readonly initialMean?: TensorLike;
  /** S [..., n, k]: the first state has the covariance S Sᵀ. */
  readonly initialScale: TensorLike;
  /** True where a value was observed, false where it is missing: a shape that broadcasts to [..., length, m]. Default: all were observed. */
  readonly mask?: TensorLike;
  /**
   * The parts that differ from step to step: these have an axis of steps before those of their matrix or vector, [..., length, m, n] for the emission, and
   * [..., length − 1, n, n] for the transition, whose first leads from the first step to the second. Default: none.
   */
  readonly varying?: readonly VaryingPart[];
}

const rules: OptionRules<StateSpaceOptions> = {
  length: required(whole(1)),
  transition: required(anything),
  transitionOffset: anything,
  transitionScale: required(anything),
  emission: required(anything),
  emissionOffset: anything,
  emissionScale: anything,
  initialMean: anything,
  initialScale: required(anything),
  mask: anything,
  varying: anything,
};

/** The number of axes of each part, and whether it is of transitions or of values. */
export const kinds: Readonly<
  Record<VaryingPart, readonly [rank: number, of: "transition" | "emission", as: keyof Linear]>
> = {
  transition: [2, "transition", "matrix"],
  transitionOffset: [1, "transition", "offset"],
  transitionScale: [2, "transition", "covariance"],
  emission: [2, "emission", "matrix"],
  emissionOffset: [1, "emission", "offset"],
  emissionScale: [2, "emission", "covariance"],
};
export const varyingParts = Object.keys(kinds) as VaryingPart[];

/** The parts of a model, whose shapes fit one another. */
export interface StateSpaceParts {
  readonly length: number;
  /** Those that were given, by the names of {@link StateSpaceOptions}. */
  readonly parameters: Parameters;
  readonly varying: ReadonlySet<string>;
  /** 1 where a value was observed, 0 where it is missing: [..., length or 1, m or 1]. */
  readonly mask?: Tensor;
}

/** @throws as `LinearGaussianStateSpace` */
export function partsOf(options: StateSpaceOptions): StateSpaceParts {
  const what = "LinearGaussianStateSpace";
  checkOptions(what, options, rules);
  const { length, mask, varying = [], ...given } = options;
  const unknown = varying.find((name) => !(name in kinds));
  if (unknown !== undefined) {
    throw new UsageError(
      `${what}: 'varying' names '${String(unknown)}'; the parts are ${varyingParts.join(", ")}.`,
    );
  }
  const absent = varying.find((name) => given[name] === undefined);
  if (absent !== undefined) {
    throw new UsageError(
      `${what}: 'varying' names '${absent}', which is not given. Give it, or leave it out there.`,
    );
  }
  const names = Object.keys(given).filter((k) => given[k as keyof typeof given] !== undefined);
  const list = operands(what, ...names.map((k) => given[k as keyof typeof given] as TensorLike));
  const parameters: Parameters = Object.fromEntries(names.map((k, i) => [k, list[i]]));
  checkShapes(what, parameters, length, varying);
  return {
    length,
    parameters,
    varying: new Set(varying),
    ...(mask !== undefined && {
      mask: maskOf(what, mask, [length, parameters.emission.shape.at(-2) ?? 0], list[0]),
    }),
  };
}

/** The axes of each part: n states, m values, and any number k of sources of noise. */
const axes: Readonly<Record<string, string>> = {
  transition: "n, n",
  transitionOffset: "n",
  transitionScale: "n, k",
  emission: "m, n",
  emissionOffset: "m",
  emissionScale: "m, k",
  initialMean: "n",
  initialScale: "n, k",
};

/** @throws ShapeError unless the parts fit one another, and those that vary the length */
function checkShapes(
  what: string,
  parameters: Parameters,
  length: number,
  varying: readonly VaryingPart[],
): void {
  const sizes: Readonly<Record<string, number | undefined>> = {
    n: parameters.transition.shape.at(-1),
    m: parameters.emission.shape.at(-2),
  };
  for (const [name, t] of Object.entries(parameters)) {
    const varies = varying.includes(name as VaryingPart);
    const steps = name.startsWith("transition") ? length - 1 : length;
    const letters = axes[name];
    const wanted = [...(varies ? [steps] : []), ...letters.split(", ").map((letter) => sizes[letter])];
    const own = t.shape.slice(-wanted.length);
    if (t.rank < wanted.length || own.some((size, i) => wanted[i] !== undefined && size !== wanted[i])) {
      throw new ShapeError(
        `${what}: expected '${name}' of shape [..., ${varies ? `${steps} steps, ` : ""}${letters}] with ${sizes.n} states (n) and ${sizes.m} values (m) a step, ` +
          `found ${formatShape(t.shape)}.${varies ? "" : " If it differs from step to step, name it in 'varying'."}`,
      );
    }
  }
}

/** A mask as numbers, whose last axes fit. */
function maskOf(what: string, mask: TensorLike, event: Shape, like: Tensor): Tensor {
  const given = mask instanceof Tensor ? mask : tensor(mask);
  const fits = given.rank >= 2 && given.shape.slice(-2).every((size, i) => size === event[i] || size === 1);
  if (!fits) {
    throw new ShapeError(
      `${what}: expected a mask of shape [..., ${event.join(", ")}], found ${formatShape(given.shape)}. For whole steps give [${event[0]}, 1].`,
    );
  }
  return cast(given, like.dtype);
}
