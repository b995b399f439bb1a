/** Ctrl-C, SIGTERM and a terminal that is closed (SIGHUP): the first requests a clean stop, the second ends the process. */

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type StopSignal = keyof typeof CODES;

export interface Interrupts {
  /** Aborted by the first signal. */
  readonly signal: AbortSignal;
  /** 128 plus the number of the signal, once one has arrived. */
  readonly exitCode: number | undefined;
  /** From now on the first signal ends the process too, after `before` has run. */
  endAtOnce(before: () => void): void;
  /** Restores the previous handlers. */
  release(): void;
}

/** Takes over the signals. `onFirst` runs at the first one, `onEnd` right before a second one ends the process. */
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
