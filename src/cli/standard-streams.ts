/** If the program's output can no longer be written, the program finishes its work and says so on the error stream. */

/** The part of `process.stdout` or `process.stderr` that is used. */
interface Output {
  write(text: string): unknown;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
}

const REASONS: Readonly<Record<string, string>> = {
  EPIPE: "was closed by its reader",
  EIO: "goes to a terminal that was closed",
  ENOSPC: "goes to a disk that is full",
  EDQUOT: "goes to a disk whose quota is used up",
};

/** Whether all output was written. */
export interface StandardStreams {
  /** True once output was lost, unless the reader stopped early, as `head` does. */
  readonly outputLost: boolean;
}

/**
 * Keeps a stream that fails from ending the process: without a listener the first write to a closed pipe or a full disk is an
 * uncaught exception. The first failure of the output is reported on the error stream; failures of the error stream itself cannot be reported.
 */
export const watchStreams = ({
  out,
  err,
}: {
  readonly out: Output;
  readonly err: Output;
}): StandardStreams => {
  let reported = false;
  let outputLost = false;
  err.on("error", () => undefined);
  out.on("error", ({ code, message }) => {
    outputLost ||= code !== "EPIPE";
    if (reported) return;
    reported = true;
    const why = REASONS[code ?? ""] ?? `cannot be written (${message})`;
    err.write(`The standard output ${why}. tightbound continues without it.\n`);
  });
  return {
    get outputLost() {
      return outputLost;
    },
  };
};
