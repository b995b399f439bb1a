/** `tightbound label-simulate`: how much it helps to choose the rows to label, with the true classes as the answers. */
import { type Command, Option } from "commander";
import { share } from "../../kinds/index.ts";
import { ceilings } from "../../limits.ts";
import type { SimulatedLesson } from "../../studio/index.ts";
import { optionFor, whole } from "../parse.ts";
import { type Context, grouped, percent, printJson, speaker } from "../terminal.ts";
import { inFlags } from "../wording.ts";

interface Options {
  readonly labelColumn?: string;
  readonly labels: number;
  readonly batch: number;
  readonly strategy: string;
  readonly seed: number;
  readonly seeds: number;
  readonly testFraction?: number;
  readonly epochs?: number;
  readonly finalEpochs?: number;
  readonly run?: string;
  readonly cold?: true;
  readonly json?: true;
}

const EXAMPLES = `
Rows are labelled in batches, as a person would in \`tightbound studio\`, but by their true classes. After each batch the model learns from
the labels and from all unlabelled rows, and its error is measured on rows that are never labelled.

Strategies: chosen (typical rows first, then rows that the model is unsure of and that differ from each other), informative (the same, by the
mutual information of the class with draws of what the model does not know), random, uncertain (rows that the model is least sure of), diverse
(typical rows from parts of the data without labels).

For every three labels one more row is drawn at random and labelled, as in the studio. The model does not learn from it: the temperature of
the probabilities is fitted to these rows. The calibration error is that of the tempered probabilities on the test rows.

Examples:
  $ tightbound label-simulate penguins.csv --label-column species --labels 30 --strategy random
  $ tightbound label-simulate mnist --run runs/mnist-vae-1 --labels 100`;

export function define(command: Command, context: Context): void {
  command
    .option("--label-column <name>", "the column of class names in a table")
    .option("--labels <n>", "labels to give in all", whole(2), 100)
    .option("--batch <n>", "labels from one lesson to the next", whole(1), 10)
    .addOption(
      new Option("--strategy <name>", "how rows are chosen")
        .choices(["chosen", "informative", "random", "uncertain", "diverse"])
        .default("chosen"),
    )
    .option("--seed <n>", "seed of the choice and of the model", whole(0), 0)
    .option(
      "--seeds <n>",
      "repetitions, each with the next seed; the error is then their mean",
      whole(1, ceilings.repetitions),
      1,
    )
    .addOption(
      optionFor(
        "--test-fraction",
        share,
        "share of the rows to measure the error on, if the data have no test part (default: 0.3)",
      ),
    )
    .option(
      "--epochs <n>",
      "passes over the rows in a lesson that starts from scratch (default: those of train, or fewer if there are many rows)",
      whole(1, ceilings.epochs),
    )
    .option(
      "--final-epochs <n>",
      "passes of one more lesson from scratch after the last label, measured as well (default: none)",
      whole(1, ceilings.epochs),
    )
    .option("--run <folder>", "a run of vae or m1 on the same rows: M2 learns from its codes (M1+M2)")
    .option("--cold", "start every lesson from scratch instead of from the previous model")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (data: string, options: Options) => {
      const { flushSubnormals } = await import("../../compile/index.ts");
      const { loadRows, simulateLabelling } = await import("../../studio/index.ts");
      const { meanError } = await import("../../report/index.ts");
      const { openRun } = await import("../../runs/index.ts");
      const {
        labelColumn,
        labels,
        batch,
        strategy,
        seed,
        seeds,
        testFraction = 0.3,
        epochs,
        finalEpochs,
        run,
      } = options;
      flushSubnormals();
      const say = speaker(context.terminal, { json: options.json === true });
      const rows = await loadRows({
        spec: data,
        testFraction,
        ...(labelColumn !== undefined && { labelColumn }),
      });
      for (const note of rows.notes) say(inFlags(note));
      const base = run === undefined ? undefined : await openRun(run);
      say(
        `${rows.rows.name}: ${grouped(rows.rows.rows)} rows to choose from, ${grouped(rows.test?.rows ?? 0)} to test on; ` +
          `${labels} labels, ${strategy}.`,
      );
      const repetitions: { seed: number; lessons: readonly SimulatedLesson[] }[] = [];
      for (let i = 0; i < seeds; i++) {
        const lessons = await simulateLabelling(rows, {
          labels,
          batch,
          strategy: strategy as "chosen",
          seed: seed + i,
          warm: options.cold !== true,
          ...(base && { base }),
          ...(epochs !== undefined && { given: { train: { epochs } } }),
          ...(finalEpochs !== undefined && { finalEpochs }),
          onLesson: (lesson) => say(`seed ${seed + i}: ${described(lesson)}`),
        });
        repetitions.push({ seed: seed + i, lessons });
      }
      const means = repetitions[0].lessons.map(({ labels: given }, at) => {
        // With only one class there is no model: it would give every row that class, and its error would mean nothing.
        const errors = repetitions.flatMap(({ lessons }) => lessons[at].error ?? []);
        const calibrations = repetitions.flatMap(({ lessons }) => lessons[at].calibrationError ?? []);
        return {
          labels: given,
          repetitions: errors.length,
          ...(errors.length > 0 && { ...meanError(errors), calibration: meanError(calibrations) }),
        };
      });
      if (options.json) {
        printJson(context.terminal, { data, strategy, batch, repetitions, means });
        return;
      }
      if (seeds === 1) return;
      const spreadOf = ({ mean, standardError }: { mean: number; standardError?: number }): string =>
        `${percent(mean)}${standardError === undefined ? "" : ` ± ${percent(standardError)}`}`;
      for (const { labels: given, repetitions: n, mean, standardError, calibration } of means) {
        if (mean === undefined || calibration === undefined) continue;
        const error = spreadOf({ mean, ...(standardError !== undefined && { standardError }) });
        say(`${given} labels: error ${error}, calibration error ${spreadOf(calibration)}, over ${n} seeds`);
      }
    });
}

/** One line about a lesson. */
function described({
  labels,
  classes,
  error,
  calibrationError,
  checks,
  temperature,
  seconds,
}: SimulatedLesson): string {
  const given = `${labels} labels of ${classes} classes`;
  if (error === undefined || calibrationError === undefined) return `${given}, nothing to learn from yet`;
  const calibrated = `calibration error ${percent(calibrationError)} at temperature ${temperature.toFixed(2)} from ${checks} check rows`;
  return `${given}, error ${percent(error)}, ${calibrated} (${seconds.toFixed(1)} s)`;
}
