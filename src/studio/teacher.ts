/** Trains for a session: in a child process, so that labelling is not interrupted, or in this process. */
import { fork } from "node:child_process";
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { openRun } from "../runs/index.ts";
import { Learner, type Learnt, type Lesson } from "./learner.ts";
import { loadRows, type RowsSource, type StudioRows } from "./rows.ts";

/** Trains for a session. */
export interface Teacher {
  /** Trains, predicts, and writes the run to the session's folder. Undefined if fewer than two classes have labels. */
  learn(lesson: Lesson): Promise<Learnt | undefined>;
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
}

/** The folder of the run in a session's folder. */
export const runOf = (folder: string): string => join(folder, "run");

/** Trains in this process. */
export async function teacherHere(
  { source, folder, run, epochs }: TeacherSource,
  loaded?: StudioRows,
): Promise<Teacher> {
  const base = run === undefined ? undefined : await openRun(run);
  const learner = new Learner(loaded ?? (await loadRows(source)), {
    ...(base && { base }),
    ...(epochs !== undefined && { given: { train: { epochs } } }),
  });
  return {
    async learn(lesson) {
      const learnt = await learner.learn(lesson);
      if (learnt !== undefined) await learner.save(runOf(folder));
      return learnt;
    },
    close: () => undefined,
  };
}

/** The answer of a child process to a lesson. */
export type ChildAnswer = { readonly learnt: Learnt | undefined } | { readonly failed: string };

/** Trains in a child process. It is started for the first lesson, and again if it has ended. */
export function teacherInChild(given: TeacherSource): Teacher {
  let child: ReturnType<typeof fork> | undefined;
  const start = () => {
    const started = fork(new URL("./child.js", import.meta.url), [JSON.stringify(given)], {
      serialization: "advanced",
      stdio: ["ignore", "ignore", "inherit", "ipc"],
    });
    started.once("exit", () => {
      if (child === started) child = undefined;
    });
    child = started;
    return started;
  };
  return {
    learn(lesson) {
      const asked = child ?? start();
      return new Promise((resolve, reject) => {
        const ended = () =>
          reject(
            new UsageError("the training process has ended; it will be started again with the next label."),
          );
        asked.once("exit", ended);
        asked.once("message", (answer: ChildAnswer) => {
          asked.off("exit", ended);
          if ("failed" in answer) reject(new UsageError(answer.failed));
          else resolve(answer.learnt);
        });
        asked.send(lesson);
      });
    },
    close: () => {
      child?.kill();
    },
  };
}
