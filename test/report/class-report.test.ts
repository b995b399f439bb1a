import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { ShapeError } from "../../src/errors.ts";
import type { ClassificationResults } from "../../src/report/class-types.ts";
import type { ErrorFigures } from "../../src/report/measured.ts";
import { renderReport } from "../../src/report/report.ts";
import type { ReportData } from "../../src/report/types.ts";
import { fewLabels, fullReport, levels, onDesk } from "./fixture.ts";

const parse = async (data: ReportData) => {
  const html = await renderReport(data);
  const { document } = parseHTML(html);
  return {
    html,
    document,
    headings: [...document.querySelectorAll("h2")].map((heading) => heading.textContent),
    text: (document.querySelector("main")?.textContent ?? "").replace(/\s+/g, " "),
    all: (selector: string) =>
      [...document.querySelectorAll(selector)].map((element) =>
        (element.textContent ?? "").replace(/\s+/g, " "),
      ),
  };
};

const results = (): ClassificationResults => {
  const { classification } = fewLabels();
  if (classification === undefined) throw new Error("the fixture has a classification");
  return classification;
};

const withResults = (changes: Partial<ClassificationResults>): ReportData => ({
  ...fewLabels(),
  classification: { ...results(), ...changes },
});

/** With other figures of the way to classify that is used. */
const withErrors = (changes: Partial<ErrorFigures>): ReportData => {
  const data = fewLabels();
  const [first, ...others] = data.measured.errors ?? [];
  return { ...data, measured: { ...data.measured, errors: [{ ...first, ...changes }, ...others] } };
};

describe("the report of a model that classifies", () => {
  test("has every section, a figure with a caption for each", async () => {
    const { headings, all } = await parse(fewLabels());
    expect(headings).toEqual([
      "Learning",
      "Analogies",
      "Samples of each class",
      "Where it goes wrong",
      "What it is least sure of",
      "Calibration of its probabilities",
      "Latent space",
      "Configuration",
      "How to reproduce it",
    ]);
    const captions = all("figure > figcaption");
    // Learning has two: the error, and the terms.
    expect(captions).toHaveLength(8);
    for (const caption of captions) expect(caption.length).toBeGreaterThan(80);
  });

  test("opens with the errors by both rules, the labels and their seed", async () => {
    const { all, text } = await parse(fewLabels());
    const cards = all("dl.figures > div");
    expect(cards.slice(0, 4)).toEqual([
      "Test error25.00 %of 20 images, by q(y | x)",
      "Test error20.00 %of 20 images, by Bayes' rule with 50 samples",
      "Labels4of 40 training images, label seed 9",
      "Calibration error12.50 %confidence against accuracy",
    ]);
    expect(cards).toContain("Training time5.0 s3 epochs of 40 images");
    // √(0.25 · 0.75 / 20) = 0.0968.
    expect(text).toContain(
      "fitted to 40 images, 4 of them labelled and 36 not, and evaluated on 20 it has never seen. Of 20 labelled " +
        "test images it puts 5 in the wrong one of 2 classes: an error of 25.00 % by q(y | x), with a standard error of 9.68 % over " +
        "the test set; 20.00 % by Bayes' rule with 50 samples. Always predicting the most frequent class has an error of 50.0 %.",
    );
  });

  test("says so where every row has its label", async () => {
    const { text } = await parse(withResults({ labelled: 40, unlabelled: 0 }));
    expect(text).toContain("fitted to 40 images, all of them labelled, and evaluated on 20");
  });

  test("draws errors where training recorded them, and the terms of the bound", async () => {
    const { document, all } = await parse(fewLabels());
    const titles = [...document.querySelectorAll("svg")]
      .filter(onDesk)
      .map((svg) => svg.getAttribute("aria-label"));
    expect(titles.slice(0, 4)).toEqual([
      "Error over training",
      "Unlabelled bound",
      "Labelled bound",
      "log q(y | x)",
    ]);
    const { document: withoutErrors } = await parse({
      ...fewLabels(),
      history: fewLabels().history.map(({ epoch, step, seconds }) => ({
        epoch,
        step,
        seconds,
        train: { loss: 1 },
      })),
    });
    expect(
      [...withoutErrors.querySelectorAll("svg")].map((svg) => svg.getAttribute("aria-label")).slice(0, 2),
    ).toEqual(["Loss", "Confusion matrix"]);
    expect(all("details th")).toEqual([
      "epoch",
      "unlabelled bound",
      "labelled bound",
      "log q(y | x)",
      "labelled error",
      "validation error",
      "test error",
      "time",
    ]);
    expect(all("details tbody tr:first-child td")).toEqual([
      "1",
      "−58.00",
      "−59.00",
      "−1.000",
      "0.00 %",
      "30.00 %",
      "40.00 %",
      "1.0 s",
    ]);
  });

  test("analogies: a column for the image and one for each class", async () => {
    const { document, all } = await parse(fewLabels());
    expect(all("table.analogies thead th")).toEqual(["image", "cat", "dog"]);
    const rows = [...document.querySelectorAll("table.analogies tbody tr")];
    expect(
      rows.map((row) => [...row.querySelectorAll("img")].map((image) => image.getAttribute("alt"))),
    ).toEqual([
      ["A test image", "cat", "dog"],
      ["A test image", "cat", "dog"],
    ]);
    await expect(
      renderReport(withResults({ analogies: { images: levels(5), classes: ["cat", "dog"] } })),
    ).rejects.toThrow(new ShapeError("report: expected 2 rows × 3 columns = 6 analogy images, found 5"));
  });

  test("samples: a strip for each class", async () => {
    const { document, all } = await parse(fewLabels());
    expect(all(".strips span")).toEqual(["cat", "dog"]);
    expect(document.querySelectorAll(".strips img").length).toBe(2);
    await expect(
      renderReport(withResults({ samples: { images: levels(7), classes: ["cat", "dog"] } })),
    ).rejects.toThrow(
      new ShapeError("report: expected 2 classes × 4 columns = 8 class sample images, found 7"),
    );
  });

  test("the rows it is least sure of, with class, probability and truth", async () => {
    const { all, text, document } = await parse(fewLabels());
    expect(all("ul.cells li")).toEqual(["cat 51 %is dog", "dog 60 %right"]);
    expect([...document.querySelectorAll("ul.cells .wrong")].length).toBe(1);
    expect(text).toContain("The 2 test images whose predicted class has the lowest probability by q(y | x)");
    expect(text).toContain("1 of them is wrong");
  });

  test("rows of a table are a table, and there are no pictures", async () => {
    const { analogies: _analogies, samples: _samples, leastSure: _leastSure, ...rest } = results();
    const { headings, all, text } = await parse({
      ...fewLabels(),
      classification: {
        ...rest,
        leastSure: {
          rows: [
            { row: 1234, predicted: 0, probability: 0.512, truth: 1 },
            { row: 2, predicted: 1, probability: 0.6 },
          ],
          cells: {
            columns: ["mass", "island"],
            values: [
              ["3750", "Dream"],
              ["–", "<b>"],
            ],
          },
        },
      },
    });
    expect(headings).not.toContain("Analogies");
    expect(headings).toContain("What is not shown");
    expect(text).toContain("The data are not images, so there are no pictures of them.");
    const tables = all("figure table.numbers tr");
    expect(tables).toEqual([
      "rowpredictedprobabilityismassisland",
      "1,234cat51.2 %dog3750Dream",
      "2dog60.0 %––<b>",
    ]);
  });

  test("names the most frequent mistake, or that there is none", async () => {
    expect((await parse(fewLabels())).text).toContain(
      "The most frequent mistake: 4 rows of class dog classified as cat.",
    );
    const perfect = withErrors({
      confusion: [
        [10, 0],
        [0, 10],
      ],
    });
    const { text, html } = await parse(perfect);
    expect(text).toContain("No row is misclassified.");
    expect(html).not.toContain("NaN");
  });

  test("more classes than a picture has room for: the mistakes are listed", async () => {
    const classes = Array.from({ length: 31 }, (_, k) => `class ${k}`);
    const confusion = classes.map((_, i) =>
      classes.map((_, j) => (i === 4 && j === 9 ? 12 : i === j ? 3 : 0)),
    );
    const { all, text } = await parse({
      ...withErrors({ confusion }),
      classification: { ...results(), classes },
    });
    expect(all("table.numbers tbody tr")).toContain("class 4class 912");
    expect(text).toContain("31 classes are too many for a picture.");
  });

  test("reliability says which way the model errs", async () => {
    const { text } = await parse(fewLabels());
    // 20 rows of confidence 0.875, of which 0.75 are right.
    expect(text).toContain(
      "The mean confidence is 87.5 % and 75.0 % are correct, so on the whole the model is overconfident",
    );
  });

  test("rings the labelled rows of the latent space", async () => {
    const { text, document } = await parse(fewLabels());
    expect(text).toContain("Rings mark 4 training images whose label the model saw.");
    const rings = [...document.querySelectorAll('.wide g[aria-label="dot"][stroke="var(--ink)"] circle')];
    expect(rings.length).toBe(4);
  });

  test("M1+M2 has two spaces, the codes of M1 among them", async () => {
    const { latent } = fullReport();
    const { headings, text } = await parse({
      ...fewLabels(),
      ...(latent && { latent: { ...latent, blind: "M1" } }),
    });
    expect(headings).toContain("Latent spaces");
    expect(text).toContain("Colours are the labels, which M1 never saw.");
    expect(text).toContain("Style is what q(z | x, y) finds in an image beyond its class.");
  });

  test("test data without labels: no error, and the reason", async () => {
    const data = fewLabels();
    const { errors: _, ...measured } = data.measured;
    const { headings, text } = await parse({ ...data, measured });
    expect(headings).not.toContain("Where it goes wrong");
    expect(text).toContain("No test image has a label, so its error is unknown.");
    expect(text).toContain(
      "No test row has a label, so there is no error, no confusion matrix and no calibration.",
    );
  });

  test("escapes hostile names of classes", async () => {
    const hostile = `<script>alert("1")</script>`;
    const { html, text } = await parse(
      withResults({
        classes: [hostile, "dog"],
        analogies: { images: levels(6), classes: [hostile, "dog"] },
        samples: { images: levels(8), classes: [hostile, "dog"] },
      }),
    );
    expect(html).not.toContain("<script");
    expect(text).toContain(hostile);
  });
});
