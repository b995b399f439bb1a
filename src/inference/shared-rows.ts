/** A program whose minibatches are shared by ranks: the arguments of one rank, and what must hold for their mean to be the whole. */
import { UsageError } from "../errors.ts";
import type { Ranks } from "../mpi/index.ts";
import { type Program, randomSites, trace } from "../program/index.ts";
import { input, isInput, Tensor } from "../tensor/index.ts";

/** The arguments with a rank's share of the rows of each input: its first axis. Everything else stays as it is. */
export function ownRows<A extends readonly unknown[]>(args: A, { size }: Ranks): A {
  const own = new Map<string, Tensor>();
  const share = (value: unknown): unknown => {
    if (value instanceof Tensor) {
      if (!isInput(value) || value.shape.length === 0) return value;
      const { name } = value.attributes;
      const [rows, ...rest] = value.shape;
      if (rows % size !== 0) {
        throw new UsageError(
          `svi: ${size} ranks cannot share the ${rows} rows of input '${name}' equally. Give it a number of rows that is a multiple of the number of ranks.`,
        );
      }
      const part = own.get(name) ?? input(name, [rows / size, ...rest], value.dtype);
      own.set(name, part);
      return part;
    }
    if (Array.isArray(value)) return value.map(share);
    if (typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype)
      return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, share(inner)]));
    return value;
  };
  return args.map(share) as unknown as A;
}

/**
 * The mean of the ranks' bounds is the bound of the whole minibatch where each plate whose rows are shared says how many rows all data
 * have: its terms are scaled by that number over the rank's.
 * @throws UsageError when a plate's size is that of the minibatch, or a site outside plates has another shape on a rank.
 */
export function checkPlates<A extends readonly unknown[]>(
  program: Program<A>,
  args: A,
  own: A,
  { size }: Ranks,
): void {
  const whole = new Map(randomSites(trace(program, args)).map((site) => [site.name, site]));
  for (const { name, plates } of randomSites(trace(program, own))) {
    const others = whole.get(name)?.plates ?? [];
    for (const [i, plate] of plates.entries()) {
      const other = others[i];
      if (other === undefined || other.rows === plate.rows) continue;
      if (other.size !== plate.size || other.rows !== plate.rows * size) {
        throw new UsageError(
          `svi: site '${name}' is in plate '${plate.name}', of ${other.size} elements in one process and ${plate.size} on each of ${size} ranks. Give the ` +
            "plate the number of rows of all data, and open it with the rows of the minibatch, so that a rank's terms are scaled to all data.",
        );
      }
    }
  }
}
