/** Several ranks that train one run: what must be the same on all of them. */
import { sha256 } from "#platform/hashing";
import { UsageError } from "../errors.ts";
import type { RunSettings } from "../kinds/index.ts";
import type { Ranks } from "../mpi/index.ts";
import type { TrainStep } from "../optim/index.ts";
import { version } from "../version.ts";

/** The first rank whose value is not that of rank 0. */
const otherRank = (values: readonly string[]): number => values.findIndex((value) => value !== values[0]);

/**
 * Compares program, data and settings of all ranks before anything is trained.
 * @throws UsageError, the same on every rank, when a rank has others than rank 0.
 */
export function checkRanks(ranks: Ranks, { data, model, train, labels }: RunSettings): void {
  if (ranks.size === 1) return;
  const differs = (what: string, mine: string, shown: (text: string) => string, way: string): void => {
    const all = ranks.gather(mine);
    const other = otherRank(all);
    if (other < 0) return;
    throw new UsageError(
      `train: ranks have different ${what}: rank 0 has ${shown(all[0])}, rank ${other} has ${shown(all[other])}. ${way}`,
    );
  };
  differs("versions of the program", version(), (text) => text, "Install the same version on every machine.");
  const rows = JSON.stringify([data.fingerprint, data.trainRows, data.name]);
  const shownRows = (text: string): string => {
    const [fingerprint, count, name] = JSON.parse(text) as [string, number, string];
    return `${count} rows of ${name} (${fingerprint.slice(0, 8)})`;
  };
  differs("training rows", rows, shownRows, "Give every machine the same files.");
  const { threads: _, ...training } = train;
  differs(
    "settings",
    JSON.stringify([model, training, labels]),
    (text) => sha256().update(text).digest("hex").slice(0, 8),
    "Start every rank with the same command.",
  );
}

/** @throws UsageError when parameters have drifted apart: a machine that computes sums in another order, or one that is broken. */
export function checkSameParameters(ranks: Ranks, { arena }: TrainStep, epoch: number): void {
  if (ranks.size === 1) return;
  const { buffer, byteOffset, byteLength } = arena.flat.parameters;
  const hash = sha256()
    .update(new Uint8Array(buffer, byteOffset, byteLength))
    .digest("hex");
  const other = otherRank(ranks.gather(hash));
  if (other < 0) return;
  throw new UsageError(
    `train: after epoch ${epoch} the parameters of rank ${other} are not those of rank 0, though both had the same gradients. Train on ` +
      "machines of one kind, with one version of MPI. The last checkpoint is that of the epoch before.",
  );
}
