/** `tightbound sweep`: a run for each combination of settings. */
import { Command, Option } from "commander";
import { kindNames, listed } from "../../kinds/index.ts";
import type { Context } from "../terminal.ts";
import { trainSettings } from "../train-settings.ts";

/** Options as commander reads them; those of `train` by their keys, as the text that was given. */
export interface SweepOptions extends Readonly<Record<string, unknown>> {
  readonly model?: string;
  readonly grid?: readonly string[];
  readonly seeds?: string;
  readonly jobs?: string;
  readonly out?: string;
  readonly queue?: string;
  readonly slurm?: true;
  readonly dryRun?: true;
  readonly json?: true;
  readonly quiet?: true;
}

const EXAMPLES = `
Every setting of train can be given as a flag; it applies to all runs. A plan uses the same names without dashes:

  model: vae
  data: mnist
  epochs: 10
  grid:
    lr: [1e-3, 3e-3]
    hidden: [400, [600, 600]]
  seeds: 0..4
  out: runs/sweep

The folder contains a folder for each run, as train writes it, the output of each run in logs/, and sweep.json. Repeat the command
to continue a sweep that was stopped or killed; failed runs are tried again. Compare its runs with tightbound compare.

Examples:
  $ tightbound sweep --model vae --data mnist --grid lr=1e-3,3e-3 --seeds 0..4 --out runs/sweep
  $ tightbound sweep --model m2 --data mnist --labels 100 --grid 'hidden=400|600,600' --epochs 20 --out runs/widths
  $ tightbound sweep plan.yaml --jobs 4
  $ tightbound sweep plan.yaml --queue redis://queue.example.org
  $ tightbound sweep plan.yaml --slurm --dry-run`;

/** The flags of `train` that are settings, by name. */
export const settingFlags = (): readonly Option[] => {
  const command = new Command();
  trainSettings(command);
  return command.options;
};

/** A flag whose text is kept unchanged, because it is passed on to another process. */
const asGiven = ({ flags, description }: Option): Option => new Option(flags, description).hideHelp();

export function define(command: Command, context: Context): void {
  command
    .option("--model <name>", listed(kindNames, "or"))
    .option(
      "--grid <name=values>",
      "a setting and the values to try, separated by commas, or by | if a value contains commas; repeat it for more settings",
      (text: string, before: readonly string[] = []) => [...before, text],
    )
    .option("--seeds <list>", "seeds to train each combination with: 0..4, or 0,3,7")
    .option(
      "--jobs <n>",
      "runs at a time (default: one per core, or per --threads cores; the cores are shared equally)",
    )
    .option("--out <folder>", "folder for the runs")
    .option(
      "--queue <address>",
      "let workers on other machines train the runs: redis://host, or rediss://host for TLS; see tightbound worker",
    )
    .option(
      "--slurm",
      "submit the runs as a job array of Slurm; repeat the command without it to collect them",
    )
    .option("--dry-run", "with --slurm: print the script, and submit nothing");
  for (const option of settingFlags()) command.addOption(asGiven(option));
  command
    .option("--json", "print one JSON object at the end; everything else goes to stderr")
    .option("--quiet", "print nothing but errors")
    .addHelpText("after", EXAMPLES)
    .action(async (plan: string | undefined, options: SweepOptions) => {
      const { sweepVerb } = await import("../sweep-run.ts");
      await sweepVerb(plan, options, context);
    });
}
