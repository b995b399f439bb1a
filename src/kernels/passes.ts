/** Kernels that pass over ranges of the arena: in blocks, or on several threads. */
import { MOST_CHUNKS, type Threads } from "#platform/threads";
import type { Kernels } from "./module.ts";

/** How many arrays each kernel that passes over elements takes before their number. */
const ARRAYS = { addTo: 2, adam: 4, sgd: 2, sgdMomentum: 3, rmsprop: 3, rmspropMomentum: 4 } as const;
type Update = keyof typeof ARRAYS;
const updates = Object.keys(ARRAYS) as readonly Update[];

/** The kernels that threads run. */
export const passNames: readonly string[] = [...updates, "sumOfSquares"];

/** Elements in 64 bytes: a chunk begins where a line of the cache does. */
const LINE = 16;

/** Fewer elements are passed over on one thread: waking another takes as long as a pass over some ten thousand. */
const FEWEST = 2 ** 16;

const wholeLines = (count: number): number => Math.ceil(count / LINE) * LINE;

/** The elements of each block of a sum. They depend only on the number of elements, so that the sum is the same on any number of threads. */
const blockOf = (count: number): number => Math.max(2 ** 16, wholeLines(count / MOST_CHUNKS));

const total = (values: Iterable<number>): number => {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
};

/** Kernels whose sums are made of blocks. */
export const inBlocks = (kernels: Kernels): Kernels => ({
  ...kernels,
  sumOfSquares: (data, count) => {
    const block = blockOf(count);
    const blocks = Array.from({ length: Math.ceil(count / block) }, (_, i) =>
      kernels.sumOfSquares(data + 4 * i * block, Math.min(block, count - i * block)),
    );
    return total(blocks);
  },
});

/** The same kernels, where passes over many elements are shared by threads: bit for bit the same. */
export function onThreads(kernels: Kernels, threads: Threads, count: number): Kernels {
  const update =
    (name: Update) =>
    (...args: readonly number[]): number => {
      const arrays = ARRAYS[name];
      const elements = args[arrays];
      if (elements < FEWEST) return (kernels[name] as (...all: readonly number[]) => number)(...args);
      // Some chunks for each thread, so that one that comes late does not hold up the others.
      const chunk = wholeLines(Math.max(elements / (4 * count), elements / MOST_CHUNKS, FEWEST / 8));
      const finite = threads.run({
        name,
        addresses: args.slice(0, arrays),
        count: elements,
        chunk,
        rest: args.slice(arrays + 1),
      });
      return finite.every((one) => one === 1) ? 1 : 0;
    };
  return {
    ...kernels,
    ...(Object.fromEntries(updates.map((name) => [name, update(name)])) as Record<
      Update,
      (...args: readonly number[]) => number
    >),
    sumOfSquares: (data, elements) =>
      elements < 2 * FEWEST
        ? kernels.sumOfSquares(data, elements)
        : total(
            threads.run({
              name: "sumOfSquares",
              addresses: [data],
              count: elements,
              chunk: blockOf(elements),
              rest: [],
            }),
          ),
  };
}
