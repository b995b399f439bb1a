/** Trains for a session: in a child process, so that labelling is not interrupted, or in this process. */
import { fork } from "node:child_process";
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { openRun } from "../runs/index.ts";
import { type Explained, Learner, type Learnt, type Lesson, type LessonProgress } from "./learner.ts";
import { loadRows, type RowsSource, type StudioRows } from "./rows.ts";

/** Trains for a session, and answers what only the model knows. */
export interface Teacher {
  /**
   * Trains, predicts, and writes the run to the session's folder. Undefined if fewer than two classes have labels, and for a thorough lesson that
   * was stopped.
   */
  learn(lesson: Lesson, onEpoch?: (progress: LessonProgress) => void): Promise<Learnt | undefined>;
  /** Ends a thorough lesson. A short one goes on. */
  stop(): void;
  /** A row as every class. Undefined before the first lesson. */
  explain(row: number): Promise<Explained | undefined>;
  /** A lower bound on log p(x) of each row, in nats. Undefined while no model can tell it in reasonable time. */
  bounds(): Promise<Float32Array | undefined>;
  close(): void;
}

/** What a child process needs in order to load the same rows. */
export interface TeacherSource {
  readonly source: RowsSource;
  /** The session's folder. */
  readonly folder: string;
  /** A run of `vae` or `m1`. */
  readonly run?: string;
  readonly epochs?: number;
  /** Default: as many as there are cores. */
  readonly threads?: number;
}

/** The folder of the run in a session's folder. */
export const runOf = (folder: string): string => join(folder, "run");

/** Trains in this process. */
export async function teacherHere(
  { source, folder, run, epochs, threads }: TeacherSource,
  loaded?: StudioRows,
): Promise<Teacher> {
  const base = run === undefined ? undefined : await openRun(run);
  const learner = new Learner(loaded ?? (await loadRows(source)), {
    ...(base && { base }),
    given: { train: { ...(epochs !== undefined && { epochs }), ...(threads !== undefined && { threads }) } },
  });
  let thorough: AbortController | undefined;
  return {
    async learn(lesson, onEpoch) {
      thorough = lesson.thorough ? new AbortController() : undefined;
      const hooks = { ...(onEpoch && { onEpoch }), ...(thorough && { signal: thorough.signal }) };
      const learnt = await learner.learn(lesson, hooks);
      if (learnt !== undefined) await learner.save(runOf(folder));
      return learnt;
    },
    explain: (row) => learner.explain(row),
    stop: () => thorough?.abort(),
    bounds: () => learner.bounds(),
    close: () => thorough?.abort(),
  };
}

/** What a child process is asked. */
export type ChildQuestion =
  | { readonly id: number; readonly lesson: Lesson }
  | { readonly id: number; readonly row: number }
  | { readonly id: number; readonly bounds: true };

/** What a child process is told, without an answer: to end a thorough lesson. */
export const STOP = "stop";

/** The answer of a child process. */
export type ChildAnswer =
  | { readonly id: number; readonly answer: Learnt | Explained | Float32Array | undefined }
  | { readonly id: number; readonly progress: LessonProgress }
  | { readonly id: number; readonly failed: string };

interface Pending {
  readonly onEpoch?: ((progress: LessonProgress) => void) | undefined;
  readonly resolve: (answer: never) => void;
  readonly reject: (error: Error) => void;
}

type Unnumbered<Q> = Q extends unknown ? Omit<Q, "id"> : never;

/** Trains in a child process. It is started for the first lesson, and again if it has ended. */
export function teacherInChild(given: TeacherSource): Teacher {
  let child: ReturnType<typeof fork> | undefined;
  let count = 0;
  const pending = new Map<number, Pending>();
  const start = () => {
    const started = fork(new URL("./child.js", import.meta.url), [JSON.stringify(given)], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    started.on("message", (answer: ChildAnswer) => {
      const asked = pending.get(answer.id);
      if ("progress" in answer) {
        asked?.onEpoch?.(answer.progress);
        return;
      }
      pending.delete(answer.id);
      if ("failed" in answer) asked?.reject(new UsageError(answer.failed));
      else asked?.resolve(answer.answer as never);
    });
    started.once("exit", () => {
      if (child === started) child = undefined;
      for (const { reject } of pending.values())
        reject(
          new UsageError("the training process has ended; it will be started again with the next label."),
        );
      pending.clear();
    });
    child = started;
    return started;
  };
  const ask = <A>(question: Unnumbered<ChildQuestion>, onEpoch?: Pending["onEpoch"]): Promise<A> => {
    const asked = child ?? start();
    const id = count++;
    return new Promise<A>((resolve, reject) => {
      pending.set(id, { resolve, reject, onEpoch });
      asked.send({ ...question, id });
    });
  };
  return {
    learn: (lesson, onEpoch) => ask({ lesson }, onEpoch),
    stop: () => {
      child?.send(STOP);
    },
    explain: (row) => ask({ row }),
    bounds: () => ask({ bounds: true }),
    close: () => {
      child?.kill();
    },
  };
}
