#!/usr/bin/env node
import { endOnSignals } from "./interrupt.ts";
import { runProgram } from "./program.ts";
import { watchStreams } from "./standard-streams.ts";
import { CHILD_OF_SWEEP } from "./sweep-child.ts";

endOnSignals();
const streams = watchStreams({ out: process.stdout, err: process.stderr });
// A training of a sweep stops after its step, with a checkpoint, when the sweep is gone.
const tell = process.env[CHILD_OF_SWEEP] === undefined ? undefined : process.send?.bind(process);
if (tell !== undefined) {
  process.once("disconnect", () => process.kill(process.pid, "SIGTERM"));
  // The channel alone does not keep this process alive.
  process.channel?.unref();
}
const code = await runProgram(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  debug: Boolean(process.env.TIGHTBOUND_DEBUG),
  ...(tell !== undefined && {
    tell: (message) => {
      // Without a callback, a message after the channel is closed would be an uncaught error.
      if (process.connected) tell(message, undefined, undefined, () => undefined);
    },
  }),
});
// Output that could not be written is a failure even if everything else worked. Writes may fail until the very end.
process.on("exit", () => {
  process.exitCode = code === 0 && streams.outputLost ? 1 : code;
});
