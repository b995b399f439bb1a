/** The program `tightbound`: its verbs, its help, and how it reports errors. */
import { Command, CommanderError } from "commander";
import { InternalError, TightboundError, UsageError } from "../errors.ts";
import { alone, isOnAllRanks, type Ranks } from "../mpi/index.ts";
import { printable } from "../printable.ts";
import { version } from "../version.ts";
import type { Context, Terminal } from "./terminal.ts";
import { verbs } from "./verbs/index.ts";

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

/** The verb that the arguments call, or ask help for. */
const calledVerb = (argv: readonly string[]): string | undefined => {
  const words = argv.filter((word) => !word.startsWith("-"));
  return words[0] === "help" ? words[1] : words[0];
};

/** The command line as commander reads it: every verb, and the flags of the one that is called. */
export async function commandOf(context: Context): Promise<Command> {
  const { terminal, argv } = context;
  const program = new Command("tightbound")
    .description("Train and inspect variational autoencoders and other deep generative models.")
    .version(version(), "--version", "print the version")
    .helpOption("-h, --help", "print help")
    .addHelpText("after", EXAMPLES)
    .configureHelp({
      // The flags of verbs that are not called are not loaded.
      subcommandTerm: (command) => {
        const verb = verbs.find(({ name }) => name === command.name());
        return verb === undefined
          ? "help [command]"
          : `${verb.name} [options] ${verb.argument?.[0] ?? ""}`.trimEnd();
      },
    })
    .configureOutput({
      writeOut: (text) => terminal.out.write(text),
      // Errors are thrown here and printed below.
      writeErr: () => undefined,
      getOutHelpWidth: () => terminal.out.columns ?? 100,
    })
    .exitOverride();
  const called = calledVerb(argv);
  for (const { name, summary, argument, load } of verbs) {
    const command = program.command(name).description(summary);
    if (argument !== undefined) command.argument(...argument);
    if (name === called) (await load()).define(command, context);
  }
  return program;
}

/**
 * Runs the program with the given arguments (without its own name) and returns its exit code.
 * Errors are written to `terminal.err`; nothing is thrown.
 */
export async function runProgram(
  argv: readonly string[],
  terminal: Terminal,
  ranks: Ranks = alone,
): Promise<number> {
  const context: Context = { terminal, argv, exitCode: 0, ranks };
  const program = await commandOf(context);
  if (argv.length === 0) {
    program.outputHelp();
    return 0;
  }
  try {
    if (ranks.size > 1 && argv[0] !== "train") {
      throw new UsageError(
        `${argv[0]}: ${ranks.size} processes were started by a launcher of MPI, and only train is for several. Start one.`,
      );
    }
    await program.parseAsync(argv, { from: "user" });
    return context.exitCode;
  } catch (error) {
    if (!isOnAllRanks(error)) return await report(error, terminal, program);
    // Once: the others end when rank 0 has said it.
    const code = ranks.rank === 0 ? await report(error, terminal, program) : codeOf(error);
    ranks.barrier();
    return code;
  }
}

const codeOf = (error: unknown): number => (error instanceof UsageError ? MISUSED : FAILED);

async function report(error: unknown, { err, debug }: Terminal, program: Command): Promise<number> {
  if (error instanceof CommanderError) {
    if (error.exitCode === 0) return 0;
    err.write(
      `${printable(error.message.replace(/^error: /, ""))}\nSee tightbound --help, or --help after a command.\n`,
    );
    return MISUSED;
  }
  const expected = error instanceof TightboundError && !(error instanceof InternalError);
  if (expected) {
    const { inFlags } = await import("./wording.ts");
    err.write(`${inFlags((debug ? error.stack : error.message) ?? "", program)}\n`);
    return codeOf(error);
  }
  const text = error instanceof Error ? (debug ? error.stack : error.message) : String(error);
  const hint = debug ? "" : " Run the command again with TIGHTBOUND_DEBUG=1 to see where.";
  err.write(`${printable(text ?? "")}\nThis is a bug in tightbound, not a mistake of yours.${hint}\n`);
  return FAILED;
}
