/** The verbs of `tightbound`, in the order of its help. A verb's file is loaded when the verb is called, so that the general help starts at once. */
import type { Command } from "commander";
import type { Context } from "../terminal.ts";

/** One verb, without its flags. */
export interface Verb {
  readonly name: string;
  readonly summary: string;
  /** Its argument as commander writes it, and what it is. `train` says itself what its own is; a verb may have none. */
  readonly argument?: readonly [name: string, description?: string];
  /** Loads the function that adds the verb's flags and its action. */
  readonly load: () => Promise<{ readonly define: (command: Command, context: Context) => void }>;
}

const RUN = ["<run>", "folder of a run"] as const;

export const verbs: readonly Verb[] = [
  {
    name: "train",
    summary: "train a model and keep it in a run's folder",
    argument: ["[model]"],
    load: () => import("./train.ts"),
  },
  {
    name: "evaluate",
    summary:
      "the bound on held-out data, with its terms and log-likelihood, or with the classification error",
    argument: RUN,
    load: () => import("./evaluate.ts"),
  },
  {
    name: "classify",
    summary: "predict the class of every row, with a model that learnt from labels",
    argument: RUN,
    load: () => import("./classify.ts"),
  },
  {
    name: "sample",
    summary: "decode draws from the prior, or draws of every class if the model has classes",
    argument: RUN,
    load: () => import("./sample.ts"),
  },
  {
    name: "reconstruct",
    summary: "data beside their reconstructions",
    argument: RUN,
    load: () => import("./reconstruct.ts"),
  },
  {
    name: "traverse",
    summary: "decode one latent dimension at a time, moved through the prior",
    argument: RUN,
    load: () => import("./traverse.ts"),
  },
  {
    name: "encode",
    summary: "write posterior means of data, as CSV or .npy",
    argument: RUN,
    load: () => import("./encode.ts"),
  },
  {
    name: "impute",
    summary: "fill the missing cells of a table by the posterior",
    argument: RUN,
    load: () => import("./impute.ts"),
  },
  {
    name: "report",
    summary: "evaluate a run and write report.html and pictures",
    argument: RUN,
    load: () => import("./report.ts"),
  },
  {
    name: "compare",
    summary: "compare runs: settings that differ, figures, curves, and the best on validation rows",
    argument: ["<runs...>", "folders of two runs or more"],
    load: () => import("./compare.ts"),
  },
  {
    name: "export",
    summary: "export encoder, decoder and classifier as ONNX files, checked in ONNX Runtime",
    argument: RUN,
    load: () => import("./export.ts"),
  },
  {
    name: "sweep",
    summary: "train a run for each combination of settings, several at a time",
    argument: ["[plan]", "a plan in YAML"],
    load: () => import("./sweep.ts"),
  },
  {
    name: "worker",
    summary: "train runs of sweeps that were put on a queue, on this machine",
    load: () => import("./worker.ts"),
  },
  {
    name: "reproduce",
    summary: "train and evaluate everything in a paper's table, and compare the figures",
    argument: ["<paper>", "kingma2014 | burda2016"],
    load: () => import("./reproduce.ts"),
  },
  {
    name: "studio",
    summary: "label rows in the browser while a model learns, and asks for the rows it can learn most from",
    argument: ["<data>", "mnist, or the path of data"],
    load: () => import("./studio.ts"),
  },
  {
    name: "label-simulate",
    summary: "label rows by their true classes, chosen or at random, and measure the error as labels grow",
    argument: ["<data>", "mnist, or the path of data whose classes are known"],
    load: () => import("./label-simulate.ts"),
  },
];
