import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
} from "node:fs";
import { join } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname;
// Inside the project, so that dependencies are found from there.
const CACHE = join(ROOT, "node_modules/.cache");

/** A name for the sources as they are now. */
function stateOfSources(): string {
  const hash = createHash("sha256");
  for (const path of readdirSync(join(ROOT, "src"), { recursive: true }).map(String).toSorted()) {
    const { mtimeMs, size } = statSync(join(ROOT, "src", path));
    hash.update(`${path} ${mtimeMs} ${size}\n`);
  }
  return hash
    .update(readFileSync(join(ROOT, "tsconfig.build.json")))
    .digest("hex")
    .slice(0, 16);
}

/** The program of these sources, built once for all test files. */
function built(): string {
  const dist = join(CACHE, `tightbound-built-${stateOfSources()}`);
  if (existsSync(dist)) return dist;
  mkdirSync(CACHE, { recursive: true });
  const own = `${dist}.${process.pid}`;
  // Types are checked elsewhere.
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), [
    ...["-p", join(ROOT, "tsconfig.build.json"), "--noCheck", "--declaration", "false"],
    ...["--outDir", own],
  ]);
  try {
    renameSync(own, dist);
  } catch {
    // Another test file was quicker.
    rmSync(own, { recursive: true, force: true });
  }
  for (const name of readdirSync(CACHE)) {
    const old = /^tightbound-built-[0-9a-f]{16}$/.test(name) && join(CACHE, name) !== dist;
    if (old) rmSync(join(CACHE, name), { recursive: true, force: true });
  }
  return dist;
}

/**
 * Builds the program for tests of its processes and returns the path of its entry. Each test file has a copy of its own, by whose path it knows
 * its processes: files run at the same time.
 */
export function buildProgram(name: string): string {
  const own = join(CACHE, `tightbound-${name}`);
  rmSync(join(own, "dist"), { recursive: true, force: true });
  mkdirSync(own, { recursive: true });
  cpSync(built(), join(own, "dist"), { recursive: true });
  copyFileSync(join(ROOT, "package.json"), join(own, "package.json"));
  return join(own, "dist/cli/main.js");
}

/** The processes of this machine whose arguments fit, as /proc lists them: not every container has `ps`. */
export const processesWith = (fits: (args: readonly string[]) => boolean): readonly number[] =>
  readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .filter((name) => {
      try {
        return fits(readFileSync(`/proc/${name}/cmdline`, "utf8").split("\0"));
      } catch {
        return false;
      }
    })
    .map(Number);
