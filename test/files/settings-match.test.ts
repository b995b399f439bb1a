import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { CheckpointError } from "../../src/errors.ts";
import { type Checkpoint, loadCheckpoint, saveCheckpoint } from "../../src/files/checkpoint.ts";
import { createRun, openRun } from "../../src/files/run-folder.ts";
import { version } from "../../src/version.ts";
import { tempFolder } from "../data/temp.ts";

const folder = tempFolder();

const checkpoint: Checkpoint = {
  tensors: [{ name: "w", shape: [1], data: Float32Array.of(1) }],
  buffers: [],
  step: 1,
  epoch: 1,
  metadata: {},
  settings: {
    model: { activation: "relu", hidden: [400, 200], clip: undefined },
    data: { fingerprint: "ab" },
  },
};

describe("a checkpoint and the settings it was trained with", () => {
  const path = join(folder.path, "checkpoint.safetensors");
  const settings = {
    model: { activation: "relu", hidden: [400, 200] },
    data: { fingerprint: "ab", spec: "moved.csv" },
    train: { epochs: 20 },
  };

  test("belong together: what the checkpoint names must agree, other fields may change", () => {
    saveCheckpoint(path, checkpoint);
    expect(loadCheckpoint(path, { settings }).settings).toEqual(
      JSON.parse(JSON.stringify(checkpoint.settings)),
    );
    expect(loadCheckpoint(path).step).toBe(1);
  });

  test.each([
    [
      { ...settings, model: { ...settings.model, activation: "tanh" } },
      "model.activation",
      '"relu"',
      '"tanh"',
    ],
    [{ ...settings, model: { ...settings.model, hidden: [400, 300] } }, "model.hidden[1]", "200", "300"],
    [{ ...settings, model: { ...settings.model, hidden: [400] } }, "model.hidden", "[400,200]", "[400]"],
    [{ ...settings, data: { spec: "a" } }, "data.fingerprint", '"ab"', "none"],
  ])("%j is refused, naming the field", (edited, field, trained, found) => {
    saveCheckpoint(path, checkpoint);
    expect(() => loadCheckpoint(path, { settings: edited })).toThrow(
      new CheckpointError(
        `${path}: was trained with "${field}" ${trained}, but the settings of the run (config.json) say ${found}. ` +
          "Put the setting back, or train a new run",
      ),
    );
  });

  test("one from before settings were kept is read", () => {
    const { settings: _, ...old } = checkpoint;
    saveCheckpoint(path, old);
    expect(loadCheckpoint(path, { settings }).settings).toBeUndefined();
  });
});

describe("settings that this version does not know", () => {
  const schema = z.object({
    version: z.string(),
    model: z.object({ latent: z.int(), depth: z.int().default(2) }),
    parts: z.array(z.object({ size: z.int() })).default([]),
  });
  const edited = (change: (config: Record<string, unknown>) => void): string => {
    const path = join(folder.path, `run-${Math.random()}`);
    const { config, lock } = createRun(path, { version: "0.0.1", model: { latent: 2 } });
    lock.release();
    const json = JSON.parse(readFileSync(config, "utf8"));
    change(json);
    writeFileSync(config, JSON.stringify(json));
    return path;
  };

  test("what is left out has its default", () => {
    expect(
      openRun(
        edited(() => {}),
        schema,
      ).settings.model,
    ).toEqual({ latent: 2, depth: 2 });
  });

  test.each([
    ["temperature", (config: Record<string, unknown>) => (config.temperature = 1)],
    ["model.heads", (config: Record<string, unknown>) => (config.model = { latent: 2, heads: 4 })],
    [
      "parts[1].kind",
      (config: Record<string, unknown>) => (config.parts = [{ size: 1 }, { size: 2, kind: "x" }]),
    ],
  ])("%s is refused, with the versions", (field, change) => {
    const path = edited((config) => {
      config.version = "7.1.0";
      change(config);
    });
    expect(() => openRun(path, schema)).toThrow(
      new CheckpointError(
        `${path}/config.json: the field "${field}" is not known to this version of tightbound, ${version()}; the file was ` +
          "written by version 7.1.0 of tightbound. Use the version that wrote it, or correct the file",
      ),
    );
  });
});
