/** The first sheet of an Excel workbook as a table. `animals.xlsx` is of openpyxl; the others are written here as XML. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { loadTable, readTable } from "../../src/data/index.ts";
import { cellName } from "../../src/data/workbook-records.ts";
import { DataError, UsageError } from "../../src/errors.ts";
import { tempFolder, workbookBytes, zipBytes } from "./temp.ts";

const { write } = tempFolder();
const animals = readFileSync(join(import.meta.dirname, "workbooks", "animals.xlsx"));

const words = (row: number, ...cells: readonly string[]): string =>
  `<row r="${row}">${cells.map((cell, i) => `<c r="${cellName(row, i)}" t="inlineStr"><is><t>${cell}</t></is></c>`).join("")}</row>`;

describe("a workbook", () => {
  test.each([
    ["animals.xlsx", animals],
    ["Animals.XLSM", animals],
    ["animals.xlsx.gz", gzipSync(animals)],
  ])("cells are text, by the name of the file: %s", async (name, content) => {
    const { columns, rows, lines, rowNoun, notes } = await readTable(write(name, content));
    expect({ columns, rows, lines, rowNoun }).toEqual({
      columns: ["name", "length", "born", "share", "tame", "code", "fed"],
      rows: [
        ["Möller", "1.5", "2020-01-31", "0.25", "true", "0012", "08:15:00"],
        ["Müller & <Söhne>", "2.25", "1999-12-31T13:30:00Z", "0.5", "false", "", ""],
        ["cat", "1e-7", "1900-02-01", "1", "", "7", ""],
      ],
      lines: [2, 3, 5],
      rowNoun: "row",
    });
    expect(notes).toEqual([
      expect.stringMatching(
        /read the sheet "animals", the first of 2\. For another, save it in a file of its own/,
      ),
      expect.stringMatching(/a cell holds an error \(F3: #N\/A\)/),
    ]);
  });

  test("numbers without names have none, and can be given none", async () => {
    const rows = (from: number) =>
      Array.from(
        { length: 12 },
        (_, i) => `<row r="${i + from}"><c r="B${i + from}"><v>${i * 7 + 0.5}</v></c></row>`,
      );
    const path = write("n.xlsx", workbookBytes(rows(3).join("")));
    expect(await readTable(path, { header: false })).toMatchObject({ columns: ["0", "1"] });
    const named = write("h.xlsx", workbookBytes(words(2, "a", "b") + rows(3).join("")));
    const { train, test: held } = await loadTable(named, { header: true });
    expect(train.rows + held.rows).toBe(12);
  });

  test("results of formulas are read, and a formula without one is refused by its cell", async () => {
    const row = (value: string) =>
      `${words(1, "a", "b")}<row r="2"><c r="A2"><v>1</v></c><c r="B2"><f>A2*2</f>${value}</c></row>`;
    expect(await readTable(write("f.xlsx", workbookBytes(row("<v>2</v>"))))).toMatchObject({
      rows: [["1", "2"]],
    });
    await expect(readTable(write("g.xlsx", workbookBytes(row(""))))).rejects.toThrow(
      /g\.xlsx, cell B2: the result of the formula =A2\*2 is not in the file\. Open the workbook in Excel or LibreOffice and save it\./,
    );
  });

  test("refused in words", async () => {
    const cases: readonly (readonly [string, Uint8Array, RegExp])[] = [
      [
        "old.xlsx",
        Uint8Array.of(0xd0, 0xcf, 0x11, 0xe0, 0xa1, 0xb1),
        /has a password, or the format of Excel 97–2003/,
      ],
      ["text.xlsx", Buffer.from("a,b\n1,2\n"), /truncated or damaged/],
      ["cut.xlsx", animals.subarray(0, -50), /truncated or damaged/],
      ["zip.xlsx", zipBytes({ "a.txt": Buffer.from("?") }), /not a well-formed workbook/],
      ["empty.xlsx", workbookBytes(""), /expected rows, found an empty file/],
      ["twice.xlsx", workbookBytes(words(1, "a", "a") + words(2, "x", "y")), /found "a" twice/],
      [
        "far.xlsx",
        workbookBytes(
          '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>',
        ),
        /not a well-formed workbook|reaches over/,
      ],
    ];
    for (const [name, content, message] of cases) {
      await expect(readTable(write(name, content)), name).rejects.toThrow(message);
      await expect(readTable(write(name, content)), name).rejects.toBeInstanceOf(DataError);
    }
    const bit = Buffer.from(animals);
    bit[bit.indexOf("PK\x03\x04") + 60] ^= 1;
    await expect(readTable(write("bit.xlsx", bit))).rejects.toThrow(/damaged/);
    await expect(readTable(write("e.xlsx", animals), { encoding: "latin1" })).rejects.toBeInstanceOf(
      UsageError,
    );
    await expect(readTable(write("big.xlsx", animals), { maxBytes: 10_000 })).rejects.toThrow(
      /expected at most/,
    );
  });
});

test("merged cells have the value once, and that is told", async () => {
  const rows = [words(1, "v", "group"), words(2, "1", "a"), words(3, "2"), words(4, "3", "b")].join("");
  const merges = '</sheetData><mergeCells count="1"><mergeCell ref="B2:B3"/></mergeCells><sheetData>';
  const { rows: cells, notes } = await readTable(write("merged.xlsx", workbookBytes(rows + merges)));
  expect(cells).toEqual([
    ["1", "a"],
    ["2", ""],
    ["3", "b"],
  ]);
  expect(notes).toEqual([
    expect.stringMatching(/cells are merged, such as from B2 on\. Only the first has the value/),
  ]);
});

test("names of cells", () => {
  expect([0, 25, 26, 701, 702, 16383].map((column) => cellName(7, column))).toEqual([
    ...["A7", "Z7", "AA7", "ZZ7", "AAA7", "XFD7"],
  ]);
});
