#!/usr/bin/env node
import { setTimeout as wait } from "node:timers/promises";
import { TightboundError } from "../errors.ts";
import { type Connection, connectRanks } from "../mpi/index.ts";
import { endOnSignals } from "./interrupt.ts";
import { runProgram } from "./program.ts";
import { watchStreams } from "./standard-streams.ts";
import { CHILD_OF_SWEEP } from "./sweep-child.ts";
import type { Terminal } from "./terminal.ts";

/** Between the end of a rank that failed and that of the others, in ms: where all fail alike, rank 0 tells it first. */
const TOLD_WITHIN = 500;

/** Codes of a training that was stopped by a signal: all ranks stop together. */
const STOPPED: readonly number[] = [0, 129, 130, 143];

endOnSignals();
const streams = watchStreams({ out: process.stdout, err: process.stderr });
// A training of a sweep stops after its step, with a checkpoint, when the sweep is gone.
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

/** Of several ranks the first one speaks, and the others tell what went wrong with them. */
const terminalOf = (rank: number): Terminal => ({
  out: rank === 0 ? process.stdout : { write: () => true },
  err:
    rank === 0
      ? process.stderr
      : { write: (text) => setTimeout(() => process.stderr.write(`rank ${rank}: ${text}`), TOLD_WITHIN) },
  debug: Boolean(process.env.TIGHTBOUND_DEBUG),
  ...(tell !== undefined && {
    tell: (message) => {
      // Without a callback, a message after the channel is closed would be an uncaught error.
      if (process.connected) tell(message, undefined, undefined, () => undefined);
    },
  }),
});

const { ranks, close, abort } = await connected();
const code = await runProgram(process.argv.slice(2), terminalOf(ranks.rank), ranks);
if (STOPPED.includes(code)) close();
else if (ranks.size > 1) {
  if (ranks.rank > 0) await wait(2 * TOLD_WITHIN);
  abort(code);
}
// Output that could not be written is a failure even if everything else worked. Writes may fail until the very end.
process.on("exit", () => {
  process.exitCode = code === 0 && streams.outputLost ? 1 : code;
});
