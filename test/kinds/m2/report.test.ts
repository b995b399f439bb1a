import { expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { createDataset } from "../../../src/data/index.ts";
import {
  type MeasureOptions,
  type RunData,
  type SemiSupervisedTrainSettings,
  TrainedClassifier,
} from "../../../src/kinds/index.ts";
import { M2 } from "../../../src/models/index.ts";
import { renderReport } from "../../../src/report/index.ts";
import { openRun, shownRows, startRun } from "../../../src/runs/index.ts";
import { tensor } from "../../../src/tensor/leaf.ts";
import { data, m1Run, m2Run, stackedRun } from "../../runs/labelled-toys.ts";
import { openClassifier, openM1 } from "../../runs/opened.ts";
import { newPath, trainOf } from "../../runs/toys.ts";

const settings = trainOf<SemiSupervisedTrainSettings>("m2", { seed: 1, threads: 1, binarize: "none" });

/** What is measured of a run for its report, and the report. */
async function reportOf(path: string, rows: RunData, options: MeasureOptions = {}) {
  const opened = await openRun(path);
  const { validation } = rows;
  const measured =
    rows.test &&
    (await opened.kind.measure(opened.trained, rows.test, {
      full: true,
      ...(validation && { validation }),
      ...options,
    }));
  const shown = { ...shownRows(rows), data: rows, ...(measured && { measured }) };
  return { measured, report: await opened.kind.report(opened, shown) };
}

test("Bayes' rule is exact where the style says nothing", async () => {
  const m2 = M2({ features: 2, classes: 3, latent: 1, hidden: [4], classPrior: "uniform" });
  // q(z|x, y) is the prior, and the decoder does not look at z: every weight is p(x|y).
  const idle = /^encoder\.(mean|logVariance)|^decoder\.body\.joint\.first\.weight/;
  const parameters = new Map(
    m2.parameters.map(({ name, tensor: leaf }, n) => [
      leaf,
      Float32Array.from({ length: leaf.size }, (_, i) => (idle.test(name) ? 0 : 2 * Math.sin(5 * n + i))),
    ]),
  );
  const rows = createDataset({ name: "bits", shape: [2], x: Float32Array.of(0, 0, 0, 1, 1, 0, 1, 1) });
  const trained = new TrainedClassifier(m2, parameters, settings, ["a", "b", "c"]);
  const { probabilities, predicted } = await trained.classifyByBayes(rows, 1);

  const decode = compile(
    () =>
      m2
        .decode(
          tensor([
            [1, 0, 0],
            [0, 1, 0],
            [0, 0, 1],
          ]),
          tensor([[0], [0], [0]]),
        )
        .mean(),
    {
      parameters,
      seed: 1,
    },
  );
  const mean = Array.from((await decode()).data, Number);
  for (let row = 0; row < 4; row++) {
    const joint = [0, 1, 2].map((k) =>
      [0, 1].reduce((p, j) => p * (rows.x[2 * row + j] === 1 ? mean[2 * k + j] : 1 - mean[2 * k + j]), 1 / 3),
    );
    const total = joint.reduce((a, b) => a + b, 0);
    joint.forEach((p, k) => {
      expect(probabilities[3 * row + k]).toBeCloseTo(p / total, 5);
    });
    expect(predicted[row]).toBe(joint.indexOf(Math.max(...joint)));
  }
});

test("Bayes' rule refuses a number of samples that is none", async () => {
  const trained = new TrainedClassifier(
    M2({ features: 12, classes: 4, latent: 1, hidden: [4] }),
    new Map(),
    settings,
    ["a", "b", "c", "d"],
  );
  await expect(trained.classifyByBayes(data.test, 0)).rejects.toThrow(
    "Bayes' rule: samples must be a whole number of at least 1, found 0.",
  );
});

test("the report of an M2 run: what was measured of it, and pictures of its classes", async () => {
  const path = newPath();
  const settings = m2Run({ train: { epochs: 40, evaluateEvery: 20, batch: 16 }, labels: { seed: 2 } });
  await startRun(path, settings, data);
  const opened = await openClassifier(path);
  const { validation } = data;
  const { report, measured } = await reportOf(path, data, { bayesSamples: 5, bayesRows: 30 });
  const error = await opened.trained.error(data.test);
  expect(report).toMatchObject({
    title: "M2 on bars",
    subtitle: "4×3–8–2, relu, bernoulli likelihood, dynamic binarisation",
    part: "test",
    summary: { latent: 2, trainRows: 120, testRows: 40 },
    measured: {
      bound: measured?.bound,
      errors: [
        {
          text: "q(y\u00a0|\u00a0x)",
          error: { value: error, rows: 40 },
          validation: await opened.trained.error(validation),
        },
        { text: "Bayes\u2019 rule with 5 samples", error: { rows: 30 } },
      ],
    },
    classification: {
      classes: ["first", "second", "third", "fourth"],
      labelled: 8,
      unlabelled: 112,
      labelSeed: 2,
      analogies: { images: { count: 10 * 5, height: 4, width: 3 } },
      samples: { images: { count: 4 * 10 } },
    },
    style: { dimensions: 2, labelled: 8 },
  });
  const { history } = report;
  expect(history.filter(({ test: terms }) => terms?.error !== undefined).map(({ epoch }) => epoch)).toEqual([
    20, 40,
  ]);
  expect(history[39].validation?.error).toBeGreaterThanOrEqual(0);
  expect(history[39].test?.error).toBe(error);
  expect(report.measured.errors?.[0].confusion.flat().reduce((a, b) => a + b, 0)).toBe(40);
  expect(report.latent).toBeUndefined();
  // All of it can be drawn.
  expect(await renderReport(report)).not.toContain("NaN");
});

test("the report of an M1+M2 run has the codes of M1 too, and its time apart", async () => {
  const path = newPath();
  const settings = stackedRun({ model: { keepInactive: true } });
  await startRun(path, settings, data);
  const { report } = await reportOf(path, data);
  expect(report).toMatchObject({
    title: "M1+M2 on bars",
    subtitle: "M1 4×3–8–3, softplus, bernoulli likelihood; M2 3–8–2, relu",
    latent: { dimensions: 3, labelled: 8 },
    style: { dimensions: 2, labelled: 8 },
  });
  expect(report.measured.errors).toHaveLength(2);
  expect(report.latent?.points).toHaveLength((40 + 8) * 3);
  expect(report.latent?.labels?.slice(0, 5)).toEqual(Int32Array.of(0, 1, 2, 3, 0));
  expect(report.summary.trainings.map(({ name }) => name)).toEqual(["Training M1", "Training M2"]);
  for (const { seconds } of report.summary.trainings) expect(seconds).toBeGreaterThan(0);
});

test("the report of an M1 run: what its VAE's report shows, each classifier's error, the chosen one first", async () => {
  const path = newPath();
  await startRun(
    path,
    m1Run({ train: { epochs: 5 }, classifiers: { chosen: "logistic", neighbours: 3 } }),
    data,
  );
  const { trained } = await openM1(path);
  const { report } = await reportOf(path, data);
  const {
    knn,
    svm,
    logistic,
    "linear-svm": linear,
    "transductive-svm": transductive,
  } = await trained.errors(data.test);
  expect(report).toMatchObject({
    title: "M1 on bars",
    originals: { count: 20 },
    samples: { count: 100 },
    measured: {
      bound: { elbo: { value: await trained.bound(data.test) } },
      likelihood: { logLikelihood: { rows: 40 } },
      errors: [
        { text: "logistic regression", error: { value: logistic, rows: 40 } },
        { text: "3 nearest neighbours", error: { value: knn } },
        { text: "a linear support vector machine", error: { value: linear } },
        { text: "a support vector machine", error: { value: svm } },
        { text: "a transductive support vector machine", error: { value: transductive } },
      ],
    },
    classification: { labelled: 8, unlabelled: 112 },
    latent: { dimensions: 3, labelled: 8 },
  });
  expect(report.latent?.points).toHaveLength((40 + 8) * 3);
  expect(report.measured.errors?.[0].calibration?.bins).toHaveLength(15);
  expect(report.classification?.leastSure?.rows).toHaveLength(24);
  expect(report.classification?.analogies).toBeUndefined();
  const page = await renderReport(report);
  for (const text of ["Rings mark 8 training images", "by logistic regression", "Active units"]) {
    expect(page).toContain(text);
  }
});

test("a classifier that votes has no probabilities to show, and the page says so", async () => {
  const path = newPath();
  await startRun(path, m1Run({ train: { epochs: 2 } }), data);
  const { report } = await reportOf(path, data);
  expect(report.measured.errors?.[0]).not.toHaveProperty("calibration");
  expect(report.classification).not.toHaveProperty("leastSure");
  expect(await renderReport(report)).toContain("by a support vector machine is a vote without probabilities");
});

test("without rows to test on the report shows the training rows, and no errors", async () => {
  const path = newPath();
  const { test: _, ...rest } = data;
  await startRun(path, m2Run({ train: { epochs: 1 } }, rest), rest);
  const { report } = await reportOf(path, rest);
  expect(report).toMatchObject({
    part: "training",
    summary: { trainRows: 120, testRows: 0 },
    classification: { labelled: 8 },
    style: { labelled: 8 },
  });
  expect(report.measured.errors).toBeUndefined();
  const page = await renderReport(report);
  expect(page).toContain(
    "No rows were held out for testing: what follows describes the images it was fitted to.",
  );
  expect(page).not.toMatch(/>Test | test (image|row|set)/);
});
