/** `tightbound sample`: draws from the prior, decoded. */
import type { Command } from "commander";
import { whole } from "./parse.ts";
import { type Context, printJson, speaker } from "./terminal.ts";

interface Options {
  readonly count?: number;
  readonly seed: number;
  readonly out?: string;
  readonly json?: true;
}

const EXAMPLES = `
What is written are means of p(x|z) for draws z from the prior: a picture of images (or their values, with a .csv file).
Of a table they are whole rows, drawn from p(x|z), as a CSV file with its columns.

Of m2 and m1m2: --count draws of every class, a row of the picture for each class, with one style z down each column.

Examples:
  $ tightbound sample runs/mnist-vae-1
  $ tightbound sample runs/mnist-vae-1 --count 100 --seed 7 --out samples.png`;

export function addSample(program: Command, context: Context): void {
  program
    .command("sample")
    .description("decode draws from the prior; of a model that tells class from style, for every class")
    .argument("<run>", "folder of a run")
    .option("--count <n>", "how many (default: 64; of m2 and m1m2 10 of every class)", whole(1))
    .option("--seed <n>", "seed of the draws", whole(0), 0)
    .option("--out <file>", "a .png or .csv file (default: samples.png or samples.csv in the run's folder)")
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { count: asked, seed, out, json }: Options) => {
      const { isLabelled, isM1, openTrained, readRun } = await import("../run/index.ts");
      const { featureTable, imagesOf, savePictureOrTable, target } = await import("./output.ts");
      const { samplePicture } = await import("../report/pictures.ts");
      const { settings } = readRun(path);
      if (isLabelled(settings) && !isM1(settings)) {
        const { sampleClasses } = await import("./sample-classes.ts");
        await sampleClasses(path, settings, { count: asked ?? 10, seed, out, json }, context);
        return;
      }
      const { trained } = await openTrained(path);
      const count = asked ?? 64;
      const where = target(settings, path, "samples", out);
      const values = await trained.sample(count, seed);
      await savePictureOrTable(where, imagesOf(settings, values), samplePicture, () =>
        featureTable(settings, [], values, () => []),
      );
      if (json) printJson(context.terminal, { run: path, count, seed, file: where.path });
      else speaker(context.terminal, {})(`${count} samples written to ${where.path}`);
    });
}
