/** Every TypeScript block of every page runs, in a folder with the files that the pages speak of, and with fewer epochs and steps. */
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { ok, writeDigits } from "../cli/harness.ts";
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
  "docs/start/first-program.md": [["chains: 4, draws: 1000", "chains: 2, draws: 200"]],
  "docs/how-to/stop-early.md": [["epochs: 200", "epochs: 20"]],
  "docs/how-to/few-labels.md": [
    ['await loadData("mnist")', 'await loadData("digits")'],
    ["latent: 50, hidden: [500, 500]", "latent: 10, hidden: [50]"],
    ["epochs: 200", "epochs: 3"],
    ["latent: 14, hidden: [500]", "latent: 5, hidden: [50]"],
    ["epochs: 80", "epochs: 2"],
    ["warmup: 3", "warmup: 0"],
  ],
};

const shown = programs
  .filter(({ page }) => !elsewhere.includes(page))
  .map((program) => ({
    ...program,
    code: (smaller[program.page] ?? []).reduce((code, [from, to]) => code.replace(from, to), program.code),
  }));

const folder = mkdtempSync(join(tmpdir(), "tightbound-pages-"));
const home = process.cwd();
let path = "";
beforeAll(async () => {
  path = writePrograms("tightbound-pages", shown);
  copyFileSync(join(root, "examples", "data", "penguins.csv"), join(folder, "penguins.csv"));
  mkdirSync(join(folder, "digits"));
  writeDigits(join(folder, "digits"), { train: 300, test: 100 });
  writeFileSync(join(folder, "package.json"), '{ "type": "module" }');
  writeFileSync(
    join(folder, "new.csv"),
    "island,bill_length_mm,bill_depth_mm,flipper_length_mm,body_mass_g,sex\nBiscoe,46.1,,217,5250,\nDream,50.2,18.7,,3775,female\n",
  );
  process.chdir(folder);
  const train =
    "train vae --data digits --epochs 1 --latent 5 --hidden 20 --threads 1 --quiet --out runs/digits";
  await ok(...train.split(" "));
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
    for (const [from] of changes) expect(read(page), `${page}: ${from}`).toContain(from);
});
