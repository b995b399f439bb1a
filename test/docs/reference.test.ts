/** The API pages: one for each name that a floor's index exports, made from its docstring. */
import { spawnSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "./pages.ts";

const docs = join(root, "docs");
const typedoc = join(docs, "node_modules", "typedoc", "bin", "typedoc");
const out = mkdtempSync(join(tmpdir(), "tightbound-api-"));

let said = "";
beforeAll(() => {
  const { stdout, stderr } = spawnSync(process.execPath, [typedoc, "--out", out], {
    cwd: docs,
    encoding: "utf8",
    env: { ...process.env, NO_COLOR: "1" },
  });
  said = `${stdout}${stderr}`;
}, 120_000);
afterAll(() => rmSync(out, { recursive: true, force: true }));

test("every exported name has a docstring, and every name in a signature is exported", () => {
  expect(said.split("\n").filter((line) => /warning|error/.test(line))).toEqual([]);
});

test("every exported name has a page", () => {
  const pages = (readdirSync(out, { recursive: true }) as string[]).filter((path) => path.endsWith(".md"));
  expect(pages.length).toBeGreaterThan(500);
});

test("whatever the package exports comes from a floor's index, and has its page there", () => {
  const entries = JSON.parse(readFileSync(join(docs, "typedoc.json"), "utf8")).entryPoints as string[];
  const documented = entries.map((path) => path.replace("../src/", "./"));
  const exported = [...readFileSync(join(root, "src", "index.ts"), "utf8").matchAll(/from "([^"]+)";/g)].map(
    ([, path]) => path,
  );
  expect(exported.length).toBeGreaterThan(10);
  for (const path of exported) expect(documented).toContain(path);
});

test("the chosen order lists names that have a page", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(docs, "scripts", "reference.mjs"), out], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
