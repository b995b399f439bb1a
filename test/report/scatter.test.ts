import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { scatterFigure } from "../../src/report/scatter.ts";

const parse = (svg: string) => {
  const { document } = parseHTML(`<!doctype html><html><body>${svg}</body></html>`);
  const attributes = (selector: string, name: string) =>
    [...document.querySelectorAll(selector)].map((element) => element.getAttribute(name));
  return {
    document,
    texts: [...document.querySelectorAll("text")].map((text) => text.textContent),
    count: (selector: string): number => document.querySelectorAll(selector).length,
    attributes,
  };
};

describe("scatterFigure", () => {
  const points = Float32Array.of(0, 0, 1, 1, 2, 0, 3, 1);
  const axes = ["z₀", "z₁"] as const;

  test("colours by label, names classes in a legend and at their medians", async () => {
    const { document, texts } = parse(
      await scatterFigure({ title: "t", points, axes, labels: [1, 0, 1, 0], classes: ["cat", "dog"] }),
    );
    const dots = [...document.querySelectorAll('g[aria-label="dot"] circle')].map((dot) =>
      dot.getAttribute("fill"),
    );
    expect(dots).toEqual([dots[0], dots[1], dots[0], dots[1]]);
    expect(dots[0]).not.toBe(dots[1]);
    expect(texts.filter((text) => text === "cat").length).toBe(2);
    expect(texts).toEqual(expect.arrayContaining(["z₀", "↑ z₁"]));
  });

  test("many classes: a legend that ends in a count, and no names among the points", async () => {
    const labels = Array.from({ length: 60 }, (_, i) => i);
    const many = Float32Array.from({ length: 120 }, (_, i) => Math.cos(i));
    const { texts } = parse(await scatterFigure({ title: "t", points: many, axes, labels }));
    // 28 of 60 are listed.
    expect(texts).toContain("and 32 more");
  });

  test("without labels there is one colour and no legend", async () => {
    const { count } = parse(await scatterFigure({ title: "t", points, axes }));
    expect(count("circle")).toBe(4);
  });

  test("one point, and a count of labels that does not fit", async () => {
    expect(await scatterFigure({ title: "t", points: Float32Array.of(3, 3), axes })).not.toContain("NaN");
    await expect(scatterFigure({ title: "t", points, axes, labels: [0] })).rejects.toThrow(
      new ShapeError("scatterFigure: expected one label for each of 4 points, found 1"),
    );
  });
});

test("points without a label are grey, in a legend of their own; ringed ones lie over the others", async () => {
  const points = Float32Array.of(0, 0, 1, 1, 2, 0);
  const { texts, attributes } = parse(
    await scatterFigure({
      title: "t",
      points,
      axes: ["a", "b"],
      labels: [-1, 0, 0],
      classes: ["cat"],
      ringed: [1],
    }),
  );
  expect(texts).toContain("no label");
  const fills = attributes('g[aria-label="dot"] circle', "fill");
  expect(fills[0]).toBe("var(--inactive)");
  expect(attributes('g[aria-label="dot"][stroke="var(--ink)"] circle', "fill")).toEqual([fills[1]]);
});

test("classes are not named where they mix", async () => {
  const points = Float32Array.of(0, 0, 1, 1);
  const options = { title: "t", points, axes: ["a", "b"], labels: [0, 1], classes: ["cat", "dog"] } as const;
  const cats = async (named: boolean) =>
    parse(await scatterFigure({ ...options, named })).texts.filter((text) => text === "cat").length;
  expect([await cats(true), await cats(false)]).toEqual([2, 1]);
});
