/**
 * M1 for a session on images without a run: a VAE that is trained on all rows in a child process of low priority, while the session goes on
 * with what it has. It is a run in the session's folder, with a checkpoint per epoch, and continues after a restart.
 */
import { fork } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { runFolder } from "../files/index.ts";
import { declarationOf, defaultsOf } from "../kinds/index.ts";
import { newRun, openRun, resumeRun, startRun } from "../runs/index.ts";
import { version } from "../version.ts";
import { loadRows, type RowsSource } from "./rows.ts";

/** What the child process needs. */
export interface SeeingSource {
  readonly source: RowsSource;
  /** The session's folder. */
  readonly folder: string;
  /** Passes over the rows. Default: 600,000 rows are seen in all, in at least 10 and at most 100 passes. */
  readonly m1Epochs?: number;
}

/** How far the training is. */
export interface SeeingProgress {
  readonly epoch: number;
  readonly epochs: number;
}

/** What the child process says. */
export type SeeingMessage = SeeingProgress | { readonly done: true } | { readonly failed: string };

/** The folder of M1 in a session's folder. */
export const m1Of = (folder: string): string => join(folder, "m1");

/** The run of M1 in a session's folder, if its training is complete. */
export async function finishedM1(folder: string): Promise<string | undefined> {
  const path = m1Of(folder);
  if (!existsSync(runFolder(path).checkpoint)) return undefined;
  const { epoch, run } = await openRun(path);
  return epoch >= run.settings.train.epochs ? path : undefined;
}

const epochsFor = (rows: number): number => Math.min(100, Math.max(10, Math.round(600_000 / rows)));

/** Trains M1, or goes on where it stopped. */
export async function trainM1(
  { source, folder, m1Epochs }: SeeingSource,
  onProgress: (progress: SeeingProgress) => void,
): Promise<void> {
  const { rows, likelihood, binarize, described } = await loadRows(source);
  const path = m1Of(folder);
  const data = { train: rows };
  let epochs = m1Epochs ?? epochsFor(rows.rows);
  const hooks = {
    onStage: ({ settings }: { settings: { readonly train: { readonly epochs: number } } }) => {
      epochs = settings.train.epochs;
    },
    onEpochLogged: ({ epoch }: { readonly epoch: number }) => onProgress({ epoch, epochs }),
  };
  if (existsSync(runFolder(path).config)) {
    await resumeRun(path, data, hooks);
    return;
  }
  // As M1+M2 would train its M1.
  const { model, train } = defaultsOf(declarationOf("m1m2").settings.m1, {
    rows: rows.rows,
    table: false,
    labels: 0,
  }) as { readonly model: Record<string, unknown>; readonly train: Record<string, unknown> };
  const { model: _, shape: __, ...architecture } = model;
  const settings = newRun(
    "vae",
    {
      model: { ...architecture, likelihood },
      train: { ...train, binarize, epochs, threads: 1 },
    },
    rows,
    described(rows),
    { version: version(), command: "tightbound studio" },
  );
  await startRun(path, settings, data, hooks);
}

/** Trains M1 in a child process. */
export function trainM1InChild(
  given: SeeingSource,
  onProgress: (progress: SeeingProgress) => void,
): { readonly done: Promise<string>; close(): void } {
  const child = fork(new URL("./seeing-child.js", import.meta.url), [JSON.stringify(given)], {
    stdio: ["ignore", "ignore", "inherit", "ipc"],
  });
  const done = new Promise<string>((resolve, reject) => {
    child.on("message", (message: SeeingMessage) => {
      if ("failed" in message) reject(new UsageError(`M1: ${message.failed}`));
      else if ("done" in message) resolve(m1Of(given.folder));
      else onProgress(message);
    });
    child.once("exit", () =>
      reject(new UsageError("M1: its training process has ended. Start the studio again to go on.")),
    );
  });
  return {
    done,
    close: () => {
      child.kill();
    },
  };
}
