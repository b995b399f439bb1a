/** A sweep's folder: `sweep.json` with the plan and the state of each run, the folders of the runs, and their output in `logs/`. */
import { randomUUID } from "node:crypto";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { CheckpointError, UsageError } from "../errors.ts";
import { type RunLock, reason, takeLock, writeDurably } from "../files/index.ts";
import { type Plan, type PlannedRun, runsOf } from "./plan.ts";

/** How a run of a sweep ended. */
export const endings = z.discriminatedUnion("state", [
  z.object({ state: z.literal("done"), outcome: z.record(z.string(), z.unknown()) }),
  z.object({ state: z.literal("failed"), message: z.string() }),
]);
/** How a run ended: `outcome` is what `train --json` printed, `message` the error. */
export type Ending = z.output<typeof endings>;

const FORMAT = "tightbound sweep";
const PREPARED = "tightbound prepared runs";

const file = z.object({
  format: z.literal(FORMAT),
  version: z.string(),
  /** Tells this sweep from all others, on a queue that several use. Sweeps of earlier versions have none. */
  id: z.uuid().optional(),
  model: z.string(),
  settings: z.record(z.string(), z.union([z.string(), z.literal(true)])),
  axes: z.array(z.object({ name: z.string(), values: z.array(z.string()) })),
  ended: z.record(z.string(), endings),
});

/** An open sweep: only this process works on it. */
export interface SweepFolder {
  readonly path: string;
  /** Tells this sweep from all others. */
  readonly id: string;
  readonly runs: readonly PlannedRun[];
  /** How runs ended, by name; a run that has not ended has no entry. */
  readonly ended: ReadonlyMap<string, Ending>;
  folderOf(run: PlannedRun): string;
  logOf(run: PlannedRun): string;
  /** Saves how a run ended; it is on the disk when this returns. */
  end(run: PlannedRun, ending: Ending): void;
  close(): void;
}

/** A folder of runs that were written down by something other than a plan. */
const prepared = z.object({ format: z.literal(PREPARED), version: z.string(), id: z.uuid() });

/** The identity of the sweep, or of the prepared runs, whose folder this is; undefined if it is none. */
export function sweepIn(path: string): string | undefined {
  try {
    return z.union([file, prepared]).parse(JSON.parse(readFileSync(join(path, "sweep.json"), "utf8"))).id;
  } catch {
    return undefined;
  }
}

/** What a sweep's folder has beside its runs. */
const OWN: readonly string[] = ["sweep.json", "logs", "lock"];

const isSweep = (path: string): boolean => existsSync(join(path, "sweep.json"));

/**
 * The folders of runs among paths: a sweep stands for those of its runs that have started, and what its folder has beside them, which
 * `runs/sweep/*` names as well, is left out.
 */
export const runsAmong = (paths: readonly string[]): string[] =>
  paths.flatMap((path) => {
    if (isSweep(path))
      return readdirSync(path)
        .filter((name) => existsSync(join(path, name, "config.json")))
        .sort()
        .map((name) => join(path, name));
    return OWN.includes(basename(path)) && isSweep(dirname(path)) ? [] : [path];
  });

/** The differences between two plans, in words. */
function differences(before: Plan, now: Plan): string {
  const flat = ({ model, settings, axes }: Plan) =>
    new Map<string, string>([
      ["model", model],
      ...Object.entries(settings).map(([name, value]) => [name, String(value)] as const),
      ...axes.map(({ name, values }) => [name, values.join(", ")] as const),
    ]);
  const [a, b] = [flat(before), flat(now)];
  return [...new Set([...a.keys(), ...b.keys()])]
    .filter((name) => a.get(name) !== b.get(name))
    .map((name) => `${name} was ${a.get(name) ?? "not given"} and is ${b.get(name) ?? "not given"}`)
    .join("; ");
}

function readSweep(path: string): z.output<typeof file> {
  let content: unknown;
  try {
    content = JSON.parse(readFileSync(path, "utf8"));
  } catch (cause) {
    throw new CheckpointError(
      `${path}: expected the state of a sweep, but it cannot be read: ${reason(cause)}.`,
    );
  }
  const parsed = file.safeParse(content);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new CheckpointError(
    `${path}: expected the state of a sweep; ${issue.path.join(".") || "it"}: ${issue.message}.`,
  );
}

/**
 * Opens the folder of a sweep: a new or empty one, or that of the same sweep, which then continues.
 * @throws UsageError when the folder has another sweep, or other files.
 * @throws BusyError when another process works on it.
 */
export function openSweep(path: string, plan: Plan, version: string): SweepFolder {
  const state = join(path, "sweep.json");
  mkdirSync(join(path, "logs"), { recursive: true });
  const lock: RunLock = takeLock(path);
  try {
    const known = existsSync(state) ? readSweep(state) : undefined;
    const others = readdirSync(path).filter((name) => !["lock", "logs"].includes(name));
    if (known === undefined && others.length > 0) {
      throw new UsageError(
        `${path}: expected a new or empty folder, or that of this sweep; found ${others.slice(0, 3).join(", ")}. Choose another with \`out\`.`,
      );
    }
    if (known !== undefined) checkSame(path, known, plan, version);
    return opened(path, state, plan, { version, id: known?.id ?? randomUUID() }, lock, known?.ended ?? {});
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Opens a folder with runs whose settings are written down already, to have them trained by processes or workers. How they ended is not kept:
 * their folders tell. Several processes may do so; each run is locked by the one that trains it.
 */
export function openPrepared(path: string, names: readonly string[], version: string): SweepFolder {
  mkdirSync(join(path, "logs"), { recursive: true });
  const id = sweepIn(path) ?? randomUUID();
  writeDurably(join(path, "sweep.json"), `${JSON.stringify({ format: PREPARED, version, id }, null, 2)}\n`);
  const ended = new Map<string, Ending>();
  return {
    path,
    id,
    runs: names.map((name) => ({ name, values: {} })),
    ended,
    folderOf: ({ name }) => join(path, name),
    logOf: ({ name }) => join(path, "logs", `${name}.txt`),
    end: ({ name }, ending) => void ended.set(name, ending),
    close: () => undefined,
  };
}

function checkSame(path: string, known: z.output<typeof file>, plan: Plan, version: string): void {
  const { model, settings, axes } = known;
  if (!isDeepStrictEqual({ model, settings, axes }, plan)) {
    throw new UsageError(
      `${path}: another sweep has this folder: ${differences({ model, settings, axes }, plan) || "its values are in a different order"}. ` +
        "Repeat its plan to continue it, or choose another folder with `out`.",
    );
  }
  if (known.version !== version) {
    throw new UsageError(
      `${path}: the sweep was started with version ${known.version} of the program, but this is version ${version}, ` +
        "and their runs could differ. Continue with that version, or choose another folder with `out`.",
    );
  }
}

function opened(
  path: string,
  state: string,
  plan: Plan,
  { version, id }: { readonly version: string; readonly id: string },
  lock: RunLock,
  before: Readonly<Record<string, Ending>>,
): SweepFolder {
  const ended = new Map(Object.entries(before));
  const write = () =>
    writeDurably(
      state,
      `${JSON.stringify({ format: FORMAT, version, id, ...plan, ended: Object.fromEntries(ended) }, null, 2)}\n`,
    );
  write();
  return {
    path,
    id,
    runs: runsOf(plan),
    ended,
    folderOf: ({ name }) => join(path, name),
    logOf: ({ name }) => join(path, "logs", `${name}.txt`),
    end({ name }, ending) {
      ended.set(name, ending);
      write();
    },
    close: () => lock.release(),
  };
}
