import { expect, test } from "vitest";
import { toCsv } from "../src/cli/table.ts";
import { DataError } from "../src/errors.ts";
import { printable } from "../src/printable.ts";
import { cli } from "./cli/harness.ts";
import { tempFolder } from "./data/temp.ts";

const ESC = String.fromCharCode(27);

test("control characters are written as escapes; lines, tabs and letters of all scripts stay", () => {
  expect(printable(`a${ESC}[31mb\u0007\u009b\u202e\r`)).toBe("a\\x1b[31mb\\x07\\x9b\\u202e\\x0d");
  expect(printable("Müller\t東京\n🙂")).toBe("Müller\t東京\n🙂");
});

test("no error carries a control character to whoever prints it", () => {
  expect(new DataError(`found "${ESC}]0;title\u0007"`).message).toBe('found "\\x1b]0;title\\x07"');
});

test("nor does the program print one that a file holds", async () => {
  const { write } = tempFolder();
  const rows = Array.from({ length: 40 }, (_, i) => `${i},${(i * 7) % 11}`).join("\n");
  const file = write("table.csv", `a,b\n${rows}\n${ESC}[2J,3\n`);
  const { out, err } = await cli("train", "vae", "--data", file, "--out", `${file}-run`);
  expect(err).toContain('found "\\x1b[2J"');
  expect(out + err).not.toContain(ESC);
});

test("a word that a spreadsheet would run as a formula is written as a word, unless asked for as it is", () => {
  const rows = [["=1+1", "@x", -2.5, "+cmd", "-3", "Jean-Luc", "\tx"]];
  const table = { columns: ["=a", "b", "c", "d", "e", "f", "g"], rows };
  expect(toCsv(table)).toBe("'=a,b,c,d,e,f,g\n'=1+1,'@x,-2.5,'+cmd,-3,Jean-Luc,'\tx\n");
  expect(toCsv(table, { rawCells: true })).toBe("=a,b,c,d,e,f,g\n=1+1,@x,-2.5,+cmd,-3,Jean-Luc,\tx\n");
});
