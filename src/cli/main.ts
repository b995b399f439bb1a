#!/usr/bin/env node
/** The start of the command. The program is loaded from here, so that a system that cannot open its files says so in a sentence. */

/** Codes of "too many open files", in this process and on this machine. */
const TOO_MANY: readonly unknown[] = ["EMFILE", "ENFILE"];

try {
  await import("./process.ts");
} catch (error) {
  if (!(error instanceof Error && "code" in error && TOO_MANY.includes(error.code))) throw error;
  process.stderr.write(
    "tightbound: expected to open a few hundred files at once, and this system allows fewer. " +
      "Raise the limit (ulimit -n 1024) or close other programs.\n",
  );
  process.exitCode = 1;
}
