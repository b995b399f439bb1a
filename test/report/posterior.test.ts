/** A posterior's page and its figures. */
import { mkdtempSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { beforeAll, describe, expect, test } from "vitest";
import { HalfCauchy, Normal } from "../../src/distributions/index.ts";
import { laplace, type Mcmc, nuts, predictiveCheck } from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import {
  checkFigure,
  energyFigure,
  forestFigure,
  pairFigure,
  rankFigure,
  renderPosterior,
  report,
  traceFigure,
} from "../../src/report/index.ts";
import { tensor } from "../../src/tensor/index.ts";

const schools = model(
  ({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 5));
    const tau = sample("tau", HalfCauchy(5));
    plate("school", 4, () => {
      const theta = sample("theta <&>", Normal(mu, tau));
      observe("y", Normal(theta, tensor([15, 10, 16, 11])), tensor([28, 8, -3, 7]));
    });
  },
  { name: "schools" },
);
const shapesIn = (svg: string, name: string) => [...parseHTML(svg).document.querySelectorAll(name)];

describe("figures", () => {
  test("ranks: chains that are mixed have equal bars, one that stays low has them on the left", async () => {
    const mixed = Array.from({ length: 400 }, (_, i) => ((i * 37) % 100) + Math.floor(i / 100) / 10);
    const heights = (svg: string) => shapesIn(svg, "rect").map((r) => Number(r.getAttribute("height")));
    const even = heights(await rankFigure({ name: "x", draws: mixed }, 4));
    expect(even).toHaveLength(80);
    expect(Math.max(...even) - Math.min(...even)).toBeLessThan(0.02);
    const apart = Array.from({ length: 200 }, (_, i) => i);
    const bars = heights(await rankFigure({ name: "x", draws: apart }, 2));
    // Each chain has ten bars of twice the expected height.
    const high = Math.max(...bars);
    expect(bars.filter((h) => Math.abs(h - high) < 0.02)).toHaveLength(20);
  });
  test("traces have a line for each chain, pairs mark what diverged, energies have two histograms", async () => {
    const draws = Array.from({ length: 60 }, (_, i) => Math.sin(i));
    const quantity = { name: "x", draws };
    expect(
      shapesIn(await traceFigure(quantity, 3), 'path[stroke-width="0.9"], g[stroke-width="0.9"] path'),
    ).toHaveLength(3);
    const divergent = draws.map((_, i) => (i % 20 === 0 ? 1 : 0));
    const pair = await pairFigure([quantity, { name: "y", draws }], divergent);
    expect(shapesIn(pair, "circle")).toHaveLength(60);
    expect(pair).toContain("divergent");
    expect(
      await pairFigure(
        [quantity, { name: "y", draws }],
        draws.map(() => 0),
      ),
    ).not.toContain("divergent");
    expect(await energyFigure(draws, 3)).toContain("change");
  });
  test("intervals: a row for each quantity, long names cut, a line at 0 where intervals cross it", async () => {
    const row = { q5: -1, q25: -0.5, median: 0, q75: 0.5, q95: 1 };
    const svg = await forestFigure(
      [
        { name: "a", ...row },
        { name: "a name that is much longer than a phone is wide, and then some", ...row },
      ],
      { width: 350 },
    );
    expect(shapesIn(svg, "circle")).toHaveLength(2);
    expect(svg).toContain("…");
  });
  test("a check: all replicated data sets in the bars, the data's figure a line, also where all are one number", async () => {
    const check = { site: "y", statistic: "max", observed: 9, p: 0.005 };
    const spread = Float64Array.from({ length: 100 }, (_, i) => i / 20);
    const svg = await checkFigure({ ...check, replicated: spread });
    expect(svg).toContain("max of y");
    expect(svg).toContain("p = 0.01");
    expect(shapesIn(svg, "rect").length).toBeGreaterThanOrEqual(10);
    const [line] = shapesIn(svg, 'line[stroke-width="2"], g[stroke-width="2"] line');
    const places = shapesIn(svg, "rect").map((bar) => Number(bar.getAttribute("x")));
    // The data lie beyond all data sets of the program.
    expect(Number(line.getAttribute("x1"))).toBeGreaterThan(Math.max(...places));
    const same = await checkFigure({ ...check, observed: 0, replicated: new Float64Array(50) });
    expect(same).not.toContain("NaN");
    await expect(
      checkFigure({ ...check, observed: Number.POSITIVE_INFINITY, replicated: spread }),
    ).rejects.toThrow("the max of 'y' is Infinity for the data");
  });
  test("draws that are not those of the chains are refused", async () => {
    await expect(traceFigure({ name: "x", draws: [1, 2, 3] }, 2)).rejects.toThrow("'x' has 3 draws");
    await expect(
      pairFigure(
        [
          { name: "x", draws: [1] },
          { name: "y", draws: [1, 2] },
        ],
        undefined,
      ),
    ).rejects.toThrow("'x' has 1 draws and 'y' 2");
  });
});

describe("the page", () => {
  let chains: Mcmc;
  beforeAll(async () => {
    chains = await nuts(schools).run([], { chains: 2, draws: 100, warmUp: 100, seed: 0, workers: 1 });
  });
  test("is one file without scripts or fetches, with every quantity and every kind of figure", async () => {
    const folder = join(mkdtempSync(join(tmpdir(), "posterior-")), "new");
    const path = await report(chains, folder);
    const page = readFileSync(path, "utf8");
    expect(path).toBe(join(folder, "posterior.html"));
    expect(page).not.toMatch(/<script|https?:\/\/(?!www\.w3\.org)/);
    for (const heading of ["Intervals", "Chains", "Pairs", "Energy"])
      expect(page).toContain(`<h2>${heading}</h2>`);
    expect(page).not.toContain("Predictive checks");
    const checks = await predictiveCheck(schools, [], { posterior: chains.values, draws: 50 });
    const checked = await renderPosterior(chains, { checks });
    for (const { statistic } of checks) expect(checked).toContain(`${statistic} of y`);
    const { document } = parseHTML(page);
    expect(document.querySelector("h1")?.textContent).toBe("schools");
    expect([...document.querySelectorAll("tbody th")].map((th) => th.textContent)).toEqual([
      "mu",
      "tau",
      "theta <&>[0]",
      "theta <&>[1]",
      "theta <&>[2]",
      "theta <&>[3]",
    ]);
    expect(await renderPosterior(chains)).toBe(page);
  });
  test("chosen sites, and a title", async () => {
    const { document } = parseHTML(await renderPosterior(chains, { sites: ["tau"], title: "Spread" }));
    expect([...document.querySelectorAll("tbody th")].map((th) => th.textContent)).toEqual(["tau"]);
    expect(document.querySelector("h1")?.textContent).toBe("Spread");
    await expect(renderPosterior(chains, { sites: ["nonsuch"] })).rejects.toThrow(
      "no draws of site 'nonsuch'",
    );
  });
  test("of a normal approximation: intervals and pairs, nothing of chains", async () => {
    const two = model(({ sample, observe }) => {
      const [a, b] = [sample("a", Normal(0, 1)), sample("b", Normal(0, 1))];
      observe("y", Normal(a.add(b), 1), 1);
    });
    const page = await renderPosterior(await laplace(two).run([], { draws: 200, seed: 0 }));
    expect(page).toContain("<h2>Pairs</h2>");
    expect(page).not.toContain("<h2>Chains</h2>");
    expect(page).not.toContain("R̂");
  });
});
