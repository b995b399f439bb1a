/** What holds for every kind: it is known by its declaration alone, its defaults exist once, and its old runs open. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { defaultText, trainFlags } from "../../src/cli/flags.ts";
import { createDataset } from "../../src/data/index.ts";
import { declarations, flagsOf, kindNames, kindOf, verbNames } from "../../src/kinds/index.ts";
import { at, placed } from "../../src/kinds/settings/setting.ts";
import { newRun } from "../../src/runs/index.ts";
import { cli, ok } from "../cli/harness.ts";

const src = join(import.meta.dirname, "..", "..", "src");
const folder = mkdtempSync(join(tmpdir(), "tightbound-kinds-"));
afterAll(() => rmSync(folder, { recursive: true }));

test("no file outside src/kinds tests a kind's name", () => {
  const name = `"(${kindNames.join("|")})"`;
  // A comparison, a case, an array that is asked for it or that is asked whether it has one, or a table of cases.
  const tested = new RegExp(
    `[!=]==? ${name}|${name} [!=]==?|case ${name}|includes\\(${name}|${name}[^\\]]*\\]\\.(includes|has|indexOf)\\(|\\{ (${kindNames.join("|")}): `,
  );
  const files = (readdirSync(src, { recursive: true }) as string[]).filter(
    (path) => path.endsWith(".ts") && !path.startsWith("kinds"),
  );
  expect(files.length).toBeGreaterThan(300);
  const found = files.flatMap((path) =>
    readFileSync(join(src, path), "utf8")
      .split("\n")
      .flatMap((line, i) =>
        tested.test(line) && !/^\s*\*/.test(line) ? [`${path}:${i + 1}: ${line.trim()}`] : [],
      ),
  );
  expect(found).toEqual([]);
});

describe.each(declarations.map((declaration) => [declaration.name, declaration] as const))(
  "%s",
  (name, declaration) => {
    test("has the verbs that it declares, and no others", async () => {
      const kind = await kindOf(name);
      expect(kind.declaration).toBe(declaration);
      for (const verb of verbNames) expect(verb in kind).toBe(verb in declaration.verbs);
    });

    test("its help has each of its flags once, with the default that an untouched run writes down", async () => {
      const { out } = await ok("train", name, "--help");
      // Without the examples, which name flags of all kinds.
      const help = out.slice(out.indexOf("Options:"), out.indexOf("--help")).replace(/\s+/g, " ");
      const labels = Int32Array.from({ length: 300 }, (_, row) => row % 3);
      const train = createDataset({
        name: "rows",
        shape: [4, 4],
        x: new Uint8Array(300 * 16),
        labels,
        classes: ["a", "b", "c"],
      });
      const data = { spec: "rows", name: "rows", trainRows: 300, testRows: 0, fingerprint: "0" };
      const written = newRun(name, {}, train, data, { version: "0", command: "" });
      for (const { flag, path, setting } of flagsOf(declaration)) {
        expect(help.split(` ${flag} `).length, flag).toBeGreaterThan(1);
        const facts = { rows: 300, table: false, labels: 300 };
        const preset = setting.on(facts);
        expect(at(written, path), path).toEqual(preset);
        const text = defaultText(setting);
        if (text !== undefined) expect(help.includes(`(default: ${text})`), `${flag}: ${text}`).toBe(true);
      }
      for (const { flag, kinds } of trainFlags) {
        if (!kinds.has(name)) expect(help.includes(` ${flag} `), flag).toBe(false);
      }
    });

    test("every setting that a flag gives is described", () => {
      for (const { path, setting, flag } of placed(declaration.settings)) {
        if (flag !== undefined) expect(setting.options.help, path).toMatch(/^\S.*[^.]$/);
      }
    });
  },
);

test("a flag that another kind has is refused with the reason", async () => {
  for (const { name, lacks = {} } of declarations) {
    for (const { flag, kinds } of trainFlags) {
      if (kinds.has(name)) continue;
      const [{ setting }] = [...kinds.values()];
      const { choices = [setting.value.placeholder === "<share>" ? "0.5" : "1"], placeholder } =
        setting.value;
      const value = placeholder === undefined ? [] : [choices[0]];
      const { code, err } = await cli("train", name, "--data", "mnist", flag, ...value);
      expect([code, err], `${name} ${flag}`).toEqual([
        2,
        expect.stringMatching(
          `^${flag} does not apply: ${lacks[flag] ? "" : `.* has it; ${name} does not|.* have it; ${name} does not`}`,
        ),
      ]);
    }
  }
}, 120_000);

describe("runs of version 0.1.0 open, with the figures they had", () => {
  cpSync(join(import.meta.dirname, "..", "fixtures", "runs"), folder, { recursive: true });
  for (const path of readdirSync(folder, { recursive: true }) as string[]) {
    if (!path.endsWith("config.json")) continue;
    const file = join(folder, path);
    const text = readFileSync(file, "utf8");
    writeFileSync(
      file,
      text.replace(/"((bars|flowers)[\w.]*\.(npy|csv))"/g, (_, found) => JSON.stringify(join(folder, found))),
    );
  }
  const same = (found: unknown, expected: unknown): void => {
    if (typeof expected === "number") expect(found).toBeCloseTo(expected, 4);
    else if (typeof expected !== "object" || expected === null) expect(found).toEqual(expected);
    else {
      // Newer versions may tell more.
      expect(Object.keys(found as object)).toEqual(expect.arrayContaining(Object.keys(expected)));
      for (const [key, value] of Object.entries(expected)) {
        same((found as Readonly<Record<string, unknown>>)[key], value);
      }
    }
  };

  test.each(["vae", "autoencoder", "m1", "m2", "m1m2", "vae-table"])("%s", async (name) => {
    const path = join(folder, name);
    const { run: _, data: __, ...expected } = JSON.parse(readFileSync(join(path, "evaluate.json"), "utf8"));
    const {
      run: ___,
      data: ____,
      ...found
    } = (await ok("evaluate", path, "--samples", "50", "--json")).json();
    same(found, expected);
  });

  test("m2-table classifies the rows of a table", async () => {
    const path = join(folder, "m2-table");
    const { rows } = (await ok("classify", path, "--out", join(folder, "classes.csv"), "--json")).json();
    expect(rows).toBe(120);
  });
});
