/** The API pages: one for each name that a door exports, made from its docstring. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { root } from "./pages.ts";

const docs = join(root, "docs");
const typedoc = join(docs, "node_modules", "typedoc", "bin", "typedoc");
const out = mkdtempSync(join(tmpdir(), "tightbound-api-"));

let said = "";
beforeAll(() => {
  const { stdout, stderr } = spawnSync(
    process.execPath,
    [typedoc, "--out", out, "--treatValidationWarningsAsErrors", "false"],
    {
      cwd: docs,
      encoding: "utf8",
      env: { ...process.env, NO_COLOR: "1" },
    },
  );
  said = `${stdout}${stderr}`;
  // Some twenty seconds of one idle core.
}, 300_000);
afterAll(() => rmSync(out, { recursive: true, force: true }));

test("every exported name has a docstring, and every name in a signature is exported", () => {
  expect(said.split("\n").filter((line) => /warning|error/.test(line))).toEqual([]);
});

test("every exported name has a page", () => {
  const pages = (readdirSync(out, { recursive: true }) as string[]).filter((path) => path.endsWith(".md"));
  expect(pages.length).toBeGreaterThan(500);
});

test("each door's page lists every name that the door exports", () => {
  for (const door of readdirSync(join(root, "src", "public"))) {
    const source = readFileSync(join(root, "src", "public", door), "utf8");
    const names = [...source.matchAll(/^export (?:type )?\{([^}]*)\}/gm)].flatMap(([, list]) =>
      list
        .split(",")
        .map((name) =>
          name
            .trim()
            .replace(/^type /, "")
            .replace(/^.* as /, ""),
        )
        .filter((name) => name !== ""),
    );
    expect(names.length, door).toBeGreaterThan(3);
    const address = door === "tightbound.ts" ? "tightbound" : `tightbound/${door.replace(/\.ts$/, "")}`;
    const page = readFileSync(join(out, address, "index.md"), "utf8").replaceAll("\\_", "_");
    // A name of its own has a link to its page; one that another door has too is listed with a link there.
    const missing = names.filter((name) => !page.includes(`[${name}](`) && !page.includes(`### ${name}\n`));
    expect(missing, address).toEqual([]);
  }
});

test("the pages are those of the doors, and a page's path names the door that it is imported from", () => {
  const entries = JSON.parse(readFileSync(join(docs, "typedoc.json"), "utf8")).entryPoints as string[];
  const doors = readdirSync(join(root, "src", "public"));
  expect([...entries].sort()).toEqual(doors.map((file) => `../src/public/${file}`).sort());
  for (const door of doors.map((file) => file.replace(/\.ts$/, ""))) {
    const address = door === "tightbound" ? "tightbound" : `tightbound/${door}`;
    expect(readFileSync(join(root, "src", "public", `${door}.ts`), "utf8")).toContain(
      ` * @module ${address}\n`,
    );
    expect(existsSync(join(out, address, "index.md")), address).toBe(true);
  }
});

test("the chosen order lists names that have a page", () => {
  const { status, stderr } = spawnSync(process.execPath, [join(docs, "scripts", "reference.mjs"), out], {
    encoding: "utf8",
  });
  expect(stderr).toBe("");
  expect(status).toBe(0);
});
