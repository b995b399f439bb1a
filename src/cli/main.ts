#!/usr/bin/env node
import { runProgram } from "./program.ts";
import { watchStreams } from "./standard-streams.ts";

const streams = watchStreams({ out: process.stdout, err: process.stderr });
const code = await runProgram(process.argv.slice(2), {
  out: process.stdout,
  err: process.stderr,
  debug: Boolean(process.env.TIGHTBOUND_DEBUG),
});
// Output that could not be written is a failure even if everything else worked. Writes may fail until the very end.
process.on("exit", () => {
  process.exitCode = code === 0 && streams.outputLost ? 1 : code;
});
