import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = new URL("../../", import.meta.url).pathname;

/**
 * Builds the program for tests of its processes and returns the path of its entry. Each test file has its own, since files run at the
 * same time.
 */
export function buildProgram(name: string): string {
  // Inside the project, so that dependencies are found from there.
  const built = join(ROOT, `node_modules/.cache/tightbound-${name}`);
  mkdirSync(built, { recursive: true });
  const tsc = join(ROOT, "node_modules/.bin/tsc");
  // Types are checked elsewhere.
  execFileSync(tsc, [
    ...["-p", join(ROOT, "tsconfig.build.json"), "--noCheck", "--declaration", "false"],
    ...["--outDir", join(built, "dist")],
  ]);
  copyFileSync(join(ROOT, "package.json"), join(built, "package.json"));
  return join(built, "dist/cli/main.js");
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
