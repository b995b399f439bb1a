/** The package as it is installed, a page bundled with it by Vite without settings, and Chromium that opens it. */
import { execFileSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type Server } from "node:http";
import { tmpdir } from "node:os";
import { extname, join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type InlineConfig, type Rolldown } from "vite";

const root = join(import.meta.dirname, "..", "..");
const MODULES = join(root, "node_modules");

/** Where Debian and others put Chromium. */
export const chromium: string | undefined = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));

interface Page {
  on(event: "pageerror", heard: (error: Error) => void): void;
  on(event: "console", heard: (line: { text(): string }) => void): void;
  goto(address: string): Promise<unknown>;
  waitForFunction(expression: string): Promise<unknown>;
  evaluate(expression: string): Promise<unknown>;
}
/** What is used of playwright-core, which drives the browser that is installed and brings none. */
interface Driver {
  readonly chromium: {
    launch(options: { executablePath: string; args: readonly string[] }): Promise<{
      newPage(): Promise<Page>;
      close(): Promise<void>;
    }>;
  };
}
const driverName = "playwright-core";
const driver = await (import(/* @vite-ignore */ driverName) as Promise<Driver>).catch(() => undefined);

/** Whether tests can open pages here. */
export const canDrive = chromium !== undefined && driver !== undefined;

/** Flags with which Chromium computes WebGPU in software, on a machine without a graphics processor. */
export const softwareGpu = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
];

/** A folder in which the package is installed, as it is published, beside what it depends on. */
export function installed(): string {
  const folder = mkdtempSync(join(tmpdir(), "tightbound-page-"));
  const home = join(folder, "node_modules", "tightbound");
  mkdirSync(home, { recursive: true });
  for (const name of readdirSync(MODULES)) {
    if (name !== "tightbound" && !name.startsWith("."))
      symlinkSync(join(MODULES, name), join(folder, "node_modules", name));
  }
  writeFileSync(join(home, "package.json"), readFileSync(join(root, "package.json")));
  execFileSync(
    process.execPath,
    [
      join(MODULES, "typescript", "bin", "tsc"),
      "-p",
      "tsconfig.build.json",
      "--declaration",
      "false",
      "--outDir",
      join(home, "dist"),
    ],
    { cwd: root },
  );
  return folder;
}

/** A file of a bundle, its size in bytes, and whether the page loads it before it runs anything. */
export interface BundledFile {
  readonly name: string;
  readonly gzipped: number;
  readonly isFirst: boolean;
}

/** The names of the scripts that an entry imports, directly or through others. */
function imported(outputs: readonly (Rolldown.OutputChunk | Rolldown.OutputAsset)[]): ReadonlySet<string> {
  const chunks = new Map(
    outputs.flatMap((file) => (file.type === "chunk" ? [[file.fileName, file] as const] : [])),
  );
  const names = new Set(
    [...chunks.values()].filter(({ isEntry }) => isEntry).map(({ fileName }) => fileName),
  );
  for (const name of names) for (const next of chunks.get(name)?.imports ?? []) names.add(next);
  return names;
}

/** Bundles a page whose one script is `script`. The files are in `dist/NAME`. */
export async function bundle(folder: string, name: string, script: string): Promise<readonly BundledFile[]> {
  const source = join(folder, name);
  mkdirSync(source, { recursive: true });
  writeFileSync(join(source, "main.js"), script);
  writeFileSync(
    join(source, "index.html"),
    '<!doctype html><script type="module" src="./main.js"></script>\n',
  );
  const built = await build({
    root: source,
    configFile: false,
    logLevel: "silent",
    build: { outDir: join(folder, "dist", name), emptyOutDir: true },
  });
  const outputs = [built].flat().flatMap((one) => ("output" in one ? one.output : []));
  const first = imported(outputs);
  return outputs.map((file) => ({
    name: file.fileName,
    isFirst: first.has(file.fileName),
    gzipped: gzipSync(file.type === "chunk" ? file.code : file.source).length,
  }));
}

/** Bundles a page of several files, with its own settings if `vite.config.js` is one of them. The result is in `dist/NAME`. */
export async function bundleFiles(
  folder: string,
  name: string,
  files: ReadonlyMap<string, string>,
): Promise<void> {
  const source = join(folder, name);
  mkdirSync(source, { recursive: true });
  for (const [file, text] of files) writeFileSync(join(source, file), text);
  await build({
    root: source,
    configFile: files.has("vite.config.js") && join(source, "vite.config.js"),
    logLevel: "silent",
    build: { outDir: join(folder, "dist", name), emptyOutDir: true },
  });
}

/** Bundles a page of the tests from the library's sources, so that it can use what the package does not show. */
export async function bundleSources(entry: string, outDir: string): Promise<void> {
  const source = join(outDir, "..", "source");
  mkdirSync(source, { recursive: true });
  writeFileSync(
    join(source, "index.html"),
    `<!doctype html><script type="module" src="${join(import.meta.dirname, entry)}"></script>\n`,
  );
  const config: InlineConfig = {
    root: source,
    configFile: false,
    logLevel: "silent",
    resolve: {
      alias: [{ find: /^#platform\/(.+)$/, replacement: join(root, "src", "platform", "browser", "$1.ts") }],
    },
    // What package.json says of side effects is about the package's own files.
    build: { outDir, emptyOutDir: true, minify: false, rolldownOptions: { treeshake: false } },
  };
  await build(config);
}

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
  ".css": "text/css",
};

/** Serves a folder on this machine alone. */
export const serve = (folder: string): Promise<{ readonly server: Server; readonly address: string }> =>
  new Promise((resolve) => {
    const server = createServer(({ url = "/" }, response) => {
      const path = join(folder, new URL(url, "http://localhost").pathname.replace(/\/$/, "/index.html"));
      if (url === "/favicon.ico") return void response.writeHead(204).end();
      if (!existsSync(path)) return void response.writeHead(404).end();
      response.writeHead(200, {
        "content-type": TYPES[extname(path)] ?? "application/octet-stream",
        "cross-origin-opener-policy": "same-origin",
        "cross-origin-embedder-policy": "require-corp",
      });
      response.end(readFileSync(path));
    });
    server.listen(0, "127.0.0.1", () => {
      const found = server.address();
      if (found === null || typeof found === "string") throw new Error("the server has no port");
      resolve({ server, address: `http://127.0.0.1:${found.port}` });
    });
  });

/** What a page is opened with. */
export interface PageOptions {
  /** Flags of Chromium. */
  readonly flags?: readonly string[];
  /** Gets what the page says on its console, and its errors. */
  readonly said?: string[];
  /** The host in the page's address, which leads here whatever it is. Default this machine's own, from which pages are secure. */
  readonly host?: string;
  /** Its path in the folder. Default `/`. */
  readonly path?: string;
  /** An expression that is true once the page is ready. Default that it has set `run`. */
  readonly ready?: string;
}

/** Opens the page of a folder in Chromium, and waits until it is ready. `call` evaluates an expression there. */
export async function openPage(
  folder: string,
  { flags = [], said = [], host, path = "/", ready = "globalThis.run !== undefined" }: PageOptions = {},
): Promise<{
  readonly call: (expression: string) => Promise<unknown>;
  readonly close: () => Promise<void>;
}> {
  if (driver === undefined || chromium === undefined)
    throw new Error("there is no browser to open a page in");
  const { server, address } = await serve(folder);
  const args = ["--no-sandbox", ...flags, ...(host ? [`--host-resolver-rules=MAP ${host} 127.0.0.1`] : [])];
  const browser = await driver.chromium.launch({ executablePath: chromium, args });
  const page = await browser.newPage();
  page.on("pageerror", ({ message }) => said.push(message));
  page.on("console", (line) => said.push(line.text()));
  await page.goto(`${host ? address.replace("127.0.0.1", host) : address}${path}`);
  await page.waitForFunction(ready);
  return {
    call: (expression) => page.evaluate(expression),
    close: async () => {
      await browser.close();
      server.close();
    },
  };
}
