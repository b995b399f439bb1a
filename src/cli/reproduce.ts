/** `tightbound reproduce`: the table of a paper, run by run. */
import { type Command, InvalidArgumentError } from "commander";
import { number, whole, wholes } from "./parse.ts";
import type { Context } from "./terminal.ts";

/** Options as commander reads them. */
export interface ReproduceOptions {
  readonly labels: readonly number[];
  readonly draws: number;
  readonly methods?: readonly ("m1" | "m2" | "m1m2")[];
  readonly data: string;
  readonly validation: number;
  readonly length: number;
  readonly threads?: number;
  readonly out: string;
  readonly json?: true;
  readonly quiet?: true;
}

const EXAMPLES = `
kingma2014 is Table 1 of Kingma, Mohamed, Rezende and Welling (2014): M1 with each classifier, M2 and M1+M2 on MNIST with few
labels, class-balanced draws, mean and standard error over the draws, beside the published figures.

The folder holds a run for M1 and for each method, number of labels and draw, and report.html, table.md and results.json. The
same command again goes on where it was stopped. Given twice at the same time it shares the runs between the two (use --threads 1 for each).

Examples:
  $ tightbound reproduce kingma2014 --labels 100 --draws 5
  $ tightbound reproduce kingma2014 --labels 100,3000 --methods m1m2
  $ tightbound reproduce kingma2014 --length 0.05 --draws 2 --out runs/trial`;

const methodList = (text: string): ("m1" | "m2" | "m1m2")[] => {
  const known = ["m1", "m2", "m1m2"] as const;
  return text.split(",").map((name) => {
    const found = known.find((method) => method === name);
    if (found !== undefined) return found;
    throw new InvalidArgumentError(`Expected some of ${known.join(", ")}, with commas between.`);
  });
};

export function addReproduce(program: Command, context: Context): void {
  program
    .command("reproduce")
    .description("train and evaluate all that a paper's table shows, and put the figures side by side")
    .argument("<paper>", "kingma2014")
    .option("--labels <list>", "numbers of labels, with commas between", wholes(1), [100])
    .option("--draws <n>", "draws of the labels: seeds 0, 1, …", whole(1), 5)
    .option("--methods <list>", "some of m1,m2,m1m2 (default: all)", methodList)
    .option("--data <spec>", "mnist, or the path of other data with labels", "mnist")
    .option("--validation <n>", "labelled rows kept out of training, 0 for none", whole(0), 10_000)
    .option(
      "--length <share>",
      "share of the protocol's epochs, for a trial",
      number((n) => n > 0 && n <= 1, "a share above 0 and at most 1"),
      1,
    )
    .option("--threads <n>", "threads within an operation (default: one a core)", whole(1))
    .option("--out <folder>", "folder of the runs and of report.html", "runs/kingma2014")
    .option("--json", "print results.json at the end; all else goes to the error stream")
    .option("--quiet", "print nothing but the table, or with --json the results")
    .addHelpText("after", EXAMPLES)
    .action(async (paper: string, options: ReproduceOptions) => {
      const { reproduceVerb } = await import("./reproduce-run.ts");
      await reproduceVerb(paper, options, context);
    });
}
