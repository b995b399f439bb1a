/** `tightbound export`: encoder and decoder as ONNX files, checked. */
import type { Command } from "commander";
import { whole } from "../parse.ts";
import { type Context, printJson, speaker } from "../terminal.ts";

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
      const { InternalError } = await import("../../errors.ts");
      const { checkVerb, openRun, readRun } = await import("../../runs/index.ts");
      const { largestDifference } = await import("../export-check.ts");
      const { save } = await import("../output.ts");
      checkVerb(readRun(path), "export");
      const { kind, trained, run } = await openRun(path);
      const graphs = kind.export?.(trained, batch);
      if (graphs === undefined) {
        throw new InternalError(`${run.settings.model.model} is said to export, and does not`);
      }
      const written = graphs.map((graph) => ({ graph, file: join(out, `${graph.name}.onnx`) }));
      for (const { graph, file } of written) await save(file, graph.bytes);
      let maxDifference = 0;
      for (const { graph, file } of written) {
        maxDifference = Math.max(maxDifference, await largestDifference(graph, file));
      }
      if (json) {
        const described = written.map(({ graph: { name, input, outputs }, file }) => [
          name,
          { file, input, outputs },
        ]);
        printJson(context.terminal, { run: path, batch, ...Object.fromEntries(described), maxDifference });
      } else {
        const say = speaker(context.terminal, {});
        say(written.map(({ file }) => `Written: ${file}`).join("\n"));
        say(
          `Run by ONNX Runtime and compared with Tightbound: largest difference ${maxDifference.toExponential(1)}.`,
        );
      }
    });
}
