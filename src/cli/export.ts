/** `tightbound export`: encoder and decoder as ONNX files, checked. */
import type { Command } from "commander";
import { whole } from "./parse.ts";
import { type Context, printJson, speaker } from "./terminal.ts";

interface Options {
  readonly out?: string;
  readonly batch: number;
  readonly json?: true;
}

const EXAMPLES = `
encoder.onnx: x [batch, features] in model units (pixels in [0, 1]) to mean and logVariance [batch, latent], of an
autoencoder to code. decoder.onnx: z [batch, latent] to mean [batch, features]. Both are run by ONNX Runtime as written
and compared with Tightbound's own results before the command ends. The parameters alone are in the run's
checkpoint.safetensors.

Examples:
  $ tightbound export runs/mnist-vae-1
  $ tightbound export runs/mnist-vae-1 --out models/ --batch 64`;

export function addExport(program: Command, context: Context): void {
  program
    .command("export")
    .description("encoder and decoder as ONNX files, checked with ONNX Runtime")
    .argument("<run>", "folder of a run")
    .option("--out <folder>", "where to (default: the run's folder)")
    .option("--batch <n>", "rows of a call", whole(1), 1)
    .option("--json", "print one JSON object")
    .addHelpText("after", EXAMPLES)
    .action(async (path: string, { out = path, batch, json }: Options) => {
      const { join } = await import("node:path");
      const { exportOnnx, openTrained } = await import("../run/index.ts");
      const { compareExport } = await import("./export-check.ts");
      const { save } = await import("./output.ts");
      const { trained } = await openTrained(path);
      const models = exportOnnx(trained, batch);
      const files = { encoder: join(out, "encoder.onnx"), decoder: join(out, "decoder.onnx") };
      await save(files.encoder, models.encoder.bytes);
      await save(files.decoder, models.decoder.bytes);
      const maxDifference = await compareExport(trained, models, files);
      if (json) {
        const { encoder, decoder } = models;
        const described = (of: typeof encoder, file: string) => ({
          file,
          input: of.input,
          outputs: of.outputs,
        });
        printJson(context.terminal, {
          run: path,
          batch,
          encoder: described(encoder, files.encoder),
          decoder: described(decoder, files.decoder),
          maxDifference,
        });
      } else {
        const say = speaker(context.terminal, {});
        say(`Written: ${files.encoder}\nWritten: ${files.decoder}`);
        say(
          `Run by ONNX Runtime and compared with Tightbound: largest difference ${maxDifference.toExponential(1)}.`,
        );
      }
    });
}
