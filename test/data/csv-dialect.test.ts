import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readCsv } from "../../src/data/index.ts";
import { readTextTable } from "../../src/data/table.ts";
import { DataError, UsageError } from "../../src/errors.ts";
import { tempFolder } from "./temp.ts";

const { write } = tempFolder();
const file = (content: string | Uint8Array, name = "t.csv") => write(name, content);

describe("the delimiter", () => {
  const delimiter = fc.constantFrom(",", ";", "\t", "|");
  // Words with all that a delimiter or a quote may be taken for.
  const word = fc
    .array(fc.constantFrom("a", "B", "ü", " ", ",", ";", "\t", "|", '"', "\n", "1", "'"), { maxLength: 6 })
    .map((letters) => letters.join("").trim());
  const table = fc
    .tuple(fc.integer({ min: 2, max: 6 }), fc.integer({ min: 2, max: 12 }))
    .chain(([columns, rows]) =>
      fc.array(fc.array(word, { minLength: columns, maxLength: columns }), {
        minLength: rows,
        maxLength: rows,
      }),
    );

  test("is found in any well-formed file, whatever stands inside quotes", () => {
    const written = fc.record({ cells: table, delimiter, allQuoted: fc.boolean(), crlf: fc.boolean() });
    fc.assert(
      fc.property(written, ({ cells, delimiter: mark, allQuoted, crlf }) => {
        // RFC 4180: what holds a delimiter, a quote or a line break stands in quotes. Spreadsheets of one kind quote what holds their
        // own delimiter only, others every word.
        const quote = (cell: string) =>
          allQuoted || cell.includes(mark) || /["\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell;
        const columns = cells[0].map((_, i) => `c${i}`);
        const text = [columns, ...cells].map((row) => row.map(quote).join(mark)).join(crlf ? "\r\n" : "\n");
        const read = readTextTable(file(text), { header: true });
        expect(read.columns).toEqual(columns);
        // A line of blank cells is an empty line where they are not parted; it does not occur with two columns or more.
        expect(read.rows).toEqual(cells);
      }),
      { seed: 5, numRuns: 600 },
    );
  });

  test.each([
    ["decimal commas", "c;x;w\na;1,0;-0\nb;1,5;2\n", ["c", "x", "w"]],
    ["decimal commas under a header of one comma", '"a,b";x\nq;1,5\nr;2,5\n', ["a,b", "x"]],
    ["a comma in every quoted cell", '"a,b";"c,d"\n"1,0";"2,0"\n', ["a,b", "c,d"]],
    ["thousands", 'x,y\n"1,000",2\n"2,000",3\n', ["x", "y"]],
    ["one column", "x\nb\nc\n", ["x"]],
  ])("with %s", (_, text, columns) => {
    expect(readTextTable(file(text)).columns).toEqual(columns);
  });

  test("of a .tsv file is the tab where commas would do as well", () => {
    expect(readTextTable(file("a,b\tc,d\n1,2\t3,4\n", "t.tsv")).columns).toEqual(["a,b", "c,d"]);
  });
});

describe("a header of numbers", () => {
  test.each([
    ["years", "2019,2020,2021\n1.5,2.5,3.5\n4,5.5,6\n", ["2019", "2020", "2021"]],
    ["two years", "2019,2020\n1.5,2.5\n4,5.5\n", ["2019", "2020"]],
    ["years beside a word", "species,2019,2020\na,1.5,2.5\nb,4,5.5\n", ["species", "2019", "2020"]],
    ["what a data frame without names is saved with", "0,1,2\n0.5,1,2\n7,8,9.5\n", ["0", "1", "2"]],
  ])("is known: %s, and said", (_, text, columns) => {
    const path = file(text);
    const table = readTextTable(path);
    expect(table.columns).toEqual(columns);
    expect(table.rows.length).toBe(2);
    expect(table.notes).toEqual([
      `${path}: the first line, ${columns.map((name) => `"${name}"`).join(", ")}, was read as the names of the columns. ` +
        "If it holds values, set `header: false`.",
    ]);
  });

  test.each([
    ["rows that count up", "1,2,3\n4,5,6\n7,8,9\n"],
    ["rows of any numbers", "3,1,2\n5,5,5\n1,1,0\n"],
    ["two small numbers", "1,2\n7,3\n2,2\n"],
    ["one line", "1,2,3\n"],
  ])("is not seen in %s", (_, text) => {
    const table = readTextTable(file(text));
    expect(table.columns[0]).toBe("0");
    expect(table.notes).toBeUndefined();
  });
});

describe("the encoding", () => {
  const text = "naïve;größe\nMüller;1\nMöller;2\n";
  const utf16 = (bigEndian: boolean, mark: boolean) => {
    const bytes = Buffer.from(`${mark ? "\ufeff" : ""}${text}`, "utf16le");
    return bigEndian ? bytes.swap16() : bytes;
  };

  test.each([
    ["utf-8", Buffer.from(text), undefined],
    ["utf-8 with a mark", Buffer.from(`\ufeff${text}`), undefined],
    ["utf-16le", utf16(false, true), "read as UTF-16LE"],
    ["utf-16be", utf16(true, true), "read as UTF-16BE"],
    ["utf-16le without a mark", utf16(false, false), "read as UTF-16LE"],
    ["utf-16be without a mark", utf16(true, false), "read as UTF-16BE"],
    ["windows-1252", Buffer.from(text, "latin1"), "was read as windows-1252"],
    ["gzipped windows-1252", gzipSync(Buffer.from(text, "latin1")), "was read as windows-1252"],
  ])("%s is found, and said where it is a guess", (_, bytes, said) => {
    const { columns, rows, notes } = readTextTable(file(bytes));
    expect(columns).toEqual(["naïve", "größe"]);
    expect(rows.map(([name]) => name)).toEqual(["Müller", "Möller"]);
    if (said === undefined) expect(notes).toBeUndefined();
    else expect(notes?.join()).toContain(said);
  });

  test("the sign of the euro, which Latin-1 does not have", () => {
    expect(readTextTable(file(Buffer.from([0x61, 10, 0x80, 10]))).rows).toEqual([["€"]]);
  });

  test("can be named", () => {
    // "Жук" in windows-1251.
    const bytes = Buffer.from([0x61, 10, 0xc6, 0xf3, 0xea, 10]);
    expect(readTextTable(file(bytes), { encoding: "windows-1251" }).rows).toEqual([["Жук"]]);
    expect(() => readTextTable(file(bytes), { encoding: "klingon" })).toThrow(UsageError);
    expect(() => readTextTable(file(bytes), { encoding: "utf-8" })).toThrow(DataError);
  });

  test("notes reach whoever reads numbers, too", () => {
    expect(readCsv(file(Buffer.from("größe;x\n1;2\n", "latin1"))).notes?.[0]).toContain("windows-1252");
  });

  test("bytes that are no text are refused", () => {
    const path = file(Uint8Array.of(0x61, 0, 0, 0x62, 10, 1, 2, 0));
    expect(() => readTextTable(path)).toThrow(
      new DataError(
        `${path}: expected text, found a byte 0 at position 1. Is this another kind of file? If it is text in UTF-16, say so: \`encoding: "utf-16le"\`.`,
      ),
    );
  });
});
