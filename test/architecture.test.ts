import { readdirSync, readFileSync } from "node:fs";
import { builtinModules } from "node:module";
import { dirname, join, relative, sep } from "node:path";
import { expect, test } from "vitest";
import { reachable } from "./platform/imports.ts";

const src = join(import.meta.dirname, "..", "src");

/** From the top floor down, as ARCHITECTURE.md lists them. */
const floors = readFileSync(join(src, "..", "ARCHITECTURE.md"), "utf8")
  .split("\n")
  .flatMap((line) => /^\| `([a-z]+)\/` \|/.exec(line)?.[1] ?? []);

const files = (readdirSync(src, { recursive: true }) as string[]).filter((path) => path.endsWith(".ts"));

test("every folder of src is a floor, and every floor a folder", () => {
  const folders = new Set(files.filter((path) => path.includes(sep)).map((path) => path.split(sep)[0]));
  expect([...folders].sort()).toEqual([...floors].sort());
});

test("each floor imports only from floors below it", () => {
  const upward = files.flatMap((path) => {
    const from = floors.indexOf(path.split(sep)[0]);
    if (from < 0) return [];
    const imports = [...readFileSync(join(src, path), "utf8").matchAll(/from "(\.[^"]+)"/g)].map(
      ([, target]) => relative(src, join(src, dirname(path), target)),
    );
    return imports
      .filter((target) => target.includes(sep) && floors.indexOf(target.split(sep)[0]) < from)
      .map((target) => `${path} imports ${target}`);
  });
  expect(upward).toEqual([]);
});

test("from another floor, a file imports the floor's index", () => {
  const deep = files.flatMap((path) => {
    const [floor] = path.split(sep);
    if (!path.includes(sep)) return [];
    const imports = [...readFileSync(join(src, path), "utf8").matchAll(/from "(\.[^"]+)"/g)].map(
      ([, target]) => relative(src, join(src, dirname(path), target)),
    );
    return imports
      .filter((target) => target.includes(sep) && target.split(sep)[0] !== floor)
      .filter((target) => target !== join(target.split(sep)[0], "index.ts"))
      .map((target) => `${path} imports ${target}`);
  });
  expect(deep).toEqual([]);
});

test("doors export what floors' indices export, and no floor goes through a door", () => {
  const wrong = files.flatMap((path) => {
    const text = readFileSync(join(src, path), "utf8");
    const imports = [...text.matchAll(/(?:from|import) ?\(?"([^"]+)"/g)].map(([, target]) => target);
    const allowed = path.startsWith(`public${sep}`)
      ? (target: string) => /^\.\.\/(?!public\/)([a-z]+\/index|errors|ambient)\.ts$/.test(target)
      : (target: string) => !/^tightbound(\/|$)|(^|\/)public\//.test(target);
    return imports.filter((target) => !allowed(target)).map((target) => `${path} imports ${target}`);
  });
  expect(wrong).toEqual([]);
});

test("the door of pages reaches nothing of Node: what it needs of a machine it asks of #platform, which browsers have too", () => {
  const { packages } = reachable(join("public", "browser.ts"), "browser");
  const builtin = new Set(builtinModules);
  const named = [...packages].filter(([name]) => builtin.has(name.replace(/^node:/, "").split("/")[0]));
  expect(named.map(([name, file]) => `${file} imports ${name}`)).toEqual([]);
});

test("package.json lists every file that does something when it is loaded: bundlers drop the others where nothing of them is used", () => {
  const { sideEffects } = JSON.parse(readFileSync(join(src, "..", "package.json"), "utf8")) as {
    readonly sideEffects: readonly string[];
  };
  const listed = sideEffects.map((pattern) => pattern.replace(/^\.\/dist\//, "").replace(/\.js$|\*\*$/, ""));
  // Formatted sources begin only statements of the module itself in the first column.
  const acts =
    /^(?:(?:if|for|while|try|new|await)\b|(?!(?:import|function)\b)[A-Za-z_$][\w$.]*(?:\(|\[| = )).*/gm;
  // Whoever has a distribution has loaded the file of its class, so the divergences from it may be registered there.
  const ownKl = (text: string, line: string): boolean => {
    const family = /^registerKl\((\w+),/.exec(line)?.[1];
    return family !== undefined && text.includes(`export class ${family} `);
  };
  const active = files.filter((path) => {
    const text = readFileSync(join(src, path), "utf8");
    return [...text.matchAll(acts)].some(([line]) => !ownKl(text, line));
  });
  expect(active.length).toBeGreaterThan(15);
  expect(
    active.filter((path) => !listed.some((start) => path.split(sep).join("/").startsWith(start))),
  ).toEqual([]);
});
