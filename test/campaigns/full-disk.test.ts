/** Disks of some sizes that fill up: one typed error, no run is lost, and with more space the run ends as if there had been enough. */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../data/temp.ts";
import { buildProgram, isRaw, stateOf } from "./program.ts";
import { generator } from "./random.ts";

const asked = Number(process.env.TIGHTBOUND_FUZZ_DISKS ?? 0);
const pick = generator(Number(process.env.TIGHTBOUND_FUZZ_SEED ?? 1));
const { path: folder } = tempFolder();
const FIXTURES = join(import.meta.dirname, "../fixtures/runs");

/** Kilobytes that hold the run, with what is written beside its place. */
const ENOUGH = 420;

/** A shell script in a mount namespace of its own, with the disk mounted on `disk`. */
const onDisk = (kilobytes: number, script: string) =>
  spawnSync(
    "unshare",
    ["--mount", "sh", "-c", `mount -t tmpfs -o size=${kilobytes}k none disk && (${script})`],
    { cwd: folder, encoding: "utf8", timeout: 1_800_000 },
  );

// A mount needs root, and a kernel that gives it.
mkdirSync(join(folder, "disk"));
const canMount =
  spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "disk"], { cwd: folder }).status === 0;
if (!canMount) console.log("skipped: full disks. To mount them takes root on Linux.");

test.runIf(canMount)(
  "a disk that fills up",
  () => {
    const program = `${process.execPath} ${buildProgram("tightbound-disks")}`;
    cpSync(join(FIXTURES, "bars.npy"), join(folder, "bars.npy"));
    const settings = "--data bars.npy --epochs 3 --hidden 400 --latent 2 --batch 48 --threads 1 --quiet";
    // Written on the disk, with the space asked for at first and enough of it afterwards, and copied.
    const script = `${program} train vae ${settings} --out disk/run >&2; echo "first $?"
      mount -o remount,size=16m disk
      if [ -e disk/run/config.json ]; then ${program} train --resume disk/run --quiet; else ${program} train vae ${settings} --out disk/run; fi
      echo "then $?"; rm -rf copy; cp -r disk/run copy; ls -A disk/run`;
    const whole = onDisk(16_000, script);
    expect(whole.stdout, whole.stderr).toContain("first 0\nthen 0\n");
    const right = stateOf(join(folder, "copy"));
    const problems: string[] = [];
    let full = 0;
    // Every part of the range once, and last a disk that is large enough; in the suite one that is not.
    const sizes =
      asked === 0
        ? [4 * (1 + pick(ENOUGH / 8))]
        : Array.from({ length: asked }, (_, i) =>
            i === asked - 1 ? ENOUGH : 4 * Math.ceil(((i + pick(100) / 100) * ENOUGH) / 4 / (asked - 1)),
          );
    for (const size of sizes) {
      const { stdout, stderr } = onDisk(Math.max(4, size), script);
      const [, first, then] = /first (\d+)\nthen (\d+)\n/.exec(stdout) ?? [];
      const wrong =
        isRaw({ err: stderr }) || !["0", "1"].includes(first) || then !== "0"
          ? `exit codes ${first} and ${then}\n${stderr}`
          : first === "1" && !/disk is full/.test(stderr)
            ? stderr
            : undefined;
      if (first === "1") full++;
      if (wrong !== undefined) problems.push(`${size} KB: ${wrong}`);
      else if (!existsSync(join(folder, "copy"))) problems.push(`${size} KB: no run`);
      else {
        const state = stateOf(join(folder, "copy"));
        for (const name of new Set([...Object.keys(right), ...Object.keys(state)]))
          if (JSON.stringify(state[name]) !== JSON.stringify(right[name]))
            problems.push(`${size} KB: ${name} differs`);
      }
      if (asked > 0)
        console.log(
          `${size} KB: ${first === "1" ? "full, then resumed" : "enough"}, ${problems.length} problems`,
        );
    }
    expect(problems).toEqual([]);
    expect(full).toBeGreaterThan(0);
  },
  300_000 + 120_000 * asked,
);
