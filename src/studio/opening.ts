/** Opens a session: its folder, its data, and what learns and chooses in it. */
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { CheckpointError } from "../errors.ts";
import { reason, takeLock, writeDurably } from "../files/index.ts";
import { openRun } from "../runs/index.ts";
import { chooserHere, chooserInThread } from "./chooser.ts";
import { type Features, principalFeatures } from "./features.ts";
import { openLabelLog } from "./label-log.ts";
import { umapInThread, umapLayout } from "./layout.ts";
import { checkBase, codesOf } from "./learner.ts";
import { loadRows, type RowsSource, type StudioRows } from "./rows.ts";
import { finishedM1, type SeeingSource, trainM1InChild } from "./seeing.ts";
import { Session, type SessionTools } from "./session.ts";
import { type Teacher, teacherHere, teacherInChild } from "./teacher.ts";

/** Options of {@link openSession}. */
export interface SessionOptions {
  readonly source: RowsSource;
  /** The session's folder; a session that is already there is continued. */
  readonly folder: string;
  /** A run of `vae` or `m1` on the same rows. */
  readonly run?: string;
  /** Passes over the rows in a lesson that starts from scratch. Default: those of the kind, or fewer if there are many rows. */
  readonly epochs?: number;
  /**
   * Passes over the images to train M1 in the background, if there is no `run`; 0 for none. Default: as many as show it 600,000 rows, at
   * least 10 and at most 100. M1 of a table is not trained: M2 learns from its columns.
   */
  readonly m1Epochs?: number;
  /** Whether to train in this process, without M1. Default false: in child processes. */
  readonly here?: boolean;
}

/**
 * Opens a session's folder, or creates it.
 *
 * @throws CheckpointError when it is a session on other data, or damaged.
 * @throws BusyError when another process has it open.
 */
export async function openSession(options: SessionOptions): Promise<Session> {
  const { source, folder, here = false, m1Epochs } = options;
  const rows = await loadRows(source);
  mkdirSync(folder, { recursive: true });
  // Two processes that write to one log would undo each other's labels.
  const lock = takeLock(folder);
  try {
    checkData(join(folder, "session.json"), source, rows);
    const log = openLabelLog(join(folder, "labels.jsonl"));
    const run = options.run ?? (await finishedM1(folder));
    const base = run === undefined ? undefined : await openRun(run);
    if (base !== undefined) checkBase(base, rows);
    const teacher = await teacherOn(options, rows, run);
    const tools = { ...chosenBy(await principalFeatures(rows.rows), here), teacher };
    const umap = here ? umapLayout : umapInThread;
    const session = new Session({ rows, log, folder, lock, umap, ...tools });
    await session.chooseMore();
    if (base !== undefined) {
      // Encoding all rows takes seconds; a person can begin with what principal components say.
      const seen = codesOf(base, rows.rows).then((codes) => ({ ...chosenBy(codes, here), teacher }));
      void session.improve(seen);
    } else if (rows.rows.kind === "image" && !here && m1Epochs !== 0) {
      improveByM1(session, options);
    }
    return session;
  } catch (error) {
    lock.release();
    throw error;
  }
}

/** What chooses rows by their features. */
const chosenBy = (features: Features, here: boolean): Omit<SessionTools, "teacher"> => ({
  features,
  chooser: here ? chooserHere(features) : chooserInThread(features),
});

/** What learns: from the codes of a run, or from the rows themselves. */
const teacherOn = async (
  { source, folder, epochs, here }: SessionOptions,
  rows: StudioRows,
  run: string | undefined,
): Promise<Teacher> => {
  const taught = {
    source,
    folder,
    ...(run !== undefined && { run }),
    ...(epochs !== undefined && { epochs }),
  };
  return here ? await teacherHere(taught, rows) : teacherInChild(taught);
};

/** Trains M1 in the background; when it is there, the session learns from its codes. */
function improveByM1(session: Session, options: SessionOptions): void {
  const { source, folder, m1Epochs } = options;
  const given: SeeingSource = { source, folder, ...(m1Epochs !== undefined && { m1Epochs }) };
  const { done, close } = trainM1InChild(given, (progress) => session.seeing(progress));
  const better = done.then(async (run) => ({
    ...chosenBy(await codesOf(await openRun(run), session.rows.rows), false),
    teacher: await teacherOn(options, session.rows, run),
  }));
  void session.improve(better, close);
}

/**
 * Writes the description of the session, or compares it with the existing one. @throws CheckpointError when it is a session on other data,
 * or cannot be read.
 */
function checkData(about: string, source: RowsSource, { rows }: StudioRows): void {
  const own = { format: "tightbound studio session", source, rows: rows.rows, shape: rows.shape };
  if (!existsSync(about)) {
    writeDurably(about, `${JSON.stringify(own, null, 2)}\n`);
    return;
  }
  let found: Partial<typeof own> | null;
  try {
    found = JSON.parse(readFileSync(about, "utf8"));
  } catch (cause) {
    throw new CheckpointError(
      `${about}: expected the description of a session, as JSON: ${reason(cause)}. Give another \`out\``,
      { cause },
    );
  }
  if (!isDeepStrictEqual(found, JSON.parse(JSON.stringify(own)))) {
    throw new CheckpointError(
      `${about}: expected a session on ${source.spec} (${own.rows} rows); found one on ${found?.source?.spec} (${found?.rows} rows), or with other options. Give another \`out\``,
    );
  }
}
