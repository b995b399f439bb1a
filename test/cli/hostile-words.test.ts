/** Words of other people's files, in every verb: nothing of them moves a terminal's cursor, and no spreadsheet runs them. */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "csv-parse/sync";
import { expect, test } from "vitest";
import { generator } from "../campaigns/random.ts";
import { cli, temporary } from "./harness.ts";

const folder = temporary();
const pick = generator(Number(process.env.TIGHTBOUND_FUZZ_SEED ?? 1));
const one = <T>(list: readonly T[]): T => list[pick(list.length)];
const char = (code: number): string => String.fromCharCode(code);

/** Escape sequences, 8-bit controls, a bell, marks that turn text around; formulas. */
const CODES = [
  ...[`${char(27)}[2J`, `${char(27)}]0;title${char(7)}`, `${char(0x9b)}31m`, char(8), char(0x7f)],
  ...[char(0x202e), char(0x2066), char(0x200f), char(0x85)],
];
const FORMULAS = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", '=HYPERLINK("http://x")'];

/** A word that nobody meant well with. */
const hostile = (): string => `${one([...FORMULAS, "word", "a, b"])}${one(["", ...CODES])}${pick(1000)}`;

// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/;

const cell = (word: string): string => (/[",\n]/.test(word) ? `"${word.replaceAll('"', '""')}"` : word);

const small = [
  "--test-fraction",
  "0.2",
  "--epochs",
  "1",
  "--hidden",
  "3",
  "--latent",
  "2",
  "--batch",
  "20",
  "--threads",
  "1",
];

/** Runs a command line and returns what a terminal would show. */
const shown = async (...argv: readonly string[]) => {
  const { code, out, err } = await cli(...argv);
  const control = CONTROL.exec(out + err);
  expect(
    control &&
      `${argv.join(" ")}: ${JSON.stringify((out + err).slice(Math.max(0, control.index - 60), control.index + 20))}`,
  ).toBe(null);
  return { code, err };
};

test.each([1, 2])("tables with hostile names, classes and cells, draw %i", async (draw) => {
  const inside = join(folder, `tables ${draw}`);
  mkdirSync(inside);
  const names = [...new Set(Array.from({ length: 4 }, () => `c${pick(100)}${hostile()}`))];
  // The first three columns begin as formulas do.
  const columns = [`=n${draw}${one(CODES)}`, `@w${one(CODES)}`, `+class${one(CODES)}`, ...names];
  const classes = [`${one(FORMULAS)}${one(CODES)}`, `-${hostile()}`];
  const words = Array.from({ length: 3 }, hostile);
  const rows = Array.from({ length: 60 }, (_, i) =>
    columns.map((_, j) => (j === 1 ? words[i % 3] : j === 2 ? classes[i % 2] : `${(i * (j + 7)) % 11}.5`)),
  );
  const file = join(inside, `table${one(CODES)}.csv`);
  writeFileSync(file, [columns, ...rows].map((row) => row.map(cell).join(",")).join("\n"));
  const runs = [join(inside, "m2"), join(inside, `vae${one(CODES)}`)];
  const label = ["--label-column", columns[2]];
  for (const [model, run] of [
    ["m2", runs[0]],
    ["vae", runs[1]],
  ]) {
    expect(await shown("train", model, "--data", file, ...label, ...small, "--out", run)).toMatchObject({
      code: 0,
    });
    expect(await shown("evaluate", run, "--samples", "5")).toMatchObject({ code: 0 });
    for (const verb of model === "m2"
      ? ["sample", "classify"]
      : ["sample", "reconstruct", "traverse", "encode"])
      expect(await shown(verb, run), verb).toMatchObject({ code: 0 });
    expect(await shown("evaluate", run, "--samples", "5", "--json")).toMatchObject({ code: 0 });
  }
  let cells = 0;
  for (const run of runs) {
    for (const name of readdirSync(run).filter((name) => name.endsWith(".csv"))) {
      const table = parse(readFileSync(join(run, name), "utf8"), { relax_column_count: false }) as string[][];
      for (const word of table.flat()) {
        cells++;
        if (Number.isNaN(Number(word))) expect(word, name).not.toMatch(/^[=+\-@\t\r]/);
      }
    }
  }
  expect(cells).toBeGreaterThan(500);
  // What is refused quotes what was found.
  const bad = join(inside, "bad.csv");
  writeFileSync(bad, readFileSync(file, "utf8").replace(cell(columns[0]), hostile().replaceAll(",", "")));
  for (const argv of [
    ["encode", runs[1], "--data", bad],
    ["classify", runs[0], "--data", bad],
    ["train", "vae", "--data", file, "--ignore", `no${one(CODES)}`, "--out", join(inside, "x")],
    ["train", `v${one(CODES)}`, "--data", file],
    ["train", "vae", "--data", file, `--${one(CODES)}x`, "1"],
    ["train", "vae", "--data", file, "--lr", one(CODES)],
    ["train", "vae", "--data", `${inside}/${one(CODES)}.csv`],
    ["train", "vae", "--data", file, "--out", runs[0]],
    ["sample", `${inside}/${one(CODES)}`],
    ["sample", runs[1], "--out", `${inside}/${one(CODES)}.doc`],
    [`${one(CODES)}verb`],
  ]) {
    const { code, err } = await shown(...argv);
    expect(code, argv.join(" ")).toBeGreaterThan(0);
    expect(err).not.toContain("fault of tightbound");
  }
});
