/** `tightbound reproduce`: the table of a paper, run by run. */
import type { Command } from "commander";
import { part, someOf, wholes } from "../../kinds/index.ts";
import { ceilings } from "../../limits.ts";
import { type Method, methods } from "../../reproduce/index.ts";
import { optionFor, reader, whole } from "../parse.ts";
import type { Context } from "../terminal.ts";

/** Options as commander reads them. */
export interface ReproduceOptions {
  readonly labels: readonly number[];
  readonly draws: number;
  readonly methods?: readonly Method[];
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
labels, drawn in equal numbers per class; mean and standard error over the draws, beside the published figures.

The folder holds a run for M1, one for each method, number of labels and draw, and report.html, table.md and results.json.
Repeat the command to continue where it stopped. Two such commands at the same time share the work (use --threads 1 for each).

Examples:
  $ tightbound reproduce kingma2014 --labels 100 --draws 5
  $ tightbound reproduce kingma2014 --labels 100,3000 --methods m1m2
  $ tightbound reproduce kingma2014 --length 0.05 --draws 2 --out runs/trial`;

export function addReproduce(program: Command, context: Context): void {
  program
    .command("reproduce")
    .description("train and evaluate everything in a paper's table, and compare the figures")
    .argument("<paper>", "kingma2014")
    .option("--labels <list>", "numbers of labels, with commas between", reader(wholes()), [100])
    .option("--draws <n>", "draws of the labels: seeds 0, 1, …", whole(1, ceilings.repetitions), 5)
    .addOption(optionFor("--methods", someOf(methods), `some of ${methods.join(",")} (default: all)`))
    .option("--data <spec>", "mnist, or the path of other labelled data", "mnist")
    .option("--validation <n>", "labelled rows held out for validation, 0 for none", whole(0), 10_000)
    .option("--length <share>", "fraction of the protocol's epochs, for a quick trial", reader(part), 1)
    .option("--threads <n>", "threads per operation (default: one per core)", whole(1, ceilings.threads))
    .option("--out <folder>", "folder for the runs and report.html", "runs/kingma2014")
    .option("--json", "print results.json at the end; all else goes to the error stream")
    .option("--quiet", "print nothing but the table, or with --json the results")
    .addHelpText("after", EXAMPLES)
    .action(async (paper: string, options: ReproduceOptions) => {
      const { reproduceVerb } = await import("../reproduce-run.ts");
      await reproduceVerb(paper, options, context);
    });
}
