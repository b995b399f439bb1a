/** A table's columns real and sampled, and its rows beside their reconstructions. */
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { createDataset, type TablePreprocessing } from "../../src/data/index.ts";
import { tableFigures } from "../../src/kinds/vae/table-report.ts";
import type { Trained } from "../../src/kinds/vae/trained.ts";
import { barsOf, columnFigure } from "../../src/report/columns.ts";
import { renderReport } from "../../src/report/report.ts";
import { fullReport } from "./fixture.ts";

const shares = (bars: ReturnType<typeof barsOf>) =>
  bars?.map(({ name, real, sampled }) => [name, real, sampled]);

describe("bars", () => {
  test("whole numbers have a bar each", () => {
    expect(shares(barsOf({ name: "n", real: [1, 1, 3, 4], sampled: [2, 3] }))).toEqual([
      ["1", 0.5, 0],
      ["2", 0, 0.5],
      ["3", 0.25, 0.5],
      ["4", 0.25, 0],
    ]);
  });

  test("categories go by how frequent they are, or in their order; many are one", () => {
    const [real, sampled] = [
      ["b", "b", "a"],
      ["a", "c", "c", "c"],
    ];
    expect(shares(barsOf({ name: "c", real, sampled }))).toEqual([
      ["b", 2 / 3, 0],
      ["a", 1 / 3, 0.25],
      ["c", 0, 0.75],
    ]);
    expect(
      barsOf({ name: "c", real, sampled, categories: ["c", "x", "a", "b"] })?.map(({ name }) => name),
    ).toEqual(["c", "a", "b"]);
    const many = Array.from({ length: 20 }, (_, i) => `w${i}`);
    const bars = barsOf({ name: "c", real: many, sampled: many }) ?? [];
    expect(bars.at(-1)).toMatchObject({ name: "13 others", real: expect.closeTo(13 / 20) });
  });

  // Drawn columns: every value is in one bar, so shares sum to 1, whatever the units and however far a value lies out.
  test.each([1e-9, 1, 1e9])("numbers in units of %d: all values are in a bar", (unit) => {
    for (let seed = 1; seed <= 20; seed++) {
      const real = Array.from({ length: 50 + seed }, (_, i) => unit * Math.tan(i * seed + 0.1));
      const sampled = Array.from({ length: 30 }, (_, i) => unit * (Math.sin(i * seed) + 2));
      const bars = barsOf({ name: "n", real, sampled }) ?? [];
      expect(bars.reduce((sum, bar) => sum + bar.real, 0)).toBeCloseTo(1);
      expect(bars.reduce((sum, bar) => sum + bar.sampled, 0)).toBeCloseTo(1);
      expect(bars.every(({ from, to }) => to > from)).toBe(true);
    }
  });

  test("one value, and none", () => {
    expect(shares(barsOf({ name: "n", real: [5, 5], sampled: [5] }))?.[0]).toEqual(["5", 1, 1]);
    expect(barsOf({ name: "n", real: [0.5], sampled: [0.5] })?.length).toBeGreaterThan(0);
    expect(barsOf({ name: "n", real: [], sampled: [1] })).toBeUndefined();
  });
});

test("pointing at a bar tells both shares", async () => {
  const svg = await columnFigure({ name: "island", real: ["Dream", "Dream", "Biscoe"], sampled: ["Biscoe"] });
  const { document } = parseHTML(svg ?? "");
  const titles = [...document.querySelectorAll("title")].map(({ textContent }) => textContent);
  expect(titles).toContain("Dream: 66.7 % of the rows, 0.0 % of the samples");
  expect(titles).toContain("Biscoe: 33.3 % of the rows, 100.0 % of the samples");
});

test("a report has both sections, with hostile names escaped", async () => {
  const page = await renderReport({
    ...fullReport(),
    columns: [{ name: "<b>x", real: [1, 2], sampled: [2] }],
    tableRows: {
      columns: ["<b>x"],
      names: ["12"],
      rowNoun: "line",
      originals: [["–"]],
      reconstructions: [["<i>1.5"]],
    },
  });
  const { document } = parseHTML(page);
  const heads = [...document.querySelectorAll("h2")].map(({ textContent }) => textContent);
  expect(heads).toContain("Columns, real and sampled");
  const [, first, again] = [...document.querySelectorAll("table.pairs tr")].map((row) =>
    [...row.children].map(({ textContent }) => textContent),
  );
  expect(first).toEqual(["12", "–"]);
  expect(again).toEqual(["<i>1.5"]);
});

test("columns are in the units and words of the table, without gaps", async () => {
  const preprocessing: TablePreprocessing = {
    columns: [
      { name: "mass", kind: "numeric", mean: 10, sd: 2 },
      { name: "island", kind: "categorical", categories: ["Dream", "Biscoe"] },
    ],
  };
  const rows = createDataset({
    name: "t",
    source: "memory",
    shape: [3],
    kind: "table",
    x: Float32Array.of(1, 1, 0, -1, 0, 1),
    observed: Uint8Array.of(0, 1, 1, 1, 1, 1),
    rowNames: ["2", "3"],
    rowNoun: "line",
  });
  // A model whose samples and reconstructions are known.
  const trained = {
    model: { kind: "vae" },
    settings: { seed: 0 },
    reconstruct: async () => ({ reconstructions: Float32Array.of(0.5, 1, 0, 0.5, 0, 1) }),
    sample: async () => Float32Array.of(2, 0, 1),
  } as unknown as Trained;
  expect(await tableFigures(trained, rows, preprocessing)).toEqual({
    columns: [
      { name: "mass", real: [8], sampled: [14] },
      { name: "island", real: ["Dream", "Biscoe"], sampled: ["Biscoe"] },
    ],
    tableRows: {
      columns: ["mass", "island"],
      names: ["2", "3"],
      rowNoun: "line",
      originals: [
        ["–", "Dream"],
        ["8", "Biscoe"],
      ],
      reconstructions: [
        ["11", "Dream"],
        ["11", "Biscoe"],
      ],
    },
  });
});
