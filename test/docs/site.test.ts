/** The site builds, without the network and without the reference, which takes longer and which `reference.test.ts` makes. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { pages, root } from "./pages.ts";

const out = mkdtempSync(join(tmpdir(), "tightbound-site-"));
afterAll(() => rmSync(out, { recursive: true, force: true }));

test("every page is built, and none asks another machine for anything", () => {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [join(root, "docs", "scripts", "build.mjs"), "--no-reference", `--out=${out}`],
    { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } },
  );
  expect(status, `${stdout}\n${stderr}`).toBe(0);
  for (const page of pages.filter((path) => path.startsWith("docs/"))) {
    const file = join(out, page.slice("docs/".length).replace(/\.md$/, ".html"));
    expect(existsSync(file), file).toBe(true);
    const html = readFileSync(file, "utf8");
    expect(html.match(/<(script|link|img)[^>]+(src|href)="(https?:)?\/\/[^"]*"/g) ?? [], file).toEqual([]);
  }
  // Some twenty seconds of one idle core.
}, 300_000);
