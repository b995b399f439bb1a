/** Progress bars while chains run, one for each chain. */
import { loadBars } from "#platform/terminal";
import type { ChainProgress } from "./run-chain.ts";

/** Where the bars are drawn: `process.stderr`, or another stream that may be a terminal. */
export interface BarStream {
  /** Writes text. */
  write(text: string): unknown;
  /** Bars are only drawn on a terminal. */
  readonly isTTY?: boolean;
  readonly columns?: number;
}

/** Redraws a second; chains report no more often. */
const FPS = 10;

const FORMAT = "chain {name}  {bar} {phase}  {value}/{total}  {divergences}  {left}";

const counted = (n: number): string => `${n} ${n === 1 ? "divergence" : "divergences"}`;

const clock = (seconds: number): string =>
  seconds < 60
    ? `${Math.ceil(seconds)} s`
    : `${Math.floor(seconds / 60)}:${String(Math.floor(seconds) % 60).padStart(2, "0")}`;

/**
 * Runs a sampler with a bar for each chain on a terminal: its phase, transitions, divergences after warm-up and the time that is left.
 * The bars stay when the chains are done. If the stream is not a terminal (a file, a pipe), nothing is written, and the run is the same.
 *
 * @param run receives the function to pass to the sampler as `onProgress`.
 * @returns what `run` returns. If `run` throws, the bars are removed and the error is rethrown.
 *
 * @example
 * const posterior = await withChainBars(process.stderr, (onProgress) =>
 *   nuts(coin).run([flips], { chains: 4, draws: 1000, onProgress }),
 * );
 */
export async function withChainBars<T>(
  stream: BarStream,
  run: (onProgress: (progress: ChainProgress) => void) => Promise<T>,
): Promise<T> {
  if (stream.isTTY !== true) return run(() => undefined);
  const { MultiBar } = await loadBars();
  const bars = new MultiBar({
    stream: stream as NodeJS.WriteStream,
    format: FORMAT,
    barsize: 24,
    barCompleteChar: "█",
    barIncompleteChar: "░",
    fps: FPS,
    hideCursor: true,
    // Long lines are truncated, so that a narrow terminal does not wrap them.
    linewrap: false,
  });
  const started = new Map<number, { readonly bar: ReturnType<typeof bars.create>; readonly at: number }>();
  const onProgress = ({ chain, iteration, total, phase, divergences }: ChainProgress): void => {
    const { bar, at } = started.get(chain) ?? {
      bar: bars.create(total, 0, { name: chain + 1, phase: "", divergences: "", left: "" }),
      at: performance.now(),
    };
    started.set(chain, { bar, at });
    const seconds = (performance.now() - at) / 1000;
    const left = (seconds / iteration) * (total - iteration);
    bar.update(iteration, {
      phase: phase.padEnd("sampling".length),
      divergences: counted(divergences),
      // The first report starts the clock, so there is no estimate yet.
      left: iteration === total ? "done" : seconds > 0.5 ? `${clock(left)} left` : "",
    });
  };
  try {
    return await run(onProgress);
  } finally {
    // Without this its timer would keep the process alive, and the cursor hidden.
    bars.stop();
  }
}
