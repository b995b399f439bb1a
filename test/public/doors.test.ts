/** The doors of the package: where each public name is imported from. */
import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, test } from "vitest";
import { distributionCases } from "../distributions/registry/index.ts";

const root = join(import.meta.dirname, "..", "..");
const doors = readdirSync(join(root, "src", "public")).map((file) => file.replace(/\.ts$/, ""));
/** Doors that gather names of several subjects. */
const gathering = ["tightbound", "browser"];
const subjects = doors.filter((door) => !gathering.includes(door));
const { exports } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
  exports: Record<string, string | { types: string; default: string }>;
};

/** Names by the declaration that they stand for: of each door, what it exports, types included. */
const names = new Map<string, Map<string, unknown>>();
{
  // The compiler's interface: that of TypeScript 6, which the documentation's packages have.
  const require = createRequire(join(root, "docs", "package.json"));
  const ts = require("typescript") as typeof import("../../docs/node_modules/typescript/lib/typescript.js");
  const paths = doors.map((door) => join(root, "src", "public", `${door}.ts`));
  const program = ts.createProgram(paths, {
    target: ts.ScriptTarget.ES2022,
    module: ts.ModuleKind.NodeNext,
    moduleResolution: ts.ModuleResolutionKind.NodeNext,
    allowImportingTsExtensions: true,
    noEmit: true,
    types: ["node"],
  });
  const checker = program.getTypeChecker();
  for (const [i, path] of paths.entries()) {
    const file = program.getSourceFile(path);
    const symbol = file && checker.getSymbolAtLocation(file);
    if (!symbol) throw new Error(`${path} is no module`);
    names.set(
      doors[i],
      new Map(
        checker
          .getExportsOfModule(symbol)
          .map((s) => [s.name, s.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(s) : s]),
      ),
    );
  }
}
const of = (door: string): Map<string, unknown> => names.get(door) ?? new Map();

test("package.json has an entry for each door, and each entry a door", () => {
  const entries = Object.fromEntries(
    doors.map((door) => [
      door === "tightbound" ? "." : `./${door}`,
      { types: `./dist/public/${door}.d.ts`, default: `./dist/public/${door}.js` },
    ]),
  );
  expect(exports).toEqual({ ...entries, "./package.json": "./package.json" });
});

test("the root exports at most 80 names", () => {
  expect(of("tightbound").size).toBeLessThanOrEqual(80);
  expect(of("tightbound").size).toBeGreaterThan(40);
});

test("each name is in one subject, and what the root and the browser's door have is the same thing", () => {
  const homes = new Map<unknown, string[]>();
  for (const door of subjects)
    for (const [name, symbol] of of(door))
      homes.set(symbol, [...(homes.get(symbol) ?? []), `${door}: ${name}`]);
  expect([...homes.values()].filter((places) => places.length > 1)).toEqual([]);
  for (const door of gathering) {
    const alone = [...of(door)].filter(([, symbol]) => !homes.has(symbol)).map(([name]) => name);
    expect(alone.sort()).toEqual(["InternalError", "TightboundError", "UsageError"]);
  }
});

test("every distribution of the registry can be imported", () => {
  // A case's name is the distribution's, and may go on: "Normal scale".
  for (const { name } of distributionCases)
    expect([...of("distributions").keys()]).toContain(name.split(" ")[0]);
});
