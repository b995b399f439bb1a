/**
 * Largest values that are accepted, and why. Beyond each there is nothing that anyone wants, and a process that hangs or fills the machine;
 * whether what is below fits into memory is asked of the computation itself.
 *
 * @module
 */

/** The largest value of a number, and why it has one. */
export interface Ceiling {
  readonly most: number;
  /** Follows "Expected a whole number from 1 to …:". */
  readonly why: string;
}

export const ceilings = {
  /** Told to start tens of thousands, the native runtime hangs, and the machine with it. */
  threads: { most: 256, why: "more threads than cores do not make a run faster" },
  epochs: { most: 10_000_000, why: "each epoch is a line of metrics.jsonl and a checkpoint" },
  /** Dimensions of z, widths of layers, channels. */
  width: { most: 1_000_000, why: "the weights beside a wider layer fit into no memory" },
  layers: { most: 100, why: "a deeper plain network does not learn" },
  /** Samples of z for a row in training. */
  samples: { most: 100_000, why: "each row is decoded for each sample at every step" },
  /** Samples for a row where a model is measured. */
  importanceSamples: {
    most: 10_000_000,
    why: "the estimate's error falls as 1 / k, and this many take hours",
  },
  /** Rows that are drawn. */
  drawn: {
    most: 10_000_000,
    why: "all of them are held in memory. Draw more in several calls, with another `seed`",
  },
  /** Draws of z for each labelled row. */
  labelledDraws: { most: 1000, why: "classifiers are fitted on each draw" },
  /** Repetitions of an experiment, of a paper or with simulated labels. */
  repetitions: { most: 10_000, why: "each trains its models anew" },
  /** A port of this machine. */
  port: { most: 65_535, why: "ports have no larger numbers" },
  /** Seconds. */
  lease: { most: 86_400, why: "the runs of a worker that died would wait for more than a day" },
  /** Rows of a call of an exported model. */
  exportedRows: { most: 1_000_000, why: "the model holds its values for all of them at once" },
} as const satisfies Readonly<Record<string, Ceiling>>;
