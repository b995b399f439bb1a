/** Bars whose place is their class, of which few are labelled, and settings of runs on them. */
import { type Dataset, drawLabels, hideLabels } from "../../src/data/index.ts";
import type { RunData } from "../../src/kinds/index.ts";
import { describeData, type GivenSettings, newRun } from "../../src/runs/index.ts";
import { bars } from "./toys.ts";

const classes = ["first", "second", "third", "fourth"];

/** Grey 4 × 3 images of a bright row, and which row it is. */
export const labelledBars = (rows: number, seed = 0): Dataset => ({
  ...bars(rows, seed),
  labels: Int32Array.from({ length: rows }, (_, row) => row % 4),
  classes,
});

export const data = {
  train: labelledBars(120, 0),
  test: labelledBars(40, 1),
  validation: { ...labelledBars(40, 2), name: "bars/validation" },
} satisfies RunData;

/** The training rows with eight labels shown. */
export const few: Dataset = hideLabels(data.train, drawLabels(data.train, { labels: 8 }).labelled);

const training = { epochs: 3, batch: 16, labelledBatch: 8, threads: 1, lr: 0.01, seed: 5 };
const about = { version: "0.0.0", command: "test", createdAt: "2026-01-01T00:00:00Z" };

export const m2Run = ({ model, train, labels }: GivenSettings = {}, rows: RunData = data) =>
  newRun(
    "m2",
    {
      model: { latent: 2, hidden: [8], ...model },
      train: { ...training, ...train },
      labels: { count: 8, ...labels },
    },
    rows.train,
    describeData({ spec: "bars" }, rows),
    about,
  );

/** A VAE of another run, as `{ model, train, from }`, in place of one of its own. */
const taken = ({ model, train, from }: GivenSettings[string]): GivenSettings => ({
  model: { ...(model as object), model: "m1" },
  train: train as GivenSettings[string],
  m1: { from },
});

export const m1Run = ({ model, train, labels, classifiers, m1 }: GivenSettings = {}, rows: RunData = data) =>
  newRun(
    "m1",
    {
      model: { latent: 3, hidden: [16], ...model },
      train: { epochs: 60, batch: 16, threads: 1, lr: 0.01, seed: 5, ...train },
      labels: { count: 8, ...labels },
      ...(classifiers && { classifiers }),
      ...(m1 && taken(m1)),
    },
    rows.train,
    describeData({ spec: "bars" }, rows),
    about,
  );

export const stackedRun = ({ model, train, labels, m1 }: GivenSettings = {}, rows: RunData = data) =>
  newRun(
    "m1m2",
    {
      model: { latent: 2, hidden: [8], ...model },
      train: { ...training, ...train },
      labels: { count: 8, ...labels },
      m1: m1 ?? {
        model: { latent: 3, hidden: [8] },
        train: { epochs: 3, batch: 16, threads: 1, lr: 0.01, seed: 5 },
      },
    },
    rows.train,
    describeData({ spec: "bars" }, rows),
    about,
  );
