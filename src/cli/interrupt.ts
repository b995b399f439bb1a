/** Ctrl-C, SIGTERM and a terminal that is closed (SIGHUP): the first asks for a stop at a good place, the second does not ask. */

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type StopSignal = keyof typeof CODES;

export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** 128 and the number of the signal, once one has come. */
  readonly exitCode: number | undefined;
  /** From now on the first signal ends the process too, after `before` has run: what is under way leaves nothing half done. */
  endAtOnce(before: () => void): void;
  /** Gives the signals back to whoever had them. */
  release(): void;
}

/** Takes the signals over. `onFirst` runs at the first one, `onEnd` right before the process is ended by another. */
export const watchInterrupts = (onFirst: () => void, onEnd: () => void): Interrupts => {
  const controller = new AbortController();
  let exitCode: number | undefined;
  let last: (() => void) | undefined;
  const receive = (name: StopSignal): void => {
    const first = exitCode === undefined;
    exitCode ??= CODES[name];
    if (first && last === undefined) {
      controller.abort();
      onFirst();
      return;
    }
    (first ? last : onEnd)?.();
    process.exit(exitCode);
  };
  const handlers = (Object.keys(CODES) as StopSignal[]).map((name) => {
    const handler = () => receive(name);
    process.on(name, handler);
    return { name, handler };
  });
  return {
    signal: controller.signal,
    get exitCode() {
      return exitCode;
    },
    endAtOnce(before) {
      last = before;
    },
    release() {
      for (const { name, handler } of handlers) process.off(name, handler);
    },
  };
};
