/** What a report tells of a point without a script: its row, its picture; and what a phone is shown instead of wide figures. */
import { decode } from "fast-png";
import { parseHTML } from "linkedom";
import { beforeAll, describe, expect, test } from "vitest";
import { createDataset } from "../../src/data/index.ts";
import { renderReport } from "../../src/report/report.ts";
import { LONGEST_SIDE, reduced, rowPictures, spriteOf } from "../../src/report/row-pictures.ts";
import { fullReport, levels } from "./fixture.ts";

const ROWS = 20;
/** Grey images, each of a level of its own, so that a picture tells its row. */
const dataset = createDataset({
  name: "squares",
  source: "memory",
  shape: [4, 4],
  kind: "image",
  x: levels(ROWS).pixels,
  rowNames: Array.from({ length: ROWS }, (_, i) => `cats/${i} & <b>.png`),
  rowNoun: "file",
});

let document: Document;
beforeAll(async () => {
  ({ document } = parseHTML(await renderReport({ ...fullReport(), rows: rowPictures(dataset, 2000) })));
});

const points = () => [...document.querySelectorAll(".wide .told g")];

describe("points of the latent space", () => {
  test("each has the name of its row and its class", () => {
    const titles = points().map((point) => point.querySelector("title")?.textContent);
    // The classes of the fixture go even, odd, even, ….
    expect(titles).toEqual(
      Array.from({ length: ROWS }, (_, i) => `file cats/${i} & <b>.png, ${i % 2 === 0 ? "even" : "odd"}`),
    );
  });

  test("each has its own picture: the part of the sprite that it shows is its row's", () => {
    const image = document.querySelector("#row-pictures");
    const [, base64 = ""] = (image?.getAttribute("href") ?? "").split("base64,");
    const { data, width } = decode(Buffer.from(base64, "base64"));
    points().forEach((point, row) => {
      const view =
        point.querySelector("svg")?.getAttribute("viewBox") ??
        point.querySelector("svg")?.getAttribute("viewbox");
      const [left, top, w, h] = (view ?? "").split(" ").map(Number);
      expect([w, h]).toEqual([4, 4]);
      expect(data[top * width + left]).toBe(Math.round((255 * row) / (ROWS - 1)));
    });
    expect(points()[0].querySelector("use")?.getAttribute("href")).toBe("#row-pictures");
  });

  test("without names nothing is told", async () => {
    const { document: plain } = parseHTML(await renderReport(fullReport()));
    expect(plain.querySelectorAll(".told g")).toHaveLength(0);
    expect(plain.querySelector(".sprite")).toBeNull();
  });

  test("rows of a table have names and no pictures", () => {
    const table = createDataset({
      name: "t",
      source: "memory",
      shape: [2],
      kind: "table",
      x: new Float32Array(4),
    });
    expect(rowPictures(table, 10)).toEqual({ names: ["row 0", "row 1"] });
  });
});

describe("small pictures", () => {
  test("are means of the pixels that they stand for", () => {
    const side = 2 * LONGEST_SIDE;
    const pixels = Float32Array.from({ length: side * side }, (_, i) => (i % side) % 2);
    const small = reduced({ pixels, count: 1, height: side, width: side, channels: 1 });
    expect([small.height, small.width]).toEqual([LONGEST_SIDE, LONGEST_SIDE]);
    expect(new Set(small.pixels)).toEqual(new Set([0.5]));
  });

  test.each([
    [100, 40, 28, 11],
    [1, 300, 1, 28],
    [28, 28, 28, 28],
  ])("%i × %i becomes %i × %i, with all channels", (height, width, rows, columns) => {
    const colour = [0.25, 0.5, 0.75];
    const pixels = Float32Array.from({ length: 2 * height * width * 3 }, (_, i) => colour[i % 3]);
    const small = reduced({ pixels, count: 2, height, width, channels: 3 });
    expect([small.height, small.width, small.pixels.length]).toEqual([rows, columns, 2 * rows * columns * 3]);
    small.pixels.forEach((value, i) => {
      expect(value).toBeCloseTo(colour[i % 3], 6);
    });
  });

  test("as many as the most are kept", () => {
    expect(rowPictures(dataset, 7).names).toHaveLength(7);
    expect(spriteOf(rowPictures(dataset, 7))?.count).toBe(7);
  });
});

test("wide figures are there twice, and the phone's have text that needs no scaling", () => {
  const wide = [...document.querySelectorAll(".wide > svg")];
  const narrow = [...document.querySelectorAll(".narrow > svg")];
  expect(wide.length).toBeGreaterThan(2);
  expect(narrow.map((svg) => svg.getAttribute("aria-label"))).toEqual(
    wide.map((svg) => svg.getAttribute("aria-label")),
  );
  // A phone's text column is 355 of 390 pixels: 11 pixels stay 11.
  for (const svg of narrow) expect(Number(svg.getAttribute("width"))).toBeLessThanOrEqual(355);
});
