/** The program `tightbound`: its verbs, its help, and how it reports errors. */
import { Command, CommanderError } from "commander";
import { InternalError, TightboundError, UsageError } from "../errors.ts";
import { printable } from "../printable.ts";
import { version } from "../version.ts";
import type { Context, Terminal } from "./terminal.ts";
import { addClassify } from "./verbs/classify.ts";
import { addCompare } from "./verbs/compare.ts";
import { addEncode } from "./verbs/encode.ts";
import { addEvaluate } from "./verbs/evaluate.ts";
import { addExport } from "./verbs/export.ts";
import { addImpute } from "./verbs/impute.ts";
import { addLabelSimulate } from "./verbs/label-simulate.ts";
import { addReconstruct } from "./verbs/reconstruct.ts";
import { addReport } from "./verbs/report.ts";
import { addReproduce } from "./verbs/reproduce.ts";
import { addSample } from "./verbs/sample.ts";
import { addStudio } from "./verbs/studio.ts";
import { addSweep } from "./verbs/sweep.ts";
import { addTrain } from "./verbs/train.ts";
import { addTraverse } from "./verbs/traverse.ts";
import { inFlags } from "./wording.ts";

/** Exit codes besides 0: 1 for data, folders and numbers that cannot be used, 2 for an invalid command. */
const FAILED = 1;
const MISUSED = 2;

const EXAMPLES = `
Examples:
  $ tightbound train vae --data mnist --epochs 10 --report
  $ tightbound evaluate runs/mnist-vae-1 --json
  $ tightbound sample runs/mnist-vae-1 --count 100 --out samples.png

Exit codes: 0 done, 1 failed, 2 wrong usage, 130 stopped by Ctrl-C (143 by SIGTERM, 129 because the terminal was closed).
TIGHTBOUND_DEBUG=1 shows the stack of an error.`;

/** The command line as commander reads it: every verb with its flags. */
export function commandOf(context: Context): Command {
  const { terminal } = context;
  const program = new Command("tightbound")
    .description("Train and inspect variational autoencoders and other deep generative models.")
    .version(version(), "--version", "print the version")
    .helpOption("-h, --help", "print help")
    .addHelpText("after", EXAMPLES)
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      // Errors are thrown here and printed below.
      writeErr: () => undefined,
      getOutHelpWidth: () => terminal.out.columns ?? 100,
    })
    .exitOverride();
  for (const add of [
    addTrain,
    addEvaluate,
    addClassify,
    addSample,
    addReconstruct,
    addTraverse,
    addEncode,
    addImpute,
    addReport,
    addCompare,
    addExport,
    addSweep,
    addReproduce,
    addStudio,
    addLabelSimulate,
  ]) {
    add(program, context);
  }
  return program;
}

/**
 * Runs the program with the given arguments (without its own name) and returns its exit code.
 * Errors are written to `terminal.err`; nothing is thrown.
 */
export async function runProgram(argv: readonly string[], terminal: Terminal): Promise<number> {
  const context: Context = { terminal, argv, exitCode: 0 };
  const program = commandOf(context);
  if (argv.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    await program.parseAsync(argv, { from: "user" });
    return context.exitCode;
  } catch (error) {
    return report(error, terminal, program);
  }
}

function report(error: unknown, { err, debug }: Terminal, program: Command): number {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    err.write(
      `${printable(error.message.replace(/^error: /, ""))}\nSee tightbound --help, or --help after a command.\n`,
    );
    return MISUSED;
  }
  const expected = error instanceof TightboundError && !(error instanceof InternalError);
  if (expected) {
    err.write(`${inFlags((debug ? error.stack : error.message) ?? "", program)}\n`);
    return error instanceof UsageError ? MISUSED : FAILED;
  }
  const text = error instanceof Error ? (debug ? error.stack : error.message) : String(error);
  const hint = debug ? "" : " Run the command again with TIGHTBOUND_DEBUG=1 to see where.";
  err.write(`${printable(text ?? "")}\nThis is a bug in tightbound, not a mistake of yours.${hint}\n`);
  return FAILED;
}
