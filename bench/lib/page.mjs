// The same tasks in a page and in Node, in turns, one thread each: CPU time of the page's process and of this one.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { fileURLToPath } from "node:url";
import * as tightbound from "../../dist/public/browser.js";
import { source, tasksOf } from "./page-programs.mjs";
import { summary } from "./stats.mjs";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const CHROMIUM = ["/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** `atMost`: the project's target for the page's time over Node's. */
const TASKS = [
  { key: "vae", name: "20 train steps of a VAE, 784-400-20, batch 128", atMost: 2.5 },
  { key: "nuts", name: "NUTS on eight schools, 4 × 2,000 draws", atMost: 1.2 },
  { key: "svi", name: "SVI on eight schools, 5,000 steps", atMost: 1.2 },
];
const TYPES = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
};

/** A page with this script, bundled without settings beside the package and what it depends on. */
export const bundled = async (main) => {
  const { build } = await import("vite");
  const folder = mkdtempSync(join(tmpdir(), "tightbound-bench-page-"));
  const modules = join(folder, "node_modules");
  mkdirSync(modules);
  for (const name of readdirSync(join(ROOT, "node_modules")))
    if (!name.startsWith(".") && name !== "tightbound")
      symlinkSync(join(ROOT, "node_modules", name), join(modules, name));
  symlinkSync(ROOT, join(modules, "tightbound"));
  writeFileSync(join(folder, "main.js"), main);
  writeFileSync(
    join(folder, "index.html"),
    '<!doctype html><script type="module" src="./main.js"></script>\n',
  );
  await build({ root: folder, configFile: false, logLevel: "silent", build: { target: "esnext" } });
  return folder;
};

/** Serves a folder on this machine alone. Not isolated from other origins: the runtime then has one thread. */
export const served = (folder) =>
  new Promise((resolve) => {
    const server = createServer(({ url = "/" }, response) => {
      const path = join(folder, new URL(url, "http://localhost").pathname.replace(/\/$/, "/index.html"));
      if (!existsSync(path)) return response.writeHead(404).end();
      response.writeHead(200, { "content-type": TYPES[extname(path)] ?? "application/octet-stream" });
      response.end(readFileSync(path));
    });
    server.listen(0, "127.0.0.1", () =>
      resolve({ server, address: `http://127.0.0.1:${server.address().port}/` }),
    );
  });

/** Opens the page. `run` resolves to the figure of a task and the CPU seconds of the page's process for it. */
export const opened = async (address, flags = []) => {
  const executablePath = CHROMIUM.find((path) => existsSync(path));
  if (executablePath === undefined)
    throw new Error("there is no Chromium; on Debian: apt-get install chromium");
  const { chromium } = await import("playwright-core");
  const browser = await chromium.launch({ executablePath, args: ["--no-sandbox", ...flags] });
  const session = await browser.newBrowserCDPSession();
  const seconds = async () => {
    const { processInfo } = await session.send("SystemInfo.getProcessInfo");
    return processInfo
      .filter(({ type }) => type === "renderer")
      .reduce((sum, { cpuTime }) => sum + cpuTime, 0);
  };
  const page = await browser.newPage();
  const wrong = [];
  page.on("pageerror", ({ message }) => wrong.push(message));
  await page.goto(address);
  await page
    .waitForFunction("globalThis.tasks !== undefined", undefined, { timeout: 120_000 })
    .catch((error) => {
      throw new Error(wrong[0] ?? error.message);
    });
  return {
    version: browser.version(),
    evaluate: (expression) => page.evaluate(expression),
    close: () => browser.close(),
    run: async (key) => {
      const before = await seconds();
      const figure = await page.evaluate(`tasks[${JSON.stringify(key)}]()`);
      return { figure, seconds: (await seconds()) - before };
    },
  };
};

/** For each task: CPU seconds in the page and in Node, and their ratio in each turn. The first turn does not count. */
export const measurePage = async ({ rounds, progress }) => {
  progress("page: bundling");
  const folder = await bundled(
    `import * as t from "tightbound/browser";\n${source()}\nglobalThis.tasks = await tasksOf(t);\n`,
  );
  const { server, address } = await served(join(folder, "dist"));
  const page = await opened(address);
  const here = await tasksOf(tightbound);
  const inNode = async (key) => {
    const before = process.cpuUsage();
    const figure = await here[key]();
    const { user, system } = process.cpuUsage(before);
    return { figure, seconds: (user + system) / 1e6 };
  };
  try {
    const entries = [];
    for (const task of TASKS) {
      const turns = [];
      for (let round = 0; round <= rounds; round++) {
        progress(`page: ${task.name}, round ${round} of ${rounds}`);
        const turn = { page: await page.run(task.key), node: await inNode(task.key) };
        if (round > 0) turns.push(turn);
      }
      const last = turns[turns.length - 1];
      // Engines differ in the last bits of exp and log, and the runtimes in the order of their sums.
      const agree =
        Math.abs(last.page.figure - last.node.figure) <= 0.05 * Math.max(1, Math.abs(last.node.figure));
      entries.push({
        ...task,
        agree,
        page: summary(turns.map((turn) => turn.page.seconds)),
        node: summary(turns.map((turn) => turn.node.seconds)),
        ratio: summary(turns.map((turn) => turn.page.seconds / turn.node.seconds)),
      });
    }
    return { chromium: page.version, entries };
  } finally {
    progress("");
    await page.close();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
