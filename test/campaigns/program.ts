/** The built program as a process, and what it leaves behind. */
import { execFileSync, spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { copyFileSync, mkdirSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { join, relative } from "node:path";
import { loadCheckpoint } from "../../src/files/checkpoint.ts";
import { processesWith } from "../cli/program.ts";

const ROOT = join(import.meta.dirname, "../..");

/**
 * Builds the program, without its types, which are checked elsewhere. It lies inside the project, where its dependencies are found.
 * @param name of a folder of its own: test files run side by side
 * @returns the path of its main file
 */
export const buildProgram = (name: string): string => {
  const built = join(ROOT, "node_modules/.cache", name);
  mkdirSync(built, { recursive: true });
  const options = ["-p", join(ROOT, "tsconfig.build.json"), "--noCheck", "--declaration", "false"];
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), [...options, "--outDir", join(built, "dist")]);
  copyFileSync(join(ROOT, "package.json"), join(built, "package.json"));
  return join(built, "dist/cli/main.js");
};

/** How a process ended, and what it printed. */
export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly out: string;
  readonly err: string;
  /** Wall time in ms. */
  readonly took: number;
}

/** How a process is started, and when it is killed. */
export interface Start {
  readonly cwd: string;
  /** Arguments of Node.js before the program. */
  readonly node?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** SIGKILL after so many ms. */
  readonly killAfter?: number;
}

/** Runs a program to its end. After ten minutes it hangs, even on a busy machine: it is killed, and its signal is SIGKILL. */
export const runProcess = (
  main: string,
  argv: readonly string[],
  { cwd, node = [], env = {}, killAfter = 600_000 }: Start,
): Promise<Ended> =>
  new Promise((resolve) => {
    const started = performance.now();
    const child = spawn(process.execPath, [...node, main, ...argv], {
      cwd,
      env: { ...process.env, ...env },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let [out, err] = ["", ""];
    child.stdout.on("data", (data) => {
      out += data;
    });
    child.stderr.on("data", (data) => {
      err += data;
    });
    const timer = setTimeout(() => child.kill("SIGKILL"), killAfter);
    child.on("close", (code, signal) => {
      clearTimeout(timer);
      resolve({ code, signal, out, err, took: performance.now() - started });
    });
  });

/** The processes of a built program that work in a folder, as Linux lists them. */
export const processesIn = (main: string, folder: string): readonly number[] =>
  processesWith((args) => args.includes(main)).filter((pid) => {
    try {
      return readlinkSync(`/proc/${pid}/cwd`) === folder;
    } catch {
      return false;
    }
  });

/** An error that is not one of ours: a stack, or what the program calls a fault of its own. */
export const isRaw = ({ err }: Pick<Ended, "err">): boolean =>
  /fault of tightbound|internal:|^\s+at .+:\d+:\d+/m.test(err);

const digest = (bytes: string | Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** What differs between two runs of the same command is taken out: wall times and dates. */
const contentOf = (path: string, folder: string): unknown => {
  if (/\.safetensors$/.test(path)) {
    if (/labelled/.test(path)) return digest(readFileSync(path));
    const { tensors, buffers, step, epoch, metadata } = loadCheckpoint(path);
    const { seconds: _, ...rest } = metadata;
    const arrays = [...tensors, ...buffers].map(({ name, shape, data }) => [
      name,
      shape,
      digest(new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    ]);
    return { arrays, step, epoch, rest };
  }
  const text = () => readFileSync(path, "utf8");
  if (path.endsWith("metrics.jsonl")) return text().replaceAll(/"seconds":[^,}]+/g, '"seconds":0');
  if (path.endsWith("config.json"))
    return text()
      .replaceAll(/"createdAt": "[^"]+"/g, "")
      .replaceAll(folder, "");
  // How each run ended; its figures are in its own folder, and its seconds are the clock's.
  if (path.endsWith("sweep.json")) {
    const { ended } = JSON.parse(text()) as { ended: Readonly<Record<string, { state: string }>> };
    return Object.entries(ended).map(([name, { state }]) => [name, state]);
  }
  // Pages show wall times, logs what was resumed, figures.json and results.json hold them.
  if (/\.html$|logs\/.*\.txt$|results\.json$|figures\.json$|table\.md$/.test(path)) return "there";
  return digest(readFileSync(path));
};

/** Every file in a folder, by its path in it, with what it holds. */
export const stateOf = (folder: string): Readonly<Record<string, unknown>> =>
  Object.fromEntries(
    readdirSync(folder, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name))
      .sort()
      .map((path) => [relative(folder, path), contentOf(path, folder)]),
  );
