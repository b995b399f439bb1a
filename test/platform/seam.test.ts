/** Node and browsers by the same names: what either has, and what a page can reach. */
import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { isDeepStrictEqual } from "../../src/platform/browser/equality.ts";
import { sha256 } from "../../src/platform/browser/hashing.ts";
import * as paths from "../../src/platform/browser/paths.ts";
import { isUtf8 } from "../../src/platform/browser/text.ts";
import { version } from "../../src/platform/browser/version.ts";
import { reachable } from "./imports.ts";

const src = join(import.meta.dirname, "..", "..", "src");
const packageJson = JSON.parse(readFileSync(join(src, "..", "package.json"), "utf8"));

const builtin = new Set([...builtinModules, ...builtinModules.map((name) => `node:${name}`)]);
const ofNode = ({ packages }: ReturnType<typeof reachable>): string[] =>
  [...packages].filter(([name]) => builtin.has(name)).map(([name, file]) => `${file}: ${name}`);

describe("what the browser's door reaches", () => {
  const found = reachable("public/browser.ts", "browser");

  test("is the library, and nothing of Node", () => {
    expect(found.files).toContain(join("runs", "train.ts"));
    expect(found.files).toContain(join("platform", "browser", "runtime.ts"));
    expect(ofNode(found)).toEqual([]);
  });

  test("by Node's conditions the same walk finds what is Node's", () => {
    expect(ofNode(reachable("public/browser.ts", "node")).length).toBeGreaterThan(5);
  });

  test("so do the workers of chains", () => {
    expect(ofNode(reachable(join("inference", "mcmc", "chain-worker.ts"), "browser"))).toEqual([]);
  });

  test("needs no package that runs in Node alone", () => {
    const nodeOnly = ["sharp", "onnxruntime-node", "cli-progress", "commander"];
    expect(nodeOnly.filter((name) => found.packages.has(name))).toEqual([]);
  });
});

/** What the modules of browsers share. */
const ofBrowsers = ["onnxruntime-web.ts", "refuse.ts", "wasm.ts", "webgpu.ts"];

test("both platforms have the same modules, which export the same names", async () => {
  const modules = (platform: string) =>
    readdirSync(join(src, "platform", platform))
      .filter((name) => !ofBrowsers.includes(name))
      .sort();
  expect(modules("browser")).toEqual(modules("node"));
  for (const name of modules("node")) {
    const [node, browser] = await Promise.all(
      ["node", "browser"].map((platform) => import(join(src, "platform", platform, name))),
    );
    expect([name, Object.keys(browser).sort()]).toEqual([name, Object.keys(node).sort()]);
  }
});

test("package.json chooses a browser's modules first, then Node's", () => {
  const { browser, node, default: others } = packageJson.imports["#platform/*"];
  expect(Object.keys(packageJson.imports["#platform/*"])[0]).toBe("browser");
  expect([browser, node, others].map((path) => path.split("/").at(-2))).toEqual(["browser", "node", "node"]);
});

test("the version of a page is the package's", () => {
  expect(version()).toBe(packageJson.version);
});

test("SHA-256 in JavaScript is Node's, at every length around a block and in parts", () => {
  const bytes = Uint8Array.from({ length: 300 }, (_, i) => (i * 73 + 11) % 251);
  for (let length = 0; length <= 300; length++) {
    const data = bytes.subarray(0, length);
    const cut = (length * 7) % (length + 1);
    const sum = sha256().update(data.subarray(0, cut)).update(data.subarray(cut));
    expect(sum.digest("hex")).toBe(createHash("sha256").update(data).digest("hex"));
  }
  const words = "naïve – Müller";
  expect(sha256().update(words).digest("base64")).toBe(createHash("sha256").update(words).digest("base64"));
});

test("paths, equality and text of a page", () => {
  expect(paths.join("a", "", "b/", "/c.npy")).toBe("a/b/c.npy");
  expect([paths.basename("a/b.npy"), paths.dirname("a/b.npy"), paths.dirname("b.npy")]).toEqual([
    "b.npy",
    "a",
    ".",
  ]);
  expect(isDeepStrictEqual({ a: [1, { b: Number.NaN }] }, { a: [1, { b: Number.NaN }] })).toBe(true);
  expect(isDeepStrictEqual({ a: [1] }, { a: { 0: 1 } })).toBe(false);
  expect(isDeepStrictEqual({ a: undefined }, {})).toBe(false);
  expect([isUtf8(Uint8Array.of(0xc3, 0xa9)), isUtf8(Uint8Array.of(0xc3))]).toEqual([true, false]);
});

test("what a page has not is refused, with what to do instead", async () => {
  const { readFileSync: read } = await import("../../src/platform/browser/files.ts");
  expect(() => read("x")).toThrow(
    "files: not available in a browser. Fetch the data and make a dataset in memory",
  );
});
