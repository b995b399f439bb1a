/** The command on 100 digits, for an epoch: the files that it leaves, and what it prints. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { cli, ok, temporary, writeDigits } from "./harness.ts";

const folder = temporary();
const digits = writeDigits(folder, { train: 120, test: 40 });
const out = join(folder, "table");
const command = [
  ...["reproduce", "kingma2014", "--data", digits, "--validation", "20", "--labels", "20", "--draws", "1"],
  ...["--methods", "m2", "--length", "0.01", "--threads", "1", "--out", out],
];

test("a page, a table and all figures; the table is what is printed", async () => {
  const { out: printed } = await ok(...command);
  const table = readFileSync(join(out, "table.md"), "utf8");
  expect(printed).toContain(table);
  expect(table).toMatch(/\| M2 by q\(y\\\|x\) +\|.*\(1 draw\) \|/);
  expect(table).toContain("This is a trial at 0.01 of the protocol\u2019s epochs");
  const page = readFileSync(join(out, "report.html"), "utf8");
  for (const text of [
    "Published and measured",
    "Error over training",
    "<span>kingma2014</span>",
    "M2, 20 labels",
  ]) {
    expect(page).toContain(text);
  }
  const results = (await ok(...command, "--json")).json();
  expect(results).toEqual(JSON.parse(readFileSync(join(out, "results.json"), "utf8")));
  expect(results).toMatchObject({ benchmark: "kingma2014", missing: [], draws: [{ labelSeed: 0 }] });
}, 60_000);

test("another paper is refused", async () => {
  const { err } = await cli("reproduce", "other", "--out", join(folder, "none"));
  expect(err).toContain('reproduce: unknown paper "other". Expected kingma2014 or burda2016.');
  expect(existsSync(join(folder, "none"))).toBe(false);
});
