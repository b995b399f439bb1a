/** Threads that run WebAssembly functions in one memory together with the thread that started them. */
import { Worker } from "node:worker_threads";
import { InternalError, UsageError } from "../../errors.ts";
import { loadKoffi } from "./koffi.ts";

/** The part of koffi that is used. It is an optional dependency, so its types may not be there. */
interface Koffi {
  address(array: Uint8Array): bigint;
  view(address: bigint, bytes: number): ArrayBuffer;
}

/** A memory that threads share. */
export interface SharedMemory {
  readonly memory: WebAssembly.Memory;
  /**
   * The same bytes as an array buffer that is not shared, because the runtime refuses arrays over a shared one. It does not keep the memory alive:
   * whoever has it must also keep `memory`.
   */
  readonly buffer: ArrayBuffer;
}

/** A pass over arrays of 4-byte elements, cut into chunks that threads take in turn. */
export interface Pass {
  /** The name of the function: its arguments are the addresses of the arrays, a number of elements, and `rest`. */
  readonly name: string;
  readonly addresses: readonly number[];
  readonly count: number;
  /** Elements of each chunk. */
  readonly chunk: number;
  readonly rest: readonly number[];
}

/** Threads that wait for work. */
export interface Threads {
  /**
   * Runs a pass on all threads, this one too, and waits for the end. Returns what the function returned for each chunk, in their order: a view that
   * the next pass overwrites.
   * @throws UsageError when a thread ended in the middle of a chunk, or does not go on.
   */
  run(pass: Pass): Float64Array;
  /** How many chunks threads other than this one have done so far. */
  readonly helped: number;
  /** Ends the threads. Afterwards passes run on this thread alone. */
  release(): void;
}

/** The most chunks of a pass. */
export const MOST_CHUNKS = 512;

/**
 * How to allocate memories that threads share; undefined where there is no koffi, which finds the address of one.
 * The function returns undefined when the machine does not provide the memory.
 */
export const sharedMemories = async (): Promise<
  ((pages: number) => SharedMemory | undefined) | undefined
> => {
  const koffi = (await loadKoffi()) as Koffi | undefined;
  if (koffi === undefined) return undefined;
  return (pages) => {
    try {
      const memory = new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
      const bytes = new Uint8Array(memory.buffer);
      const buffer = koffi.view(koffi.address(bytes), bytes.length);
      return buffer.byteLength === bytes.length && seesSame(bytes, new Uint8Array(buffer))
        ? { memory, buffer }
        : undefined;
    } catch {
      return undefined;
    }
  };
};

function seesSame(bytes: Uint8Array, others: Uint8Array): boolean {
  const last = bytes.length - 1;
  bytes[last] = 1;
  const same = others[last] === 1;
  bytes[last] = 0;
  return same && others[last] === 0;
}

// What threads share: integers (chunks that nobody has taken yet, or -1 for the end; chunks that are not finished; whether one failed; chunks that
// other threads did), and numbers: the job, and from RESULTS on what each chunk returned.
const [LEFT, OPEN, FAILED, HELPED] = [0, 1, 2, 3];
const RESULTS = 32;

type Function = (...args: readonly number[]) => number;
interface Job {
  readonly functions: readonly Function[];
  readonly state: Int32Array;
  readonly numbers: Float64Array;
}

/**
 * Takes chunks until none is left, and returns how many it took. The threads get this function as its source, so it names nothing outside itself; the numbers in it are those
 * above.
 */
function work({ functions, state, numbers }: Job): number {
  let taken = 0;
  for (;;) {
    const left = Atomics.load(state, 0);
    if (left <= 0) return taken;
    if (Atomics.compareExchange(state, 0, left, left - 1) !== left) continue;
    // Whoever took a chunk knows that the job stays as it is until the chunk is finished.
    const [name, addresses, rest, count, chunk] = numbers;
    const start = (left - 1) * chunk;
    const args = [...numbers.subarray(5, 5 + addresses + 1 + rest)];
    for (let i = 0; i < addresses; i++) args[i] += 4 * start;
    args[addresses] = Math.min(chunk, count - start);
    try {
      numbers[32 + left - 1] = functions[name](...args);
    } catch {
      Atomics.store(state, 2, 1);
    }
    taken++;
    if (Atomics.sub(state, 1, 1) === 1) Atomics.notify(state, 1);
  }
}

/** What a thread does: works, looks for more for some microseconds, and sleeps. As its source, like {@link work}. */
function wait(job: Job, doWork: (job: Job) => number): void {
  const { state } = job;
  for (;;) {
    Atomics.add(state, 3, doWork(job));
    let spins = 0;
    while (Atomics.load(state, 0) === 0 && spins < 1000) spins++;
    Atomics.wait(state, 0, 0);
    if (Atomics.load(state, 0) < 0) return;
  }
}

const SOURCE = `
  const { module, memory, names, state, numbers } = require("node:worker_threads").workerData;
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  (${wait})({ functions: names.map((name) => exports[name]), state, numbers }, ${work});
`;

/** How long the end of a chunk is waited for: a chunk takes less than a millisecond, on a busy machine some of them. */
const MOST_SECONDS = 20;
const SPINS = 5000;

// A thread keeps itself alive, so it is ended when nobody can give it work any more.
const abandoned = new FinalizationRegistry<Int32Array>((state) => end(state));

function startThread(workerData: object): void {
  try {
    const worker = new Worker(SOURCE, { eval: true, execArgv: [], workerData });
    worker.on("error", () => undefined);
    worker.unref();
  } catch {
    // A process may be forbidden to start threads; the others do the work.
  }
}

const newState = (): Int32Array => new Int32Array(new SharedArrayBuffer(16));

function end(state: Int32Array): void {
  Atomics.store(state, LEFT, -1);
  Atomics.notify(state, LEFT);
}

/**
 * Starts threads. They keep no process alive. One that cannot start or ends while it waits is not missed: the others take its chunks.
 *
 * @param module imports its memory as `env.memory`
 * @param names the exported functions that passes run
 * @param count how many threads there are besides this one
 * @param patience how many seconds a pass waits for a chunk that another thread has taken
 */
export const startThreads = (
  module: WebAssembly.Module,
  memory: WebAssembly.Memory,
  names: readonly string[],
  count: number,
  patience = MOST_SECONDS,
): Threads => {
  const { exports } = new WebAssembly.Instance(module, { env: { memory } });
  const functions = names.map((name) => exports[name] as Function);
  const numbers = new Float64Array(new SharedArrayBuffer(8 * (RESULTS + MOST_CHUNKS)));
  const state = newState();
  let job: Job = { functions, state, numbers };
  let isLost = false;
  for (let i = 0; i < count; i++) startThread({ module, memory, names, state, numbers });
  const threads: Threads = {
    run({ name, addresses, count: elements, chunk, rest }) {
      // It may still write where it was told to.
      if (isLost) throw lost(patience);
      const chunks = Math.ceil(elements / chunk);
      const args = [...addresses, 0, ...rest];
      if (chunks > MOST_CHUNKS || 5 + args.length > RESULTS)
        throw new InternalError(`a pass of ${chunks} chunks with ${args.length} arguments is too large`);
      numbers.set([names.indexOf(name), addresses.length, rest.length, elements, chunk, ...args]);
      Atomics.store(job.state, FAILED, 0);
      Atomics.store(job.state, OPEN, chunks);
      Atomics.store(job.state, LEFT, chunks);
      Atomics.notify(job.state, LEFT);
      work(job);
      isLost = !finish(job.state, patience);
      if (isLost) throw lost(patience);
      if (Atomics.load(job.state, FAILED) !== 0) throw new InternalError(`${name} failed on a thread`);
      return numbers.subarray(RESULTS, RESULTS + chunks);
    },
    get helped() {
      return Atomics.load(state, HELPED);
    },
    release() {
      end(state);
      // A thread that has not noticed yet must not take part in later passes.
      job = { functions, state: newState(), numbers };
    },
  };
  abandoned.register(threads, state);
  return threads;
};

/** Waits until all chunks that others have taken are finished. Returns whether they are. */
function finish(state: Int32Array, patience: number): boolean {
  for (let i = 0; i < SPINS; i++) if (Atomics.load(state, OPEN) === 0) return true;
  for (let seconds = 0; seconds < patience; ) {
    const open = Atomics.load(state, OPEN);
    if (open === 0) return true;
    if (Atomics.wait(state, OPEN, open, 1000) === "timed-out") seconds++;
  }
  return false;
}

const lost = (patience: number): UsageError =>
  new UsageError(
    `threads: expected a part of the parameters' update from another thread, and found none after ${patience} seconds: the thread has ended, ` +
      "perhaps for want of memory. The parameters cannot be used; go back to a checkpoint, and train with fewer threads (threads: 1).",
  );
