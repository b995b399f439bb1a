import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { renderBenchmark } from "../../src/report/benchmark.ts";
import { benchmarkMarkdown, meanError } from "../../src/report/benchmark-table.ts";
import type { Benchmark, BenchmarkDraw } from "../../src/report/benchmark-types.ts";
import { writeBenchmark } from "../../src/report/write.ts";

const draw = (seed: number, error: number, more: Partial<BenchmarkDraw> = {}): BenchmarkDraw => ({
  seed,
  error,
  seconds: 60,
  ...more,
});

const benchmark: Benchmark = {
  title: "Again",
  command: "tightbound reproduce kingma2014 --draws 3",
  createdAt: "2026-03-02T14:05:11Z",
  version: "0.1.0",
  source: "Kingma et al. (2014), table 1",
  protocol: "MNIST, as many labels of each class.",
  testRows: 10_000,
  cells: [
    { method: "NN", labels: 100, published: { error: 0.2581 } },
    {
      method: "M2",
      labels: 100,
      published: { error: 0.1197, spread: 0.0171 },
      draws: [
        draw(0, 0.06, { others: { validation: 0.061 } }),
        draw(1, 0.07, {
          seconds: 75,
          curve: { part: "validation", updates: [1000, 2000, 3000], errors: [0.2, undefined, 0.07] },
        }),
        draw(2, 0.08, { seconds: 90 }),
      ],
      settings: { hidden: [500], optimiser: { lr: 0.001 } },
    },
    { method: "M2", labels: 3000, draws: [draw(0, 0.03), draw(2, 0.05)], planned: 3 },
    { method: "M1|M2", labels: 3000, draws: [{ seed: 0, error: 0.02 }] },
  ],
  shared: [{ name: "M1", seconds: 600, settings: { epochs: 200 } }],
};

const parse = async (data: Benchmark) => {
  const html = await renderBenchmark(data);
  const { document } = parseHTML(html);
  const clean = (text: string | null | undefined) => (text ?? "").replace(/\s+/g, " ").trim();
  return {
    html,
    document,
    text: clean(document.querySelector("main")?.textContent),
    all: (selector: string) => [...document.querySelectorAll(selector)].map((e) => clean(e.textContent)),
    table: (n: number) =>
      [...(document.querySelectorAll("table.named")[n]?.querySelectorAll("tbody tr") ?? [])].map((row) =>
        [...row.querySelectorAll("th, td")].map((cell) => clean(cell.textContent)),
      ),
  };
};

describe("meanError", () => {
  test("the mean of the draws and the standard error of that mean", () => {
    // Of 6, 7, 8 percent: the deviation is 1, over √3.
    const { mean, standardError } = meanError([0.06, 0.07, 0.08]);
    expect(mean).toBeCloseTo(0.07, 12);
    expect(standardError).toBeCloseTo(0.01 / Math.sqrt(3), 12);
  });

  test("one draw has no standard error, none has no mean", () => {
    expect(meanError([0.06])).toEqual({ mean: 0.06 });
    expect(meanError([])).toEqual({ mean: Number.NaN });
  });
});

test("as text: columns under each other, missing figures as dashes, bars escaped", () => {
  const [title, protocol, what, errors, shared, draws] = benchmarkMarkdown(benchmark).trim().split("\n\n");
  expect([title, protocol]).toEqual(["# Again", "MNIST, as many labels of each class."]);
  expect(what).toContain("Kingma et al. (2014), table 1");
  expect(errors.split("\n")).toEqual([
    "| method | 100 labels, published |        here | 3,000 labels, published |                       here |",
    "|:-------|----------------------:|------------:|------------------------:|---------------------------:|",
    "| NN     |                 25.81 |           – |                       – |                          – |",
    "| M2     |          11.97 ± 1.71 | 7.00 ± 0.58 |                       – | 4.00 ± 1.00 (2 of 3 draws) |",
    "| M1\\|M2 |                     – |           – |                       – |              2.00 (1 draw) |",
  ]);
  expect(shared).toBe("M1, once for all draws: 10 min 0 s.");
  expect(draws.split("\n")).toEqual([
    "| method | labels | seed 0 | seed 1 | seed 2 | validation, mean | time of one |",
    "|:-------|-------:|-------:|-------:|-------:|-----------------:|------------:|",
    "| M2     |    100 |   6.00 |   7.00 |   8.00 |             6.10 |  1 min 15 s |",
    "| M2     |  3,000 |   3.00 |      – |   5.00 |                – |   1 min 0 s |",
    "| M1\\|M2 |  3,000 |   2.00 |      – |      – |                – |           – |",
  ]);
});

describe("renderBenchmark", () => {
  test("published and measured errors stand beside each other", async () => {
    const { table, all, text } = await parse(benchmark);
    expect(all("table.named:first-of-type thead")[0]).toBe(
      "100 labels3,000 labels methodpublishedherepublishedhere",
    );
    expect(table(0)).toEqual([
      ["NN", "25.81", "–", "–", "–"],
      ["M2", "11.97 ± 1.71", "7.00 ± 0.58", "–", "4.00 ± 1.002 of 3 draws"],
      ["M1|M2", "–", "–", "–", "2.001 draw"],
    ]);
    // √(0.02 · 0.98 / 10,000) = 0.0014.
    expect(text).toContain("at the smallest error here, 2.00 %, a standard error of 0.14 %");
  });

  test("every draw by its seed, the time of one and of all", async () => {
    const { table, text, all } = await parse(benchmark);
    expect(table(1)).toEqual([
      ["M2", "100", "6.00", "7.00", "8.00", "6.10", "1 min 15 s"],
      ["M2", "3,000", "3.00", "–", "5.00", "–", "1 min 0 s"],
      ["M1|M2", "3,000", "2.00", "–", "–", "–", "–"],
    ]);
    expect(table(2)).toHaveLength(6);
    // 600 + 60 + 75 + 90 + 2 · 60.
    expect(text).toContain(
      "once for all draws: M1 10 min 0 s; a dash if a row has none of its own. All training runs together took 15 min 45 s.",
    );
    expect(all("details summary")).toEqual(["Every error and time", "M1", "M2, 100 labels"]);
    expect(all("details table.rows tr")).toEqual(["epochs200", "hidden500", "optimiser.lr0.001"]);
  });

  test("a curve for each draw that has one, with the published error", async () => {
    const { document, text } = await parse(benchmark);
    // One for a desk and one for a phone.
    const labels = [...document.querySelectorAll("svg")].map((svg) => svg.getAttribute("aria-label"));
    expect(labels).toEqual(["M2, 100 labels", "M2, 100 labels"]);
    const figures = [...document.querySelectorAll(".wide svg")];
    expect(figures).toHaveLength(1);
    expect(text).toContain(
      "Validation error against the number of parameter updates, one line per label draw",
    );
    expect(figures[0].textContent).toContain("validation error, %");
    expect(figures[0].querySelectorAll('g[aria-label="line"] path').length).toBe(1);
    expect(figures[0].querySelectorAll('g[aria-label="rule"] line').length).toBe(1);
    // The epoch without a measurement is passed over.
    expect(document.querySelector('g[aria-label="line"] path')?.getAttribute("d")?.match(/M/g)).toHaveLength(
      1,
    );
  });

  test("before the first draw there is the published table, and a word", async () => {
    const { all, text, html } = await parse({
      ...benchmark,
      cells: [{ method: "M2", labels: 100, published: { error: 0.1197 }, planned: 5 }],
      shared: [],
    });
    expect(all("h2")).toEqual(["Published and measured", "Every draw", "How to reproduce it"]);
    expect(text).toContain("No draw has finished yet.");
    expect(html).not.toMatch(/NaN|Infinity/);
  });

  test("the caption says how many draws there are", async () => {
    const { text } = await parse(benchmark);
    expect(text).toContain("Ours are means over up to 3 label draws, ± the standard error of that mean");
    const single = benchmark.cells.filter(({ draws = [] }) => draws.length === 1);
    expect((await parse({ ...benchmark, cells: single })).text).toContain(
      "Ours are from a single label draw,",
    );
    const curve = { part: "test", updates: [10], errors: [0.2] } as const;
    const { document } = await parse({
      ...benchmark,
      cells: [{ method: "M2", labels: 100, draws: [draw(0, 0.2, { curve })] }],
    });
    expect(document.querySelectorAll(".wide svg circle")).toHaveLength(1);
  });

  test("is one file, and escapes what it is given", async () => {
    const hostile = `<script>alert("1")</script>`;
    const { html, document } = await parse({
      ...benchmark,
      title: hostile,
      protocol: hostile,
      cells: benchmark.cells.map((cell) => ({ ...cell, method: hostile, settings: { [hostile]: hostile } })),
    });
    expect(html).not.toContain("<script");
    expect(document.querySelectorAll("script, link, [src], [href]").length).toBe(0);
  });
});

test("writes the page and its tables", async () => {
  const folder = await mkdtemp(join(tmpdir(), "benchmark-"));
  try {
    const paths = await writeBenchmark(folder, benchmark);
    expect(paths).toEqual([join(folder, "report.html"), join(folder, "table.md")]);
    expect(await readFile(paths[0], "utf8")).toBe(await renderBenchmark(benchmark));
    expect(await readFile(paths[1], "utf8")).toBe(benchmarkMarkdown(benchmark));
  } finally {
    await rm(folder, { recursive: true });
  }
});
