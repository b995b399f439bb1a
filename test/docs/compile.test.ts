/** Every TypeScript block of every page compiles, with the settings of the package itself. */
import { spawnSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { root } from "./pages.ts";
import { programs, writePrograms } from "./snippets.ts";

test("every snippet compiles", () => {
  const folder = writePrograms("tightbound-snippets", programs);
  writeFileSync(
    join(folder, "tsconfig.json"),
    JSON.stringify({
      extends: "../../../tsconfig.json",
      // What a page leaves for its reader to use is not unused.
      compilerOptions: {
        noUnusedLocals: false,
        rewriteRelativeImportExtensions: false,
        typeRoots: ["../../@types"],
      },
      include: ["*.ts"],
    }),
  );
  const tsc = join(root, "node_modules", "typescript", "bin", "tsc");
  const { stdout, status } = spawnSync(process.execPath, [tsc, "-p", folder], { encoding: "utf8" });
  expect(stdout).toBe("");
  expect(status).toBe(0);
  expect(programs.length).toBeGreaterThan(5);
  rmSync(folder, { recursive: true, force: true });
}, 120_000);
