import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { confidenceFigure, confusionFigure, reliabilityFigure } from "../../src/report/class-plots.ts";
import { lineFigure } from "../../src/report/plots.ts";

const parse = (svg: string) => {
  const { document } = parseHTML(`<!doctype html><html><body>${svg}</body></html>`);
  const attributes = (selector: string, name: string) =>
    [...document.querySelectorAll(selector)].map((element) => element.getAttribute(name));
  return {
    texts: [...document.querySelectorAll("text")].map((text) => text.textContent),
    attributes,
    numbers: (selector: string, name: string) => attributes(selector, name).map(Number),
  };
};

describe("confusionFigure", () => {
  const counts = [
    [8, 2],
    [1, 9],
  ];

  test("has a cell for each pair, its count, and the share of each row that is wrong", async () => {
    const svg = await confusionFigure({ title: "Confusion matrix", counts, classes: ["cat", "dog"] });
    const { texts, attributes, numbers } = parse(svg);
    expect(texts).toEqual(
      expect.arrayContaining([
        "8",
        "2",
        "1",
        "9",
        "20.0\u00a0%",
        "10.0\u00a0%",
        "↓ true class",
        "predicted class",
      ]),
    );
    expect(attributes('g[aria-label="cell"] rect', "fill")).toEqual([
      "var(--active)",
      "var(--extra)",
      "var(--extra)",
      "var(--active)",
    ]);
    // The larger mistake is the stronger one: 0.12 + 0.5 · 1 and 0.12 + 0.5 · ½.
    const opacity = numbers('g[aria-label="cell"] rect', "fill-opacity");
    expect(opacity[1]).toBeCloseTo(0.62, 6);
    expect(opacity[2]).toBeCloseTo(0.37, 6);
  });

  test("long names slant and are cut, rows without data have a dash", async () => {
    const classes = Array.from({ length: 12 }, (_, k) => `a class with a long name ${k}`);
    const svg = await confusionFigure({
      title: "t",
      counts: classes.map(() => classes.map(() => 0)),
      classes,
    });
    expect(svg).not.toContain("NaN");
    expect(svg).toContain("rotate(-40)");
    const { texts } = parse(svg);
    expect(texts).toContain("a class with a…");
    expect(texts.filter((text) => text === "–")).toHaveLength(12);
  });

  test("refuses counts that are not those of the classes", async () => {
    await expect(confusionFigure({ title: "t", counts, classes: ["cat"] })).rejects.toThrow(
      new ShapeError("confusionFigure: expected counts of 1 × 1 classes, found rows of 2, 2"),
    );
  });

  test("has no counts where they have no room", async () => {
    const classes = Array.from({ length: 21 }, (_, k) => String(k));
    const svg = await confusionFigure({
      title: "t",
      counts: classes.map(() => classes.map(() => 777)),
      classes,
    });
    expect(parse(svg).texts).not.toContain("777");
  });
});

describe("reliabilityFigure and confidenceFigure", () => {
  const bins = [
    { from: 0, to: 0.5, rows: 0, confidence: 0, accuracy: 0 },
    { from: 0.5, to: 0.75, rows: 10, confidence: 0.6, accuracy: 0.4 },
    { from: 0.75, to: 1, rows: 30, confidence: 0.9, accuracy: 0.8 },
  ];

  test("a bar as high as the accuracy and a stroke at the confidence, for bins that hold rows", async () => {
    const { numbers, texts } = parse(await reliabilityFigure(bins));
    const heights = numbers('g[aria-label="rect"] rect', "height");
    expect(heights).toHaveLength(2);
    expect(heights[1] / heights[0]).toBeCloseTo(2, 2);
    const strokes = numbers('g[aria-label="rule"] line', "y1");
    expect(strokes).toHaveLength(2);
    // Both strokes are above the bars they belong to.
    const tops = numbers('g[aria-label="rect"] rect', "y");
    for (const [i, top] of tops.entries()) expect(strokes[i]).toBeLessThan(top);
    expect(texts).toEqual(expect.arrayContaining(["accuracy", "confidence"]));
  });

  test("how many rows have which confidence, empty bins included", async () => {
    const heights = parse(await confidenceFigure(bins)).numbers('g[aria-label="rect"] rect', "height");
    expect(heights).toHaveLength(3);
    expect(heights[0]).toBe(0);
    expect(heights[2] / heights[1]).toBeCloseTo(3, 2);
  });
});

test("a root axis starts at zero, and its ticks keep apart", async () => {
  const x = [1, 2, 3];
  const svg = await lineFigure({
    title: "Error",
    yLabel: "%",
    series: [{ name: "test", role: "test", x, y: [64, 16, 0] }],
    yScale: "root",
  });
  const { texts, attributes } = parse(svg);
  expect(texts).toEqual(expect.arrayContaining(["0", "1", "10", "50"]));
  // Heights are as roots: 8 : 4 : 0 above the axis.
  const [path] = attributes('g[aria-label="line"] path', "d");
  const heights = [...(path ?? "").matchAll(/,([\d.]+)/g)].map(([, y]) => Number(y));
  expect((heights[2] - heights[0]) / (heights[2] - heights[1])).toBeCloseTo(2, 2);
});
