/** Every field of every public type of options has a sentence, which an editor shows where the field is written. */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join, relative } from "node:path";
import { expect, test } from "vitest";
import { defaultText } from "../../src/cli/flags.ts";
import { m1 } from "../../src/kinds/m1/settings.ts";
import { Setting, type Table } from "../../src/kinds/settings/setting.ts";
import { vaeModel, vaeTrain } from "../../src/kinds/vae/settings.ts";
import { root } from "./pages.ts";

/** What this test needs of the compiler's interface, which the project's own version 7 has not. */
interface Declared {
  getSourceFile(): { readonly fileName: string };
}
interface Sym {
  readonly name: string;
  readonly flags: number;
  readonly declarations?: readonly Declared[];
  getDocumentationComment(checker: Checker): unknown;
}
interface Type {
  readonly flags: number;
  readonly types?: readonly Type[];
  isUnion(): boolean;
}
interface Checker {
  getSymbolAtLocation(node: unknown): Sym;
  getExportsOfModule(module: Sym): readonly Sym[];
  getAliasedSymbol(symbol: Sym): Sym;
  getDeclaredTypeOfSymbol(symbol: Sym): Type;
  getPropertiesOfType(type: Type): readonly Sym[];
}
interface TypeScript {
  readonly sys: { readFile(path: string): string };
  readonly SymbolFlags: Readonly<Record<"Alias" | "Interface" | "TypeAlias", number>>;
  readonly TypeFlags: Readonly<Record<"Object" | "Intersection", number>>;
  readConfigFile(path: string, read: (path: string) => string): { readonly config: object };
  parseJsonConfigFileContent(config: object, system: object, root: string): { readonly options: object };
  createProgram(
    files: readonly string[],
    options: object,
  ): { getTypeChecker(): Checker; getSourceFile(path: string): unknown };
  displayPartsToString(parts: unknown): string;
}

const ts = createRequire(join(root, "docs", "package.json"))("typescript") as TypeScript;
const doors = readdirSync(join(root, "src", "public")).map((file) => join(root, "src", "public", file));
const { options } = ts.parseJsonConfigFileContent(
  ts.readConfigFile(join(root, "tsconfig.json"), ts.sys.readFile).config,
  ts.sys,
  root,
);
const program = ts.createProgram(doors, { ...options, noEmit: true });
const checker = program.getTypeChecker();

interface Field {
  readonly field: string;
  /** With its type and file. */
  readonly name: string;
  readonly docs: string;
}

/** The fields of every exported type whose name says that it is written by a caller. */
const fieldsByType = new Map<string, readonly Field[]>();
for (const door of doors) {
  for (const exported of checker.getExportsOfModule(
    checker.getSymbolAtLocation(program.getSourceFile(door)),
  )) {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported;
    if (!(symbol.flags & (ts.SymbolFlags.Interface | ts.SymbolFlags.TypeAlias))) continue;
    if (!/(Options|Settings|Hooks|Input|Spec|Fields|Limit)$/.test(symbol.name)) continue;
    const type = checker.getDeclaredTypeOfSymbol(symbol);
    const parts = type.isUnion() ? (type.types ?? []) : [type];
    const fields = parts
      .filter(({ flags }) => flags & (ts.TypeFlags.Object | ts.TypeFlags.Intersection))
      .flatMap((part) => checker.getPropertiesOfType(part))
      .filter(({ declarations }) => declarations?.[0]?.getSourceFile().fileName.startsWith(join(root, "src")))
      .map((field) => ({
        field: field.name,
        name: `${symbol.name}.${field.name} (${relative(root, field.declarations?.[0]?.getSourceFile().fileName ?? "")})`,
        docs: ts.displayPartsToString(field.getDocumentationComment(checker)).trim(),
      }));
    fieldsByType.set(symbol.name, fields);
  }
}

test("every field of a public type of options has a sentence", () => {
  const fields = [...fieldsByType.values()].flat();
  expect(fields.length).toBeGreaterThan(400);
  expect(fields.filter(({ docs }) => !/^\S.*[.:…)]$/s.test(docs)).map(({ name }) => name)).toEqual([]);
});

// A type cannot take its docstrings from a value, so they are written beside the settings, and their defaults held to those here.
test.each([
  ["TrainSettings", vaeTrain],
  ["TrainInput", vaeTrain],
  ["VaeModelSettings", vaeModel],
  ["ClassifierSettings", m1.settings.classifiers],
] as readonly (readonly [string, Table])[])("%s names each setting's default", (type, table) => {
  const docs = new Map(fieldsByType.get(type)?.map((field) => [field.field, field.docs]));
  const settings = Object.entries(table).filter(([, entry]) => entry instanceof Setting);
  expect(settings.length).toBeGreaterThan(5);
  const wrong = settings.flatMap(([name, setting]) => {
    const preset = defaultText(setting as Setting<unknown>)?.replaceAll(/--(?:svm-)?(\w+)/g, "`$1`");
    return preset === undefined || docs.get(name)?.endsWith(` Default: ${preset}.`)
      ? []
      : [[name, docs.get(name), preset]];
  });
  expect(wrong).toEqual([]);
});
