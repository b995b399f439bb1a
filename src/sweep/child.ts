/** A training as a process of its own. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** What is run, where its error stream goes, and who is told of its progress. */
export interface ChildOptions {
  /** The program and its first arguments. */
  readonly command: readonly [string, ...string[]];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** A file that its error stream is added to. */
  readonly log: string;
  readonly onMessage?: (message: unknown) => void;
  /** Asks it to stop after its step. */
  readonly stop: AbortSignal;
  /** Ends it at once. */
  readonly kill: AbortSignal;
}

/** How a process ended. */
export interface ChildEnd {
  readonly code: number | null;
  readonly signal: string | null;
  readonly out: string;
}

/**
 * Runs a process to its end. It has a process group of its own, so that Ctrl-C reaches it once, through us; and a channel to us, so that it
 * knows when we are gone.
 */
export function runChild({
  command,
  args,
  env,
  log,
  onMessage,
  stop,
  kill,
}: ChildOptions): Promise<ChildEnd> {
  const [program, ...first] = command;
  const errors = openSync(log, "a");
  return new Promise((resolve, reject) => {
    const child = spawn(program, [...first, ...args], {
      env,
      detached: true,
      stdio: ["ignore", "pipe", errors, "ipc"],
    });
    closeSync(errors);
    let out = "";
    const ask = () => child.kill("SIGTERM");
    const end = () => child.kill("SIGKILL");
    stop.addEventListener("abort", ask, { once: true });
    kill.addEventListener("abort", end, { once: true });
    const release = () => {
      stop.removeEventListener("abort", ask);
      kill.removeEventListener("abort", end);
    };
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      out += text;
    });
    child.on("message", (message) => onMessage?.(message));
    child.on("error", (error) => {
      release();
      reject(error);
    });
    child.on("close", (code, signal) => {
      release();
      resolve({ code, signal, out });
    });
    if (stop.aborted) ask();
  });
}

/** The last lines of a log, for a message. */
export function lastLines(log: string, count = 3): string {
  try {
    return readFileSync(log, "utf8").trim().split("\n").slice(-count).join("\n");
  } catch {
    return "";
  }
}
