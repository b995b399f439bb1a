import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import { renderReport } from "../../src/report/report.ts";
import type { ReportData } from "../../src/report/types.ts";
import { fullReport, levels, onDesk } from "./fixture.ts";

const parse = async (data: ReportData) => {
  const html = await renderReport(data);
  const { document } = parseHTML(html);
  return {
    html,
    document,
    headings: [...document.querySelectorAll("h2")].map((heading) => heading.textContent),
    text: (document.querySelector("main")?.textContent ?? "").replace(/\s+/g, " "),
  };
};

const omit = <K extends keyof ReportData>(data: ReportData, ...keys: readonly K[]): ReportData => {
  const copy: Partial<Record<keyof ReportData, unknown>> = { ...data };
  for (const key of keys) delete copy[key];
  return copy as unknown as ReportData;
};

describe("renderReport", () => {
  test("a full run has every section, a figure with a caption for each", async () => {
    const { headings, document } = await parse(fullReport());
    expect(headings).toEqual([
      "Learning",
      "Information in the latent dimensions",
      "Reconstructions",
      "Samples",
      "Latent traversals",
      "Latent space",
      "Configuration",
      "How to reproduce it",
    ]);
    const figures = [...document.querySelectorAll("figure")];
    expect(figures.length).toBe(6);
    for (const figure of figures)
      expect((figure.querySelector("figcaption")?.textContent ?? "").length).toBeGreaterThan(80);
  });

  test("shows the headline figures", async () => {
    const { document } = await parse(fullReport());
    const cards = Object.fromEntries(
      [...document.querySelectorAll("dl.figures > div")].map((card) => [
        card.querySelector("dt")?.textContent,
        card.querySelector("dd")?.textContent,
      ]),
    );
    // Rounded from the fixture: −102.34, −97.21, −76.72, 25.62; 91.4 s is 1 min 31 s.
    expect(cards).toEqual({
      "Test ELBO": "−102.3nats per image",
      "Log-likelihood": "−97.2nats per image, 500 importance samples",
      Reconstruction: "−76.7nats per image, expected log\u00a0p(x\u00a0|\u00a0z)",
      "KL divergence": "25.6nats per image, posterior from prior",
      "Active units": "2 of 3latent dimensions in use",
      "Held-out data": "20test images, never trained on",
      Parameters: "652,824weights and biases",
      "Training time": "1 min 31 s3 epochs of 60,000 images",
    });
  });

  test("is one file: no script, and every source is inside it", async () => {
    const { html, document } = await parse(fullReport());
    expect(document.querySelectorAll("script, link, iframe, object").length).toBe(0);
    for (const element of document.querySelectorAll("[src], [href]")) {
      expect(element.getAttribute("src") ?? element.getAttribute("href")).toMatch(/^data:image\/png;base64,/);
    }
    // The only addresses are the names of the SVG namespaces.
    const addresses = new Set(html.match(/https?:\/\/[^"'\s)<]+/g));
    expect([...addresses]).toEqual(["http://www.w3.org/2000/svg"]);
    expect(html).not.toMatch(/@import|url\(/);
  });

  test("escapes a hostile title, command, configuration and class name", async () => {
    const hostile = `<script>alert("1")</script>`;
    const data = fullReport();
    const { html, document, text } = await parse({
      ...data,
      title: hostile,
      command: hostile,
      config: { [hostile]: hostile },
      latent: {
        ...(data.latent ?? { points: new Float32Array(0), dimensions: 3 }),
        classes: [hostile, "odd"],
      },
    });
    expect(html).not.toContain("<script");
    expect(document.querySelectorAll("script").length).toBe(0);
    expect(document.querySelector("h1")?.textContent).toBe(hostile);
    expect(document.querySelector("title")?.textContent).toBe(hostile);
    expect(text).toContain(hostile);
  });

  test("values that are not finite break curves, not the report", async () => {
    const data = fullReport();
    const { html, text } = await parse({
      ...data,
      history: data.history.map((record) =>
        record.epoch === 2
          ? { ...record, train: { elbo: Number.NaN, reconstruction: Number.NEGATIVE_INFINITY, kl: 1 } }
          : record,
      ),
      measured: {
        ...data.measured,
        bound: {
          ...data.measured.bound,
          klPerDimension: [Number.NaN, 1, 2],
          kl: { value: Number.NaN, rows: 20 },
        },
      },
    });
    expect(html).not.toContain("NaN");
    expect(text).toContain("In 1 of 3 epochs a value was not finite; the curves have gaps there.");
  });

  test("an empty history says so", async () => {
    const { text } = await parse({ ...fullReport(), history: [] });
    expect(text).toContain("No epoch has a finite value, so there are no curves.");
  });

  test("a deterministic autoencoder on a table has no KL, samples or pictures, and says why", async () => {
    const full = fullReport();
    const { headings, text, document } = await parse({
      ...omit(full, "originals", "reconstructions", "samples", "traversals"),
      introduction: "A deterministic autoencoder",
      summary: {
        latent: 3,
        parameters: 10,
        trainRows: 100,
        testRows: 20,
        trainings: [{ name: "Training time", seconds: 1.25 }],
      },
      measured: { rows: 20, bound: { reconstruction: { value: -3.2, rows: 20 } } },
      omissions: ["A deterministic autoencoder has neither a prior nor a posterior."],
      history: [{ epoch: 1, step: 1, seconds: 1, train: { loss: 3, reconstruction: -3 } }],
      latent: { points: new Float32Array(60).fill(0.5), dimensions: 3 },
    });
    expect(headings).toEqual([
      "Learning",
      "Latent space",
      "Configuration",
      "How to reproduce it",
      "What is not shown",
    ]);
    expect(text).toContain("A deterministic autoencoder has neither a prior nor a posterior");
    expect(text).toContain("The data are not images, so there are no pictures of them.");
    expect(text).toContain("The data have no labels, so there is only one colour.");
    expect(text).toContain("nats per row");
    expect(document.querySelectorAll("img").length).toBe(0);
    expect(
      [...document.querySelectorAll("svg")].filter(onDesk).map((svg) => svg.getAttribute("aria-label")),
    ).toEqual(["Loss", "Reconstruction", "The test set in latent space"]);
  });

  test("traversals have a head for each value and a row for each dimension", async () => {
    const { document } = await parse(fullReport());
    const heads = [...document.querySelectorAll("table.traversal thead th")].map((head) => head.textContent);
    expect(heads).toEqual(["z =", "−2.0", "0.0", "2.0"]);
    const rows = [...document.querySelectorAll("table.traversal tbody tr")];
    expect(rows.map((row) => row.querySelector("th")?.textContent)).toEqual(["z1 2.0", "z0 1.0"]);
    expect(rows.map((row) => row.querySelectorAll("img").length)).toEqual([3, 3]);
  });

  test("the configuration is flat, and the seed is named where the run is reproduced", async () => {
    const { document, text } = await parse(fullReport());
    const rows = [...document.querySelectorAll("table.rows tr")].map((row) => [
      row.querySelector("th")?.textContent,
      row.querySelector("td")?.textContent,
    ]);
    expect(rows).toEqual([
      ["seed", "7"],
      ["hidden", "400, 200"],
      ["optimiser.name", "adam"],
    ]);
    expect(document.querySelector("pre")?.textContent).toBe(
      "tightbound train vae --data squares.npy --seed 7",
    );
    expect(text).toContain("determined by the seed (here 7)");
  });

  test("the same data give the same page", async () => {
    expect(await renderReport(fullReport())).toBe(await renderReport(fullReport()));
  });

  test("stacks that do not fit are refused by name", async () => {
    const data = fullReport();
    await expect(
      renderReport({ ...data, traversals: { images: levels(5), dimensions: [0, 1], values: [-2, 0, 2] } }),
    ).rejects.toThrow(
      new ShapeError("report: expected 2 dimensions × 3 values = 6 traversal images, found 5"),
    );
    await expect(
      renderReport({ ...data, reconstructions: { ...levels(12), height: 2, width: 8 } }),
    ).rejects.toThrow(
      new ShapeError(
        "report: originals and reconstructions must be images of one shape, found height 4 and 2",
      ),
    );
  });
});
