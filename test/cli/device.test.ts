/** `--device webgpu` on a machine without a graphics processor. */
import { spawnSync } from "node:child_process";
import { existsSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { hasSoftwareGpu } from "../software-gpu.ts";
import { temporary } from "./harness.ts";
import { buildProgram } from "./program.ts";

const folder = temporary();

// In a process of its own, because the loader of drivers reads its variable once.
test.skipIf(!hasSoftwareGpu)("says what was looked for, and what to do", () => {
  const rows = Array.from({ length: 40 }, (_, i) => `${Math.sin(i)},${Math.cos(3 * i)}`);
  writeFileSync(join(folder, "points.csv"), ["a,b", ...rows, ""].join("\n"));
  const flags = "train vae --data points.csv --hidden 4 --latent 2 --epochs 1 --device webgpu --out run";
  const { status, stderr } = spawnSync(process.execPath, [buildProgram("device"), ...flags.split(" ")], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, VK_DRIVER_FILES: "/nowhere/icd.json" },
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /device webgpu: expected a graphics processor .*; found none with VK_DRIVER_FILES=\/nowhere\/icd\.json, where there is no \/nowhere\/icd\.json\. .*libvulkan1.*Or leave out the device/,
  );
  expect(existsSync(join(folder, "run", "checkpoint.safetensors"))).toBe(false);
});
