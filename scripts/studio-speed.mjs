// `npm run studio-speed [-- --labels 60] [--run runs/mnist-vae]`: how long a person waits in the studio on MNIST, in the Chromium that is installed, which draws in
// software: from the command to the first row, from a key to the next row, from a batch of labels to new predictions, and frames a second
// while the map of all rows is zoomed. Nothing else should run beside it.
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { chromium } from "playwright-core";
import { loadMnist } from "../dist/public/data.js";

const { values } = parseArgs({
  options: {
    labels: { type: "string", default: "60" },
    run: { type: "string" },
    chromium: { type: "string", default: "/usr/bin/chromium" },
  },
});
const digits = loadMnist("train");
const folder = mkdtempSync(join(tmpdir(), "tightbound-studio-speed-"));
const program = resolve("dist/cli/main.js");
const browser = await chromium.launch({ executablePath: values.chromium, args: ["--no-sandbox"] });
const page = await browser.newPage({ viewport: { width: 1280, height: 900 } });

const began = performance.now();
const run = values.run === undefined ? [] : ["--run", resolve(values.run)];
const server = spawn(
  process.execPath,
  [program, "studio", "mnist", "--hide-labels", "--no-open", "--out", folder, ...run],
  { stdio: ["ignore", "pipe", "inherit"] },
);
const seconds = (from) => `${((performance.now() - from) / 1000).toFixed(1)} s`;
try {
  for await (const line of createInterface({ input: server.stdout })) {
    if (!line.startsWith("http://")) continue;
    await page.goto(line);
    break;
  }
  const asked = page.locator("section[data-row]");
  await asked.waitFor();
  console.log(`first view: ${seconds(began)}`);

  await page.evaluate(() => {
    globalThis.seen = { key: 0, waits: [] };
    document.addEventListener("keydown", () => Object.assign(seen, { key: performance.now() }), {
      capture: true,
    });
    new MutationObserver((changes) => {
      if (changes.some(({ attributeName }) => attributeName === "data-row"))
        seen.waits.push(performance.now() - seen.key);
    }).observe(document.body, { attributes: true, subtree: true, attributeFilter: ["data-row"] });
  });
  /** Labels rows as a person would, who looks at each before pressing a key. */
  const label = async (count) => {
    for (let i = 0; i < count; i++) {
      const row = await asked.getAttribute("data-row");
      await page.keyboard.press("1234567890"[digits.labels[Number(row)]]);
      await page.waitForFunction(
        (before) => document.querySelector("section[data-row]")?.getAttribute("data-row") !== before,
        row,
      );
      await page.waitForTimeout(150);
    }
  };
  await label(Number(values.labels));
  const labelled = performance.now();
  const waits = (await page.evaluate(() => seen.waits)).sort((a, b) => a - b);
  const at = (share) =>
    `${waits[Math.min(waits.length - 1, Math.floor(share * waits.length))].toFixed(0)} ms`;
  console.log(`key to next row: median ${at(0.5)}, 95th percentile ${at(0.95)}`);

  await page.getByRole("button", { name: "Map", exact: true }).click();
  await page.locator("canvas").waitFor();
  await page.waitForTimeout(1000);
  const frames = await page.evaluate(
    () =>
      new Promise((done) => {
        const canvas = document.querySelector("canvas");
        const box = canvas.getBoundingClientRect();
        const from = performance.now();
        let count = 0;
        const frame = () => {
          count++;
          if (performance.now() - from > 3000) return done((1000 * count) / (performance.now() - from));
          canvas.dispatchEvent(
            new WheelEvent("wheel", {
              deltaY: count % 40 < 20 ? -1 : 1,
              clientX: box.x + box.width / 2,
              clientY: box.y + box.height / 2,
              bubbles: true,
              cancelable: true,
            }),
          );
          // Preact draws after the event; the next frame is asked for when that is done.
          setTimeout(() => requestAnimationFrame(frame));
        };
        requestAnimationFrame(frame);
      }),
  );
  console.log(`map of ${digits.rows} rows while zooming: ${frames.toFixed(0)} frames a second`);
  const learnt = () =>
    page
      .locator("#status")
      .getByText(/· \d+ lessons?$/)
      .waitFor({ timeout: 600_000 });
  await learnt();
  console.log(
    `from the last label until all lessons are learnt, the first from scratch: ${seconds(labelled)}`,
  );
  await page.getByRole("button", { name: "Queue", exact: true }).click();
  for (let batch = 0; batch < 3; batch++) {
    await asked.waitFor();
    await label(10);
    const last = performance.now();
    await page.locator("#status").getByText("learning").waitFor({ timeout: 10_000 });
    await learnt();
    console.log(`from the last of ten more labels to new predictions: ${seconds(last)}`);
  }
} finally {
  server.kill("SIGKILL");
  await browser.close();
  rmSync(folder, { recursive: true, force: true });
}
