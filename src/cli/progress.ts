/** The display of training: a bar on a terminal, and a line for each epoch in any case. */
import type cliProgress from "cli-progress";
import type { EpochLine } from "../runs/index.ts";
import type { Means, Progress } from "../train/index.ts";
import { clock, grouped, type OutputStream, percent, type Terminal } from "./terminal.ts";

export interface DisplayOptions {
  readonly epochs: number;
  readonly rowsPerStep: number;
  /** Number of latent dimensions, for a model whose active units are counted. */
  readonly latent: number;
  /** The word for rows: images or rows. */
  readonly noun: string;
  readonly quiet: boolean;
  readonly json: boolean;
}

export interface Display {
  /** Loads the bar, if there will be one. Call it when nothing is waiting. */
  prepare(): Promise<void>;
  onStep(progress: Progress): void;
  onEpoch(line: EpochLine): void;
  /** Removes the bar, so that other text can follow. */
  stop(): void;
}

/** Time between two updates of the bar, in ms. */
const INTERVAL = 100;

export function trainDisplay(terminal: Terminal, options: DisplayOptions): Display {
  const stream = options.json ? terminal.err : terminal.out;
  const lines = !options.quiet && (!options.json || stream.isTTY === true);
  const meter = createMeter(options);
  let bar: Bar | undefined;
  let headed = false;
  return {
    async prepare() {
      if (options.quiet || stream.isTTY !== true) return;
      bar = createBar(await import("cli-progress"), stream);
    },
    onStep(progress) {
      meter.step(progress);
      bar?.draw(() => meter.view(progress));
    },
    onEpoch(line) {
      meter.epoch(line);
      bar?.stop();
      if (!lines) return;
      const cells = epochCells(line, options, meter.rate());
      if (!headed) stream.write(`${cells.map(([head, text]) => head.padStart(text.length)).join("  ")}\n`);
      headed = true;
      stream.write(`${cells.map(([head, text]) => text.padStart(head.length)).join("  ")}\n`);
    },
    stop() {
      bar?.stop();
    },
  };
}

type Cell = readonly [head: string, text: string];

const nats = (value: number | undefined, width = 9) =>
  (value === undefined ? "–" : value.toFixed(2)).padStart(width);

/** An epoch's figures for a VAE or an autoencoder. */
const boundCells = ({ train, test, activeUnits }: EpochLine, latent: number): readonly Cell[] => [
  ...(train.elbo === undefined
    ? ([
        ["train reconstruction", nats(train.reconstruction)],
        ["test reconstruction", nats(test.reconstruction)],
      ] as const)
    : ([
        ["train ELBO", nats(train.elbo)],
        ["test ELBO", nats(test.elbo)],
        ["reconstruction", nats(test.reconstruction)],
        ["KL", nats(test.kl, 7)],
      ] as const)),
  ["active", `${activeUnits}/${latent}`.padStart(2 * String(latent).length + 1)],
];

/** An epoch's figures for a model that learns from labels. */
const labelCells = ({ train, test, validation }: EpochLine): readonly Cell[] => [
  ...(train.unlabelledElbo === undefined ? [] : [["ELBO", nats(train.unlabelledElbo)] as const]),
  ["labelled ELBO", nats(train.labelledElbo)],
  ["log q(y|x)", nats(train.classification, 7)],
  ...(validation === undefined ? [] : [["validation error", percent(validation.error).padStart(7)] as const]),
  ["test error", percent(test.error).padStart(7)],
];

/** Headings and values of an epoch's line, padded so that later epochs have the same widths. */
function epochCells(
  line: EpochLine,
  { epochs, latent, noun }: DisplayOptions,
  rate: number,
): readonly Cell[] {
  const { epoch, train, seconds } = line;
  return [
    ["epoch", `${epoch}/${epochs}`.padStart(2 * String(epochs).length + 1)],
    ...(train.labelledElbo === undefined ? boundCells(line, latent) : labelCells(line)),
    [`${noun}/s`, (Number.isFinite(rate) ? grouped(rate) : "–").padStart(7)],
    ["time", clock(seconds).padStart(7)],
  ];
}

interface View {
  /** The share of all epochs that is done. */
  readonly fraction: number;
  readonly epoch: string;
  readonly terms: readonly string[];
  /** Figures of the last epoch. */
  readonly measured: string;
  readonly speed: string;
  readonly noun: string;
  readonly left: string;
}

/** Measures speed and time left, and describes progress. */
function createMeter({ epochs, rowsPerStep, latent, noun }: DisplayOptions) {
  let since = { epoch: -1, step: 0, at: 0 };
  let last = 0;
  let evaluation = 0;
  let speed = Number.NaN;
  let measured = "";
  return {
    step({ step, stepOfEpoch, stepsPerEpoch }: Progress): void {
      last = performance.now();
      const epoch = Math.floor((step - 1) / stepsPerEpoch);
      // Measured from the end of the epoch's first step in this process, so that compilation and evaluation do not count.
      if (epoch !== since.epoch) since = { epoch, step: stepOfEpoch, at: last };
      else speed = ((stepOfEpoch - since.step) / (last - since.at)) * 1000;
    },
    epoch(line: EpochLine): void {
      evaluation = performance.now() - last;
      measured = measuredOf(line, latent);
    },
    /** Rows per second in the current epoch. */
    rate: (): number => speed * rowsPerStep,
    view({ step, stepsPerEpoch, means }: Progress): View {
      const total = epochs * stepsPerEpoch;
      const epoch = Math.ceil(step / stepsPerEpoch);
      const remaining = (total - step) / speed + ((epochs - epoch + 1) * evaluation) / 1000;
      return {
        fraction: step / total,
        epoch: `${epoch}/${epochs}`,
        terms: terms(means),
        measured,
        speed: Number.isFinite(speed) ? grouped(speed * rowsPerStep) : "–",
        noun,
        left: `${Number.isFinite(remaining) ? clock(Math.ceil(remaining)).replace(/\.0 s$/, " s") : "–"} left`,
      };
    },
  };
}

/** The last epoch's figures, for the bar. */
function measuredOf({ activeUnits, validation, test }: EpochLine, latent: number): string {
  if (activeUnits !== undefined) return `active ${activeUnits}/${latent}`;
  const { error } = validation ?? test;
  return error === undefined ? "" : `error ${percent(error)}`;
}

const terms = ({ elbo, reconstruction, kl, unlabelledElbo }: Means): string[] => {
  const bound =
    elbo ??
    unlabelledElbo ??
    (reconstruction !== undefined && kl !== undefined ? reconstruction - kl : undefined);
  return [
    ...(bound === undefined ? [] : [`ELBO ${bound.toFixed(1)}`]),
    ...(reconstruction === undefined ? [] : [`rec ${reconstruction.toFixed(1)}`]),
    ...(kl === undefined ? [] : [`KL ${kl.toFixed(1)}`]),
  ];
};

/** The line with the bar. The bar fills the space that the text leaves; if that is too little, the text is shortened. */
const barLine = ({ fraction, epoch, terms, measured, speed, noun, left }: View, columns: number): string => {
  const done = `${Math.floor(100 * fraction)}%`.padStart(4);
  const long = [
    [done, ...terms, measured, `${speed} ${noun}/s`, left].filter(Boolean).join("  "),
    `epoch ${epoch}`,
  ];
  const short = [[done, ...terms, measured, `${speed}/s`, left].filter(Boolean).join(" "), epoch];
  const roomOf = ([right, start]: readonly string[]) =>
    Math.min(40, columns - start.length - right.length - 3);
  const [right, start] = roomOf(long) >= 10 ? long : short;
  const room = Math.max(0, roomOf([right, start]));
  const filled = Math.round(fraction * room);
  return `${start} ${"█".repeat(filled)}${"░".repeat(room - filled)}${right}`;
};

interface Bar {
  draw(view: () => View): void;
  stop(): void;
}

function createBar({ default: { SingleBar } }: { default: typeof cliProgress }, stream: OutputStream): Bar {
  let current: View | undefined;
  let drawn = Number.NEGATIVE_INFINITY;
  let running = false;
  const bar = new SingleBar({
    stream: stream as NodeJS.WriteStream,
    clearOnComplete: true,
    hideCursor: true,
    fps: 1000 / INTERVAL,
    format: () => (current === undefined ? "" : barLine(current, stream.columns ?? 80)),
  });
  return {
    draw(view) {
      const now = performance.now();
      if (now - drawn < INTERVAL) return;
      drawn = now;
      current = view();
      if (running) bar.update(current.fraction);
      else bar.start(1, current.fraction);
      running = true;
    },
    stop() {
      if (running) bar.stop();
      running = false;
      drawn = Number.NEGATIVE_INFINITY;
    },
  };
}
