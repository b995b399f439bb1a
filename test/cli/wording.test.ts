import { readdirSync, readFileSync } from "node:fs";
import { join, sep } from "node:path";
import { expect, test } from "vitest";
import { inFlags } from "../../src/cli/wording.ts";

test.each([
  ['`binarize: "none"`', "--binarize none"],
  ['`types: {"born": "date:dmy"}`', "--type born=date:dmy"],
  ['`types: {"body mass": "number"}`', '--type "body mass=number"'],
  // A shell would read < as a file.
  ['`types: {"size": "ordinal:s<m<l"}`', '--type "size=ordinal:s<m<l"'],
  ['`decimal: ","`', "--decimal ,"],
  ['`categorical: ["x"]`', "--categorical x"],
  ["`resize: [32, 32]`", "--resize 32x32"],
  ["`nothing: 1`", "`nothing: 1`"],
])("%s is the flag %s", (option, flag) => {
  expect(inFlags(`Give ${option}.`)).toBe(`Give ${flag}.`);
});

test("below the command line, messages name options and not flags", () => {
  const src = join(import.meta.dirname, "..", "..", "src");
  const floors = ["data", "files", "fits", "inference", "models", "runs", "train"];
  const files = (readdirSync(src, { recursive: true }) as string[]).filter(
    (path) => path.endsWith(".ts") && floors.includes(path.split(sep)[0]),
  );
  expect(files.length).toBeGreaterThan(100);
  const found = files.flatMap((path) =>
    readFileSync(join(src, path), "utf8")
      .split("\n")
      .filter((line) => !/^\s*(\/?\*|\/\/)/.test(line) && /["`].*\s--[a-z]/.test(line))
      .map((line) => `${path}: ${line.trim()}`),
  );
  expect(found).toEqual([]);
});

test("no phrase is written twice in a row", () => {
  const root = join(import.meta.dirname, "..", "..");
  const files = ["src", "docs", "examples"].flatMap((folder) =>
    (readdirSync(join(root, folder), { recursive: true }) as string[])
      .filter((path) => /\.(ts|md)$/.test(path) && !path.includes("node_modules"))
      .map((path) => join(folder, path)),
  );
  expect(files.length).toBeGreaterThan(500);
  const twice = /\b([A-Za-z’']+(?: [A-Za-z’']+){1,5}) \1\b/g;
  expect("clip the norm at this value at this value".match(twice)).toEqual(["at this value at this value"]);
  const found = files.flatMap((path) =>
    (readFileSync(join(root, path), "utf8").match(twice) ?? []).map((phrase) => `${path}: ${phrase}`),
  );
  expect(found).toEqual([]);
});
