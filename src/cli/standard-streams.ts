/** What becomes of a program whose output nobody takes any more: it finishes its work, and says so. */

/** Of a stream: `process.stdout`, or `process.stderr`. */
interface Output {
  write(text: string): unknown;
  on(event: "error", listener: (error: NodeJS.ErrnoException) => void): unknown;
}

const REASONS: Readonly<Record<string, string>> = {
  EPIPE: "was closed by whoever read it",
  EIO: "belongs to a terminal that is gone",
  ENOSPC: "goes to a disk that is full",
  EDQUOT: "goes to a disk whose quota is used up",
};

/** Whether everything that was printed arrived. */
export interface StandardStreams {
  /** True once output was lost for another reason than a reader that has seen enough, such as `head`. */
  readonly outputLost: boolean;
}

/**
 * Keeps a stream that fails from ending the process: without a listener the first write to a closed pipe or a full disk is an
 * uncaught exception. The first failure of the output is told on the error stream; those of the error stream itself cannot be told.
 */
export const watchStreams = ({
  out,
  err,
}: {
  readonly out: Output;
  readonly err: Output;
}): StandardStreams => {
  let told = false;
  let outputLost = false;
  err.on("error", () => undefined);
  out.on("error", ({ code, message }) => {
    outputLost ||= code !== "EPIPE";
    if (told) return;
    told = true;
    const why = REASONS[code ?? ""] ?? `cannot be written (${message})`;
    err.write(`The standard output ${why}. tightbound goes on without it.\n`);
  });
  return {
    get outputLost() {
      return outputLost;
    },
  };
};
