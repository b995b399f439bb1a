/** Every TypeScript block of every page runs, in a folder with the files that the pages speak of, and with fewer epochs and steps. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { read, root } from "./pages.ts";
import { programs, writePrograms } from "./snippets.ts";

/** Run, and their results looked at, by tests of their own: `readme.test.ts` and `test/cli/tutorial.test.ts`. */
const elsewhere = ["README.md", "docs/tutorials/few-labels.md"];

/** What is made smaller so that a page's program takes a second. Each must be found, so that none goes stale. */
const smaller: Record<string, readonly (readonly [from: string, to: string])[]> = {
  "docs/start/first-run.md": [
    ['await loadData("mnist")', 'await loadData("digits")'],
    ["epochs: 10", "epochs: 1"],
  ],
  "docs/start/first-program.md": [
    ["draws: 1000, seed: 0 });\nconsole.log(summary", "draws: 200, seed: 0 });\nconsole.log(summary"],
  ],
};

const shown = programs
  .filter(({ page }) => !elsewhere.includes(page))
  .map((program) => {
    let { code } = program;
    for (const [from, to] of smaller[program.page] ?? []) {
      if (!code.includes(from)) continue;
      code = code.replace(from, to);
    }
    return { ...program, code };
  });

const folder = mkdtempSync(join(tmpdir(), "tightbound-pages-"));
const home = process.cwd();
let path = "";
beforeAll(async () => {
  path = writePrograms("tightbound-pages", shown);
  copyFileSync(join(root, "examples", "data", "penguins.csv"), join(folder, "penguins.csv"));
  const { writeDigits } = await import("../cli/harness.ts");
  mkdirSync(join(folder, "digits"));
  writeDigits(join(folder, "digits"), { train: 300, test: 100 });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  process.chdir(folder);
}, 60_000);
afterAll(() => {
  process.chdir(home);
  rmSync(folder, { recursive: true, force: true });
  rmSync(path, { recursive: true, force: true });
});

describe("every snippet runs", () => {
  test.each(shown)("$name", async ({ name }) => {
    const log = vi.spyOn(console, "log").mockImplementation(() => undefined);
    try {
      await import(/* @vite-ignore */ join(path, `${name}.ts`));
    } finally {
      log.mockRestore();
    }
  });
});

test("what is made smaller stands in the pages", () => {
  for (const [page, changes] of Object.entries(smaller))
    for (const [from] of changes) expect(read(page), `${page}: ${from}`).toContain(from.split("\n")[0]);
});
