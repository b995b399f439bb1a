/**
 * Ctrl-C, SIGTERM and a terminal that is closed (SIGHUP). In verbs that train, the first signal requests a clean stop and the second ends
 * the process. In all other verbs the first ends it, between two files and never while one is written.
 */

const CODES = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type StopSignal = keyof typeof CODES;
const SIGNALS = Object.keys(CODES) as StopSignal[];

/**
 * Makes a signal end the process with exit code 128 plus its number. Without a handler the process could end during a write, which leaves a
 * temporary file, and its parent would see a signal instead of an exit code.
 */
export const endOnSignals = (): void => {
  for (const name of SIGNALS) process.on(name, () => process.exit(CODES[name]));
};

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
  const handlers = SIGNALS.map((name) => {
    const handler = () => receive(name);
    const before = process.listeners(name);
    process.removeAllListeners(name);
    process.on(name, handler);
    return { name, handler, before };
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
      for (const { name, handler, before } of handlers) {
        process.off(name, handler);
        for (const each of before) process.on(name, each);
      }
    },
  };
};
