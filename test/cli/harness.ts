import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { runProgram } from "../../src/cli/program.ts";
import { loadMnist, take } from "../../src/data/index.ts";
import { idxBytes } from "../data/temp.ts";

/** A folder that is gone after the test file. */
export const temporary = (): string => {
  const path = mkdtempSync(join(tmpdir(), "tightbound-cli-"));
  afterAll(() => rmSync(path, { recursive: true }));
  return path;
};

/** The first rows of MNIST as the four IDX files, in a folder; of every line and pixel, or of every fourth. */
export const writeDigits = (
  folder: string,
  { every = 1, ...rows }: { readonly train: number; readonly test: number; readonly every?: number },
): string => {
  const side = 28 / every;
  for (const [split, stem] of [
    ["train", "train"],
    ["test", "t10k"],
  ] as const) {
    const { x, labels = new Int32Array() } = take(loadMnist(split), rows[split]);
    const seen = x.filter((_, at) => at % every === 0 && Math.floor(at / 28) % every === 0);
    writeFileSync(join(folder, `${stem}-images-idx3-ubyte`), idxBytes(8, [rows[split], side, side], seen));
    writeFileSync(join(folder, `${stem}-labels-idx1-ubyte`), idxBytes(8, [rows[split]], labels));
  }
  return folder;
};

export interface Outcome {
  readonly code: number;
  readonly out: string;
  readonly err: string;
  /** What was printed with `--json`. */
  readonly json: () => Record<string, unknown>;
}

/** Runs the program in this process, not on a terminal. */
export const cli = async (...argv: readonly string[]): Promise<Outcome> => {
  let out = "";
  let err = "";
  const code = await runProgram(argv, {
    out: { write: (text) => (out += text) },
    err: { write: (text) => (err += text) },
    debug: false,
  });
  return { code, out, err, json: () => JSON.parse(out) as Record<string, unknown> };
};

/** Runs the program and returns what it printed; throws its error text unless it ended well. */
export const ok = async (...argv: readonly string[]): Promise<Outcome> => {
  const outcome = await cli(...argv);
  if (outcome.code !== 0) throw new Error(`exit code ${outcome.code}: ${outcome.err}`);
  return outcome;
};
