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
import { build, type Rolldown } from "vite";

const root = join(import.meta.dirname, "..", "..");
const MODULES = join(root, "node_modules");

/** Where Debian and others put Chromium. */
export const chromium: string | undefined = [
  "/usr/bin/chromium",
  "/usr/bin/chromium-browser",
  "/usr/bin/google-chrome",
].find((path) => existsSync(path));

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

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html",
  ".js": "text/javascript",
  ".mjs": "text/javascript",
  ".wasm": "application/wasm",
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
