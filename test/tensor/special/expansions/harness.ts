import {
  type Algebra,
  float32Algebra,
  float64Algebra,
  type Precision,
} from "../../../../src/tensor/special/index.ts";

export const precisions: readonly Precision[] = ["float32", "float64"];

/** The bounds that the expansions promise: relative where the value exceeds 1, absolute elsewhere. */
export const bound: Readonly<Record<Precision, number>> = { float32: 1e-6, float64: 1e-12 };

export type Expansion = <T>(ops: Algebra<T>, x: T, precision: Precision) => T;

/** The expansion as a function of a number, in the arithmetic of its precision. */
export const execute =
  (expand: Expansion, precision: Precision) =>
  (x: number): number =>
    expand(precision === "float32" ? float32Algebra : float64Algebra, x, precision);

/** How many operations other than constants the expansion makes. */
export const countOperations = (expand: Expansion, precision: Precision): number => {
  let count = 0;
  const counted = () => {
    count += 1;
    return 0;
  };
  expand<number>(
    {
      constant: () => 0,
      add: counted,
      sub: counted,
      mul: counted,
      div: counted,
      neg: counted,
      log: counted,
      abs: counted,
      floor: counted,
      sin: counted,
      less: counted,
      where: counted,
    },
    0,
    precision,
  );
  return count;
};

const spaced = (count: number, low: number, high: number): readonly number[] =>
  Array.from({ length: count + 1 }, (_, i) => low + ((high - low) * i) / count);

const rounded = (xs: readonly number[], precision: Precision): readonly number[] =>
  precision === "float32" ? xs.map(Math.fround) : xs;

/** 1e-6 to 1e6 on a log scale; ½ to 4, where the zeros lie; and the neighbourhoods of 1, 2 and 1.4616…. */
export const positiveGrid = (precision: Precision): readonly number[] =>
  rounded(
    [
      ...spaced(8_000, -6, 6).map((e) => 10 ** e),
      ...spaced(4_000, 0.5, 4),
      ...[1, 1.4616321449683622, 2].flatMap((zero) => spaced(1_000, -1e-4, 1e-4).map((d) => zero + d)),
      ...[1, 1.4616321449683622, 2].flatMap((zero) =>
        spaced(60, -15, -4).flatMap((e) => [zero - 10 ** e, zero + 10 ** e]),
      ),
    ],
    precision,
  );

/** −20 to 0 and a little, avoiding the integers: 5000 points 0.004 apart, from −19.9985. */
export const negativeGrid = (precision: Precision): readonly number[] =>
  rounded(spaced(4_999, -19.9985, -0.0025), precision);

export const symmetricGrid = (precision: Precision): readonly number[] =>
  rounded(
    [...spaced(12_000, -7, 7), ...spaced(2_000, -30, 3).flatMap((e) => [10 ** e, -(10 ** e)])],
    precision,
  );
