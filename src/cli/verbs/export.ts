/** `tightbound export`: a model's functions as ONNX files, checked, and a description of their input. */
import type { Command } from "commander";
import { ceilings } from "../../limits.ts";
import { whole } from "../parse.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

interface Options {
  readonly out?: string;
  readonly batch?: number;
  readonly json?: true;
}

const EXAMPLES = `
For vae, autoencoder and m1: encoder.onnx, from x [batch, features] to mean and logVariance [batch, latent] (for an
autoencoder, to code); decoder.onnx, from z [batch, latent] to mean [batch, features]. For m2 and m1m2: classifier.onnx,
from x to probabilities [batch, classes]; encoder.onnx, from x and one-hot y to the style's mean and logVariance;
decoder.onnx, from y and z to mean. For cvae: encoder.onnx, from x and conditions c; decoder.onnx, from c and z.

The number of rows is free, unless --batch fixes it. x is in model units. input.json says how to convert raw rows: the scale
of bytes, the means and standard deviations of columns, their categories, the names of the classes. Every file is run in
ONNX Runtime and compared with Tightbound's own results before the command ends. If you only need the parameters, they
are in the run's checkpoint.safetensors.

Examples:
  $ tightbound export runs/mnist-m2-1
  $ tightbound export runs/mnist-vae-1 --out models/ --batch 64`;

export function define(command: Command, context: Context): void {
  command
    .option("--out <folder>", "output folder (default: the run's folder)")
    .option(
      "--batch <n>",
      "fixed number of rows per call (default: any number)",
      whole(1, ceilings.exportedRows),
    )
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { out = path, batch, json }: Options) => {
      const { join } = await import("node:path");
      const { InternalError } = await import("../../errors.ts");
      const { preparationOf } = await import("../../kinds/index.ts");
      const { checkVerb, openRun, readRun } = await import("../../runs/index.ts");
      const { largestDifference } = await import("../export-check.ts");
      const { save } = await import("../output.ts");
      checkVerb(readRun(path), "export");
      const { kind, trained, run } = await openRun(path);
      const graphs = kind.export?.(trained, batch);
      if (graphs === undefined) {
        throw new InternalError(`${run.settings.model.model} declares export but does not implement it`);
      }
      const written = graphs.map((graph) => ({ graph, file: join(out, `${graph.name}.onnx`) }));
      for (const { graph, file } of written) await save(file, graph.bytes);
      const prepares = join(out, "input.json");
      await save(prepares, `${JSON.stringify(preparationOf(run.settings), undefined, 2)}\n`);
      let maxDifference = 0;
      for (const { graph, file } of written) {
        maxDifference = Math.max(maxDifference, await largestDifference(graph, file));
      }
      if (json) {
        const described = written.map(({ graph: { name, inputs, outputs }, file }) => [
          name,
          { file, inputs: inputs.map(({ tried: _, ...one }) => one), outputs },
        ]);
        printJson(context.terminal, {
          run: path,
          batch: batch ?? null,
          ...Object.fromEntries(described),
          input: prepares,
          maxDifference,
        });
      } else {
        const say = speaker(context.terminal, {});
        say([...written.map(({ file }) => file), prepares].map((file) => `Written: ${file}`).join("\n"));
        say(
          `Run by ONNX Runtime and compared with Tightbound: largest difference ${maxDifference.toExponential(1)}.`,
        );
      }
    });
}
