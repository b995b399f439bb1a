import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { activityFigure, klFigure, klOrder, lineFigure, scatterFigure } from "../../src/report/plots.ts";

const parse = (svg: string) => {
  const { document } = parseHTML(`<!doctype html><html><body>${svg}</body></html>`);
  return {
    document,
    texts: [...document.querySelectorAll("text")].map((text) => text.textContent),
    count: (selector: string): number => document.querySelectorAll(selector).length,
  };
};

describe("lineFigure", () => {
  const options = {
    title: "ELBO",
    yLabel: "nats per image",
    series: [
      { name: "train", role: "train", x: [1, 2, 3, 4], y: [-120, Number.NaN, -105, -104] },
      { name: "test", role: "test", x: [1, 2, 3, 4], y: [-121, -110, undefined, -105] },
    ],
  } as const;

  test("has a title, labels with units and a legend", async () => {
    const { texts, document } = parse(await lineFigure(options));
    expect(texts).toEqual(expect.arrayContaining(["ELBO", "↑ nats per image", "epoch", "train", "test"]));
    expect(document.querySelector("svg")?.getAttribute("aria-label")).toBe("ELBO");
  });

  test("breaks where a value is not finite", async () => {
    const { document } = parse(await lineFigure(options));
    const paths = [...document.querySelectorAll('g[aria-label="line"] path')];
    expect(paths.length).toBe(2);
    // Both curves lack one inner point of four: two pieces each, so two "move to"s.
    for (const path of paths) {
      const d = path.getAttribute("d") ?? "";
      expect(d.match(/M/g)?.length).toBe(2);
      expect(d).not.toContain("NaN");
    }
  });

  test("stands alone: a namespace, its own light and dark colours, nothing fetched", async () => {
    const svg = await lineFigure(options);
    expect(svg).toContain('xmlns="http://www.w3.org/2000/svg"');
    expect(svg).toContain("prefers-color-scheme: dark");
    expect(svg).not.toMatch(/(?:href|src|url\()/);
  });

  test("escapes what it is given", async () => {
    const title = '<script>alert("x")</script> & $&';
    const svg = await lineFigure({ ...options, title });
    expect(svg).not.toContain("<script");
    const { texts, document } = parse(svg);
    expect(texts).toContain(title);
    expect(document.querySelector("svg")?.getAttribute("aria-label")).toBe(title);
  });
});

describe("klFigure and activityFigure", () => {
  test("order dimensions by KL and pale the inactive ones", async () => {
    const kl = [0.5, 2, 0.001, 1];
    // Above 0.01: dimensions 0, 1 and 3. Exactly 0.01 is not above.
    const activity = [0.4, 0.9, 0.01, 0.7];
    expect(klOrder(kl)).toEqual([1, 3, 0, 2]);
    const { document } = parse(await klFigure({ kl, activity }));
    const bars = [...document.querySelectorAll('g[aria-label="bar"] rect')];
    expect(bars.map((bar) => bar.getAttribute("fill"))).toEqual([
      "var(--active)",
      "var(--active)",
      "var(--active)",
      "var(--inactive)",
    ]);
    const heights = bars.map((bar) => Number(bar.getAttribute("height")));
    // Bars are as high as their KL: 2 : 1.
    expect((heights[0] ?? 0) / (heights[1] ?? 1)).toBeCloseTo(2, 2);
    const ticks = [...document.querySelectorAll('g[aria-label="x-axis tick label"] text')];
    expect(ticks.map((tick) => tick.textContent)).toEqual(["1", "3", "0", "2"]);
  });

  test("the activity figure marks the threshold and survives zero on its logarithmic axis", async () => {
    const svg = await activityFigure({ activity: [0.5, 0, Number.NaN] });
    expect(svg).not.toContain("NaN");
    const { texts, count } = parse(svg);
    expect(texts).toContain("active above 0.01");
    expect(count('g[aria-label="rule"] line')).toBe(1);
    expect(count('g[aria-label="dot"] circle')).toBe(3);
  });
});

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
