/** The command as a process: its streams, signals, ranks and exit code. */
import { setTimeout as wait } from "node:timers/promises";
import { TightboundError } from "../errors.ts";
import { type Connection, connectRanks, type Ranks, rankName } from "../mpi/index.ts";
import { endOnSignals } from "./interrupt.ts";
import { runProgram } from "./program.ts";
import { watchStreams } from "./standard-streams.ts";
import { CHILD_OF_SWEEP } from "./sweep-child.ts";
import type { Terminal } from "./terminal.ts";

/** How long ranks above 0 wait before they report an error, in ms: if all fail in the same way, rank 0 reports it first. */
const REPORT_DELAY = 500;

/** Exit codes with which all ranks end together: 0, and those of a training that a signal stopped. */
const STOPPED: readonly number[] = [0, 129, 130, 143];

endOnSignals();
const streams = watchStreams({ out: process.stdout, err: process.stderr });
// When its sweep ends, a training stops after the current step and writes a checkpoint.
const tell = process.env[CHILD_OF_SWEEP] === undefined ? undefined : process.send?.bind(process);
if (tell !== undefined) {
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // The channel alone does not keep this process alive.
  process.channel?.unref();
}

async function connected(): Promise<Connection> {
  try {
    return await connectRanks(process.env);
  } catch (error) {
    if (!(error instanceof TightboundError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(2);
  }
}

/** With several ranks, only rank 0 prints results; the others print only their errors. */
const terminalOf = ({ rank, ...of }: Ranks): Terminal => ({
  out: rank === 0 ? process.stdout : { write: () => true },
  err:
    rank === 0
      ? process.stderr
      : {
          write: (text) =>
            setTimeout(() => process.stderr.write(`${rankName(of, rank)}: ${text}`), REPORT_DELAY),
        },
  debug: Boolean(process.env.TIGHTBOUND_DEBUG),
  ...(tell !== undefined && {
    tell: (message) => {
      // Without a callback, a message after the channel is closed would be an uncaught error.
      if (process.connected) tell(message, undefined, undefined, () => undefined);
    },
  }),
});

const { ranks, warning, close, abort } = await connected();
if (warning !== undefined && ranks.rank === 0) process.stderr.write(`${warning}\n`);
const code = await runProgram(process.argv.slice(2), terminalOf(ranks), ranks);
if (STOPPED.includes(code)) close();
else if (ranks.size > 1) {
  // A launcher that ends a job drops what it has not read of its output.
  await wait(ranks.rank > 0 ? 2 * REPORT_DELAY : REPORT_DELAY / 2);
  abort(code);
}
// Output that could not be written is a failure even if everything else worked. Writes may fail until the very end.
process.on("exit", () => {
  process.exitCode = code === 0 && streams.outputLost ? 1 : code;
});
