/** A small dataset with structure, settings of a run on it, and folders for it. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { createDataset, type Dataset, fingerprint } from "../../src/data/index.ts";
import { declarationOf, type RunSettings, runSettings } from "../../src/kinds/index.ts";
import { defaultsOf, merge } from "../../src/kinds/settings/setting.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import type { TrainInput } from "../../src/runs/index.ts";

/** Grey 4 × 3 images: a bright row, at one of four places, on a dark ground. */
export function bars(rows: number, seed = 0): Dataset {
  const u = new Float32Array(rows * 12);
  fillUniform(u, stream(seed, "bars"));
  const x = Uint8Array.from(u, (v, n) => {
    const on = Math.floor((n % 12) / 3) === Math.floor(n / 12) % 4;
    return on ? 255 - 60 * v : 60 * v;
  });
  return createDataset({ name: "bars", shape: [4, 3], x });
}

export const data = { train: bars(70, 0), test: bars(30, 1) };

const facts = { rows: 70, table: false, labels: 0 };

export function settingsOf(
  model: Readonly<Record<string, unknown>> = {},
  train: TrainInput = {},
  rows: Dataset = data.train,
): RunSettings {
  return runSettings.parse({
    version: "0.0.0",
    createdAt: "2026-01-01T00:00:00Z",
    command: "test",
    data: {
      spec: "bars",
      name: rows.name,
      trainRows: rows.rows,
      testRows: 30,
      fingerprint: fingerprint(rows),
    },
    ...(merge(defaultsOf(declarationOf(String(model.model ?? "vae")).settings, facts), {
      model: { shape: [4, 3], latent: 2, hidden: [8], ...model },
      train: { epochs: 3, batch: 16, threads: 1, lr: 0.01, seed: 5, ...train },
    }) as object),
  });
}

/** Settings of training of a kind, every default filled in. */
export const trainOf = <T>(kind: string, given: Partial<T>): T =>
  merge(defaultsOf(declarationOf(kind).settings, facts).train, given) as T;

const folders: string[] = [];
afterAll(() => {
  for (const path of folders.splice(0)) rmSync(path, { recursive: true, force: true });
});

/** A path that does not exist yet, in a folder that is gone after the test file. */
export function newPath(): string {
  const folder = mkdtempSync(join(tmpdir(), "tightbound-run-"));
  folders.push(folder);
  return join(folder, "run");
}
