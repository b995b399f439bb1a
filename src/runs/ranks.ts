/** Several ranks that train one run: what must be the same on all of them. */
import { sha256 } from "#platform/hashing";
import { type Dataset, fingerprint } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import type { RunData, RunSettings } from "../kinds/index.ts";
import { onAllRanks, onEveryRank, type RankFailure, type Ranks, rankName } from "../mpi/index.ts";
import type { TrainStep } from "../optim/index.ts";
import { version } from "../version.ts";
import { settingsByPath } from "./settings-by-path.ts";

const SAME_FILES =
  "Give every machine the same files: put them on a disk that all share, or copy them again, and start every rank with their path there.";

const refused = (message: string): UsageError => onAllRanks(new UsageError(message));

/** The first rank whose value is not that of rank 0. */
const otherRank = (values: readonly string[]): number => values.findIndex((value) => value !== values[0]);

/** Ranks with other values than rank 0, those with the same value together: "rank 0 has A, and rank 2 and 3 have B". */
function whoHasWhat(
  ranks: Ranks,
  values: readonly string[],
  shown: (value: string) => string = (value) => value,
): string {
  const owners = new Map<string, string[]>();
  values.forEach((value, rank) => {
    owners.set(value, [...(owners.get(value) ?? []), rankName(ranks, rank)]);
  });
  return [...owners]
    .map(([value, names]) => {
      const who =
        names.length === 1 ? names[0] : `${names.slice(0, 3).join(", ")}${names.length > 3 ? ", …" : ""}`;
      return `${who} ${names.length === 1 ? "has" : "have"} ${shown(value)}`;
    })
    .join("; ");
}

/** @throws UsageError, the same on every rank, when a rank has another value than rank 0. */
function checkSame(
  ranks: Ranks,
  what: string,
  mine: string,
  way: string,
  shown?: (value: string) => string,
): void {
  const all = ranks.gather(mine);
  if (otherRank(all) < 0) return;
  throw refused(`train: ranks have different ${what}: ${whoHasWhat(ranks, all, shown)}. ${way}`);
}

const checkVersions = (ranks: Ranks): void =>
  checkSame(ranks, "versions of the program", version(), "Install the same version on every machine.");

/** The name is of the file, and may differ where the rows are the same. */
const checkRows = (ranks: Ranks, found: string, { name, rows }: Pick<Dataset, "name" | "rows">): void => {
  const all = ranks.gather(JSON.stringify([found, rows]));
  if (otherRank(all) < 0) return;
  const names = ranks.gather(name.replace(/\/train$/, ""));
  const shown = all.map((text, rank) => {
    const [hash, count] = JSON.parse(text) as [string, number];
    return `${count} rows of ${names[rank]} (fingerprint ${hash.slice(0, 8)})`;
  });
  throw refused(`train: ranks have different training rows: ${whoHasWhat(ranks, shown)}. ${SAME_FILES}`);
};

const sentence = (text: string): string => text.replace(/[.\s]*$/, ".");

/** Why ranks cannot begin: some could not read their data. */
const cannotRead =
  (ranks: Ranks, what: string) =>
  (failures: readonly RankFailure[]): UsageError => {
    const [{ rank, message }] = failures;
    const more = failures.length === 1 ? "" : ` (and ${failures.length - 1} more of ${ranks.size} ranks)`;
    return new UsageError(
      `train: ${rankName(ranks, rank)}${more} cannot read ${what}: ${sentence(message)} ${SAME_FILES}`,
    );
  };

/**
 * Loads the data of each rank, and compares them.
 * @throws UsageError, the same on every rank, when a rank cannot read its data, or has other training rows than rank 0.
 */
export async function loadOnRanks(ranks: Ranks, load: () => Promise<RunData>): Promise<RunData> {
  if (ranks.size === 1) return load();
  checkVersions(ranks);
  const data = await onEveryRank(ranks, load, cannotRead(ranks, "its data"));
  checkRows(ranks, fingerprint(data.train), data.train);
  return data;
}

/** Reads something of a run's folder on every rank. @throws UsageError, the same on every rank, when one cannot. */
export const readOnRanks = <T>(ranks: Ranks, path: string, read: () => Promise<T>): Promise<T> =>
  onEveryRank(ranks, read, (failures) => {
    const [{ rank, message }] = failures;
    return new UsageError(
      `train: ${rankName(ranks, rank)} cannot read ${path}: ${sentence(message)} Put the run's folder on a disk that all ranks share.`,
    );
  });

/** Threads are a rank's own. */
const OWN: readonly string[] = ["train.threads"];

/**
 * Compares program, data and settings of all ranks before anything is trained.
 * @throws UsageError, the same on every rank, when a rank has others than rank 0.
 */
export function checkRanks(ranks: Ranks, { data, model, train, labels }: RunSettings): void {
  if (ranks.size === 1) return;
  checkVersions(ranks);
  checkRows(ranks, data.fingerprint, { name: data.name, rows: data.trainRows });
  const mine = settingsByPath({ model, train, labels }, OWN);
  const all = ranks.gather(JSON.stringify(mine));
  const other = otherRank(all);
  if (other < 0) return;
  const [first, second] = [all[0], all[other]].map(
    (text) => new Map(JSON.parse(text) as readonly (readonly [string, string])[]),
  );
  const differing = [...new Set([...first.keys(), ...second.keys()])]
    .filter((path) => first.get(path) !== second.get(path))
    .map((path) => `\`${path}\` is ${first.get(path) ?? "absent"} and ${second.get(path) ?? "absent"}`);
  throw refused(
    `train: ranks have different settings: ${rankName(ranks, 0)} and ${rankName(ranks, other)}: ${differing.slice(0, 5).join("; ")}` +
      `${differing.length > 5 ? `; and ${differing.length - 5} more` : ""}. Start every rank with the same command.`,
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
  throw refused(
    `train: after epoch ${epoch} the parameters of ${rankName(ranks, other)} are not those of ${rankName(ranks, 0)}, though both had the same gradients. Train on ` +
      "machines of one kind, with one version of MPI. The last checkpoint is that of the epoch before.",
  );
}
