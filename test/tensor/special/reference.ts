import { readFileSync } from "node:fs";

/** Points and values of the table that reference.py wrote with mpmath at 50 digits and more. */
interface Column {
  readonly x: readonly number[];
  readonly y: readonly number[];
}

const table = JSON.parse(readFileSync(new URL("./reference.json", import.meta.url), "utf8")) as Readonly<
  Record<string, Column>
>;

export interface Worst {
  readonly error: number;
  /** The argument at which it occurs. */
  readonly at: number;
}

/** The largest of `errorAt(x)`; a NaN counts as infinite. */
export const worst = (xs: readonly number[], errorAt: (x: number, i: number) => number): Worst =>
  xs.reduce<Worst>(
    (sofar, x, i) => {
      const found = errorAt(x, i);
      const error = Number.isNaN(found) ? Number.POSITIVE_INFINITY : found;
      return error > sofar.error ? { error, at: x } : sofar;
    },
    { error: -1, at: Number.NaN },
  );

/** Relative where |expected| exceeds `floor`, absolute (in units of `floor`) elsewhere. */
export const mixedError = (found: number, expected: number, floor = 1): number =>
  Object.is(found, expected) ? 0 : Math.abs(found - expected) / Math.max(floor, Math.abs(expected));

/** The largest error of `f` against the column `name`, over the points that `keep` admits. */
export const worstAgainstTable = (
  name: string,
  f: (x: number) => number,
  options: { readonly floor?: number; readonly keep?: (x: number) => boolean } = {},
): Worst & { readonly points: number } => {
  const { floor = 1, keep = () => true } = options;
  const column = table[name] ?? { x: [], y: [] };
  const rows = column.x.map((x, i) => [x, column.y[i] ?? Number.NaN] as const).filter(([x]) => keep(x));
  const found = worst(
    rows.map(([x]) => x),
    (x, i) => mixedError(f(x), rows[i]?.[1] ?? Number.NaN, floor),
  );
  return { ...found, points: rows.length };
};
