/** Runs a training in its own process. */
import { spawn } from "node:child_process";
import { closeSync, openSync, readFileSync } from "node:fs";

/** What to run, where its error stream goes, and who receives its progress. */
export interface ChildOptions {
  /** The program and its first arguments. */
  readonly command: readonly [string, ...string[]];
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Its folder. Default: that of this process. */
  readonly cwd?: string;
  /** The file to which its error stream is appended. */
  readonly log: string;
  readonly onMessage?: (message: unknown) => void;
  /** Asks it to stop after the current step. */
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
 * Runs a process to its end. It has its own process group, so that Ctrl-C reaches it only once, through this process, and a channel to this
 * process, so that it notices when this process ends.
 */
export function runChild({
  command,
  args,
  env,
  cwd,
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
      ...(cwd !== undefined && { cwd }),
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

/** The last lines of a log, for an error message. */
export function lastLines(log: string, count = 3): string {
  try {
    return readFileSync(log, "utf8").trim().split("\n").slice(-count).join("\n");
  } catch {
    return "";
  }
}
