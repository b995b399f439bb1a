/** The site builds, without the network and without the reference, which takes longer and which `reference.test.ts` makes. */
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { programs } from "../../docs/.vitepress/theme/live/programs.ts";
import { canDrive, openPage } from "../platform/page.ts";
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

/** Polls the page until an expression has a value, and returns it. */
const until = (expression: string): string => `new Promise((resolve) => {
  const timer = setInterval(() => {
    const value = ${expression};
    if (value) { clearInterval(timer); resolve(value); }
  }, 100);
})`;
/** A click that counts once the page's script has taken over its buttons. */
const press = (button: string): string =>
  until(
    `((b) => b?.textContent.includes("${button}") ? (b.click(), 0) : 1)(document.querySelector(".live-button"))`,
  );
const STATUS = `document.querySelector(".live-status").textContent`;

describe.skipIf(!canDrive)(
  `pages that compute, in Chromium${canDrive ? "" : " (skipped: chromium or playwright-core is not installed)"}`,
  () => {
    test("a VAE learns as one watches, and stops when it is told to", async () => {
      const said: string[] = [];
      const { call, close } = await openPage(out, {
        said,
        path: "/try/watch-a-vae.html",
        ready: `document.querySelector(".live-button") !== null`,
      });
      await call(
        `(document.querySelector(".live select").value = "64", document.querySelector(".live select").dispatchEvent(new Event("change")))`,
      );
      await call(press("Train"));
      const bounds = `[...document.querySelectorAll("b.live-test")].map((b) => Number(b.textContent))[0]`;
      const first = (await call(until(bounds))) as number;
      const later = (await call(
        until(
          `document.querySelectorAll("polyline.live-test")[0].getAttribute("points").split(" ").length >= 4 && ${bounds}`,
        ),
      )) as number;
      // Nats an image: of pixels that know nothing 543, and a digit's mean picture some 205.
      expect(first).toBeGreaterThan(-400);
      expect(later).toBeGreaterThan(first);
      expect(later).toBeLessThan(-100);
      /** How many different colours a canvas has. */
      const colours = (index: number) =>
        call(`((c) => new Set(new Uint32Array(c.getContext("2d").getImageData(0, 0, c.width, c.height).data.buffer)).size)(
          document.querySelectorAll(".live canvas")[${index}])`);
      expect(await colours(0)).toBeGreaterThan(50);
      expect(await colours(1)).toBeGreaterThan(10);
      await call(press("Stop"));
      expect(await call(STATUS)).toMatch(/^Stopped after \d+ epochs\.$/);
      expect(said).toEqual([]);
      await close();
    }, 180_000);

    test("the programs of the editor run, and a mistake is told as the library says it", async () => {
      const said: string[] = [];
      const { call, close } = await openPage(out, {
        said,
        path: "/try/run-a-program.html",
        ready: `document.querySelector(".live-button") !== null`,
      });
      const output = `document.querySelector(".live-output")?.textContent`;
      for (const [i, { name }] of programs.entries()) {
        await call(
          `((s) => (s.value = "${i}", s.dispatchEvent(new Event("change"))))(document.querySelector(".live select"))`,
        );
        await call(press("Run"));
        const status = await call(until(`/^(Done|[A-Z][A-Za-z]*Error)/.test(${STATUS}) && ${STATUS}`));
        expect(status, name).toMatch(/^Done in [\d.]+ s\.$/);
        expect(await call(output), name).toMatch(i === 1 ? /log evidence -\d.* trusted/ : /ess bulk/);
      }
      const write = (source: string) =>
        call(
          `((e) => (e.value = ${JSON.stringify(source)}, e.dispatchEvent(new Event("input"))))(document.querySelector(".live-editor"))`,
        );
      await write(`import { Normal } from "tightbound/browser";\nNormal(0, -1)`);
      await call(press("Run"));
      expect(await call(until(`/Error/.test(${STATUS}) && ${STATUS}`))).toMatch(
        /^[A-Za-z]+Error: Normal.*-1/,
      );
      await write("for (;;) {}");
      await call(press("Run"));
      await call(press("Stop"));
      expect(await call(STATUS)).toBe("Stopped.");
      expect(said).toEqual([]);
      await close();
    }, 180_000);
  },
);
