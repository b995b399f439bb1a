/** `tightbound reproduce`: the table of a paper, run by run. */
import type { Command } from "commander";
import { UsageError } from "../../errors.ts";
import { oneOf, part, someOf, wholes } from "../../kinds/index.ts";
import { ceilings } from "../../limits.ts";
import { type DensityBinarization, type DensityBound, type Method, methods } from "../../reproduce/index.ts";
import { optionFor, reader, rowsOrAll, whole } from "../parse.ts";
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
  readonly out?: string;
  readonly samples: readonly number[];
  readonly bounds: readonly DensityBound[];
  readonly binarize: readonly DensityBinarization[];
  readonly estimator: "pathwise" | "doubly-reparameterised";
  readonly importanceSamples: number;
  readonly rows: number | "all";
  readonly workers?: number;
  readonly queue?: string;
  readonly json?: true;
  readonly quiet?: true;
}

const EXAMPLES = `
kingma2014 is Table 1 of Kingma, Mohamed, Rezende and Welling (2014): M1 with each classifier, M2 and M1+M2 on MNIST with few
labels, drawn in equal numbers per class; mean and standard error over the draws, beside the published figures.

burda2016 is Table 1 of Burda, Grosse and Salakhutdinov (2016) for one layer: negative log-likelihoods of 784-200-200-50 on MNIST, with
5,000 importance samples. All 3,280 epochs take days; --length 0.01 is a quick trial.

For kingma2014 the folder holds a run for M1, one for each method, number of labels and draw, and report.html, table.md and results.json.
Repeat the command to continue where it stopped. --workers 2 trains two runs at a time; with --queue, each "tightbound worker" that has the folder
under its --root takes runs.

Examples:
  $ tightbound reproduce kingma2014 --labels 100 --draws 5
  $ tightbound reproduce kingma2014 --labels 100,3000 --methods m1m2 --workers 2
  $ tightbound reproduce kingma2014 --length 0.05 --draws 2 --out runs/trial
  $ tightbound reproduce burda2016 --samples 50
  $ tightbound reproduce burda2016 --samples 1,5 --bounds elbo,iwae --length 0.01 --rows 500 --out runs/trial`;

/** Flags that belong to one paper, by their keys. */
const OWN: Readonly<Record<string, readonly string[]>> = {
  kingma2014: ["labels", "draws", "methods", "validation", "workers", "queue"],
  burda2016: ["samples", "bounds", "binarize", "estimator", "importanceSamples", "rows"],
};

/** @throws UsageError for an unknown paper, or a flag of another paper, which would have no effect. */
function checkFlags(paper: string, command: Command): void {
  const papers = Object.keys(OWN);
  if (!papers.includes(paper)) {
    throw new UsageError(`reproduce: unknown paper "${paper}". Expected ${papers.join(" or ")}.`);
  }
  for (const { long, attributeName } of command.options.map((option) => ({
    long: option.long,
    attributeName: option.attributeName(),
  }))) {
    const owner = papers.find((name) => OWN[name].includes(attributeName));
    if (owner !== undefined && owner !== paper && command.getOptionValueSource(attributeName) === "cli") {
      throw new UsageError(
        `${long}: belongs to reproduce ${owner} and has no effect on ${paper}; leave it out.`,
      );
    }
  }
}

export function define(command: Command, context: Context): void {
  command
    .option("--labels <list>", "numbers of labels, separated by commas", reader(wholes()), [100])
    .option("--draws <n>", "draws of the labels: seeds 0, 1, …", whole(1, ceilings.repetitions), 5)
    .addOption(optionFor("--methods", someOf(methods), `some of ${methods.join(",")} (default: all)`))
    .option("--data <spec>", "mnist, or the path of other labelled data", "mnist")
    .option("--validation <n>", "labelled rows held out for validation, 0 for none", whole(0), 10_000)
    .option("--length <share>", "fraction of the protocol's epochs, for a quick trial", reader(part), 1)
    .option("--threads <n>", "threads per operation (default: one per core)", whole(1, ceilings.threads))
    .option(
      "--samples <list>",
      "burda2016: numbers of samples k, separated by commas",
      reader(wholes({ ceiling: ceilings.samples })),
      [1, 5, 50],
    )
    .addOption(
      optionFor("--bounds", someOf(["elbo", "iwae"]), "burda2016: some of elbo,iwae (default: iwae)").default(
        ["iwae"],
        "iwae",
      ),
    )
    .addOption(
      optionFor(
        "--binarize",
        someOf(["dynamic", "fixed"]),
        "burda2016: pixels drawn anew at each step, or once; some of dynamic,fixed",
      ).default(["dynamic"], "dynamic"),
    )
    .addOption(
      optionFor(
        "--estimator",
        oneOf(["pathwise", "doubly-reparameterised"]),
        "burda2016: gradient of the importance-weighted bound; the paper's is pathwise",
      ).default("doubly-reparameterised"),
    )
    .option(
      "--importance-samples <k>",
      "burda2016: importance samples for the log-likelihood",
      whole(1, ceilings.importanceSamples),
      5000,
    )
    .option("--rows <n>", "burda2016: test rows for the log-likelihood, or all", rowsOrAll, "all")
    .option(
      "--workers <n>",
      "kingma2014: train n runs at a time, each a process with its share of the cores",
      whole(1, ceilings.threads),
    )
    .option(
      "--queue <address>",
      "kingma2014: have the runs trained by the workers of this Redis, which must share the disk",
    )
    .option("--out <folder>", "folder for the runs and tables (default: runs/<paper>)")
    .option("--json", "print results.json at the end; everything else goes to stderr")
    .option("--quiet", "print nothing but the table, or with --json the results")
    .addHelpText("after", EXAMPLES)
    .action(async (paper: string, options: ReproduceOptions, command: Command) => {
      checkFlags(paper, command);
      const { reproduceVerb } = await import("../reproduce-run.ts");
      await reproduceVerb(paper, options, context);
    });
}
