import type { ImageStack, ReportData } from "../../src/report/types.ts";

/** `count` 4×4 grey images, each of one level. */
export const levels = (count: number): ImageStack => ({
  pixels: Float32Array.from({ length: count * 16 }, (_, i) => Math.floor(i / 16) / Math.max(1, count - 1)),
  count,
  height: 4,
  width: 4,
  channels: 1,
});

/** A small run with every section filled. Three latent dimensions, too few rows for UMAP. */
export const fullReport = (): ReportData => ({
  title: "VAE on squares",
  subtitle: "a fixture",
  command: "tightbound train vae --data squares.npy --seed 7",
  createdAt: "2026-03-02T14:05:11Z",
  version: "0.1.0",
  introduction: "A variational autoencoder",
  curves:
    "The evidence lower bound (higher is better) is the reconstruction term minus the KL term. Trust the test curve.",
  config: { seed: 7, hidden: [400, 200], optimiser: { name: "adam" }, resume: undefined },
  summary: {
    latent: 3,
    parameters: 652_824,
    trainRows: 60_000,
    testRows: 20,
    trainings: [{ name: "Training time", seconds: 91.4 }],
  },
  measured: {
    rows: 20,
    bound: {
      elbo: { value: -102.34, rows: 20 },
      reconstruction: { value: -76.72, rows: 20 },
      kl: { value: 25.62, rows: 20 },
      klPerDimension: [1, 2, 0.001],
      activity: [0.8, 0.9, 0.0001],
      activeUnits: 2,
    },
    likelihood: {
      logLikelihood: { value: -97.21, rows: 20, standardError: 0.5 },
      importanceSamples: 500,
      bounds: {},
      elbo: -102.34,
    },
  },
  history: [1, 2, 3].map((epoch) => ({
    epoch,
    step: epoch * 10,
    seconds: epoch,
    train: { elbo: -130 + epoch, reconstruction: -100 + epoch, kl: 30 },
    test: { elbo: -131 + epoch, reconstruction: -101 + epoch, kl: 30 },
    activeUnits: 2,
  })),
  originals: levels(12),
  reconstructions: levels(12),
  samples: levels(16),
  traversals: { images: levels(6), dimensions: [1, 0], values: [-2, 0, 2] },
  latent: {
    points: Float32Array.from({ length: 60 }, (_, i) => Math.sin(i)),
    dimensions: 3,
    labels: Int32Array.from({ length: 20 }, (_, i) => i % 2),
    classes: ["even", "odd"],
    blind: "the model",
  },
});

/** A model of two classes that was given four labels: five of twenty test images are misclassified. */
export const fewLabels = (): ReportData => {
  const { command, createdAt, version, config } = fullReport();
  const classes = ["cat", "dog"];
  return {
    title: "M2 on squares",
    command,
    createdAt,
    version,
    config,
    introduction: "M2 of Kingma et al. (2014), a generative model of class and style,",
    curves:
      "The training objective (higher is better): the bound of rows without a label, the bound of rows with one, and log q(y | x).",
    summary: {
      latent: 3,
      parameters: 1000,
      trainRows: 40,
      testRows: 20,
      trainings: [{ name: "Training time", seconds: 5 }],
    },
    measured: {
      rows: 20,
      bound: { elbo: { value: -51.2, rows: 20 } },
      errors: [
        {
          by: "q(y|x)",
          text: "q(y\u00a0|\u00a0x)",
          error: { value: 0.25, rows: 20, standardError: Math.sqrt((0.25 * 0.75) / 20) },
          confusion: [
            [9, 1],
            [4, 6],
          ],
          calibration: {
            error: 0.125,
            bins: [
              { from: 0, to: 0.5, rows: 0, confidence: 0, accuracy: 0 },
              { from: 0.5, to: 1, rows: 20, confidence: 0.875, accuracy: 0.75 },
            ],
          },
        },
        {
          by: "Bayes",
          text: "Bayes' rule with 50 samples",
          samples: 50,
          error: { value: 0.2, rows: 20 },
          confusion: [
            [9, 1],
            [3, 7],
          ],
        },
      ],
    },
    history: [1, 2, 3].map((epoch) => ({
      epoch,
      step: epoch * 10,
      seconds: epoch,
      train: { labelledElbo: -60 + epoch, unlabelledElbo: -59 + epoch, classification: -1 / epoch, error: 0 },
      validation: { error: 0.3 / epoch },
      test: { error: 0.4 / epoch },
    })),
    style: {
      points: Float32Array.from({ length: 60 }, (_, i) => Math.sin(i)),
      dimensions: 3,
      labels: Int32Array.from({ length: 20 }, (_, i) => i % 2),
      classes,
      labelled: 4,
    },
    classification: {
      classes,
      labelled: 4,
      unlabelled: 36,
      labelSeed: 9,
      leastSure: {
        rows: [
          { row: 7, predicted: 0, probability: 0.51, truth: 1 },
          { row: 2, predicted: 1, probability: 0.6, truth: 1 },
        ],
        images: levels(2),
      },
      analogies: { images: levels(6), classes },
      samples: { images: levels(8), classes },
    },
  };
};

/** Whether an element is seen on a wide screen: pages have wide figures again, narrower, for phones. */
export const onDesk = (element: Element): boolean => element.closest(".narrow") === null;
