import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { activityFigure, klFigure, klOrder, lineFigure } from "../../src/report/plots.ts";

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
    // A zero lies at a millionth, the foot of the axis.
    expect(texts).toEqual(expect.arrayContaining(["1", "0.01", "0.001", "10\u207b\u2074", "10\u207b\u2076"]));
    expect(count('g[aria-label="rule"] line')).toBe(1);
    expect(count('g[aria-label="dot"] circle')).toBe(3);
  });
});
