/** Passes on several threads: the bits of one thread, and an error instead of a hang where a thread is lost. */
import { readdirSync } from "node:fs";
import { setTimeout as sleep } from "node:timers/promises";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { describe, expect, test } from "vitest";
import { InternalError, UsageError } from "../../src/errors.ts";
import { MemoryPlan, type PlannedMemory, threadsFor } from "../../src/kernels/index.ts";
import { sharedModule } from "../../src/kernels/module.ts";
import {
  Arena,
  adam,
  adamw,
  clipGlobalNorm,
  type Optimizer,
  rmsprop,
  schedules,
  sgd,
} from "../../src/optim/index.ts";
import { loadKoffi } from "../../src/platform/node/koffi.ts";
import { startThreads } from "../../src/platform/node/threads.ts";
import { drawBernoulli, fillNormal, fillUniform, stream } from "../../src/random/index.ts";

const hasKoffi = (await loadKoffi()) !== undefined;

/** Two large groups, one just above the number from which threads are used and with a length that is no multiple of a vector, and a small one. */
const SPECS = [
  { name: "first.weight", shape: [300, 401] },
  { name: "second.weight", shape: [65_537] },
  { name: "frozen.weight", shape: [70_001] },
  { name: "bias", shape: [13] },
];

const optimizers: Readonly<Record<string, () => Optimizer>> = {
  adam: () => adam({ learningRate: schedules.cosine({ peak: 0.05, steps: 5 }), weightDecay: 0.01 }),
  adamw: () => adamw({ learningRate: 0.02, weightDecay: 0.1 }),
  "sgd, no momentum": () => sgd({ learningRate: 0.1, weightDecay: 0.01 }),
  "sgd, momentum": () => sgd({ learningRate: 0.1, momentum: 0.9 }),
  "sgd, Nesterov": () => sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  rmsprop: () => rmsprop({ learningRate: 0.01 }),
  "rmsprop, momentum": () => rmsprop({ learningRate: 0.01, momentum: 0.5, weightDecay: 0.01 }),
  "groups, one of them frozen": () =>
    adam({
      learningRate: 0.02,
      groups: [
        { match: /frozen/, frozen: true },
        { match: /second/, learningRate: 0.05, weightDecay: 0.1 },
      ],
    }),
};

/** Four steps with drawn gradients, the second one with a clipped norm. */
async function steps(optimizer: Optimizer, threads: number) {
  const plan = new MemoryPlan();
  const planned = Arena.plan(SPECS, optimizer, plan);
  const memory = plan.allocate(await threadsFor(2 ** 20, threads));
  const arena = planned.bind(memory);
  if (threads > 1) expect(await until(() => isHelped(memory))).toBe(true);
  fillNormal(arena.flat.parameters, stream(0, "parameters"));
  const norms: number[] = [];
  for (let step = 0; step < 4; step++) {
    for (const { name } of SPECS) fillNormal(arena.gradient(name), stream(0, name), { step });
    const { norm, scale } = clipGlobalNorm(arena, { maxNorm: step === 1 ? 2 : 1e9, step });
    norms.push(norm);
    expect(arena.update({ step, gradientScale: scale })).toBe(true);
  }
  return { arena, memory, norms, state: arena.state() };
}

/** Sums until another thread has taken part: on a busy machine it may start late. */
function isHelped(memory: PlannedMemory): boolean {
  memory.kernels.sumOfSquares(65_536, 2 ** 18);
  return memory.helped() > 0;
}

const bits = (data: Float32Array): Buffer => Buffer.from(data.slice().buffer);

describe.skipIf(!hasKoffi)("a pass on several threads", () => {
  test.each(Object.entries(optimizers))("%s: the bits of one thread", async (_, optimizer) => {
    const one = await steps(optimizer(), 1);
    expect(one.memory.helped()).toBe(0);
    for (const threads of [2, 3]) {
      const several = await steps(optimizer(), threads);
      expect(several.memory.helped()).toBeGreaterThan(0);
      expect(several.norms).toEqual(one.norms);
      for (const [i, { name, data }] of several.state.entries())
        expect(bits(data).compare(bits(one.state[i].data)), name).toBe(0);
      several.memory.release();
    }
    // The comparison would be empty if nothing had moved.
    expect(one.state[0].data.some((value, i) => value !== one.arena.gradient("first.weight")[i])).toBe(true);
  });

  test("a gradient that is not finite is noticed wherever it is", async () => {
    const { arena, memory } = await steps(adam({ learningRate: 0.1 }), 2);
    for (const at of [0, 77_777, 120_299]) {
      arena.flat.gradients.fill(0);
      arena.gradient("first.weight")[at] = Number.POSITIVE_INFINITY;
      expect(arena.update({ step: 4 })).toBe(false);
      arena.flat.parameters.fill(0);
      for (const moment of arena.flat.moments.values()) moment.fill(0);
    }
    memory.release();
  });

  test("the other kernels work in a shared memory as in one of their own", async () => {
    const fills: ((out: PlannedMemory, slot: Parameters<PlannedMemory["view"]>[0]) => void)[] = [
      (memory, slot) =>
        fillNormal(memory.view(slot) as Float32Array<ArrayBuffer>, stream(1, "n"), { first: 5 }),
      (memory, slot) => fillUniform(memory.view(slot) as Float32Array<ArrayBuffer>, stream(1, "u")),
      (memory, slot) => {
        const p = memory.view(slot) as Float32Array<ArrayBuffer>;
        fillUniform(p, stream(1, "p"));
        drawBernoulli(p, stream(1, "b"), { step: 3 });
      },
    ];
    const threaded = await threadsFor(2 ** 20, 2);
    for (const fill of fills) {
      const [own, shared] = [undefined, threaded].map((memories) => {
        const plan = new MemoryPlan();
        const slot = plan.reserve("x", 1003, "float32");
        const memory = plan.allocate(memories);
        fill(memory, slot);
        memory.release();
        return bits(memory.view(slot));
      });
      expect(shared).toEqual(own);
    }
  });

  test("after release the same thread goes on alone, with the same numbers", async () => {
    const { arena, memory } = await steps(adam({ learningRate: 0.1 }), 2);
    const { arena: other } = await steps(adam({ learningRate: 0.1 }), 1);
    memory.release();
    memory.release();
    const helped = memory.helped();
    for (const each of [arena, other]) {
      fillNormal(each.gradient("first.weight"), stream(2, "g"));
      each.update({ step: 4 });
    }
    expect(memory.helped()).toBe(helped);
    expect(bits(arena.flat.parameters).compare(bits(other.flat.parameters))).toBe(0);
  });

  test("not used for few parameters, or for one thread", async () => {
    expect(await threadsFor(1000, 4)).toBeUndefined();
    expect(await threadsFor(2 ** 24, 1)).toBeUndefined();
  });
});

test("a small sum is the kernel's own, and a large one is the sum of its blocks", () => {
  const plan = new MemoryPlan();
  const slot = plan.reserve("x", 200_000, "float32");
  const memory = plan.allocate();
  const x = memory.view(slot);
  fillNormal(x, stream(0, "x"));
  const exact = x.reduce((sum, value) => sum + value * value, 0);
  const { sumOfSquares } = memory.kernels;
  expect(sumOfSquares(x.byteOffset, x.length)).toBeCloseTo(exact, 6);
  const parts = [0, 65_536, 131_072, 196_608].map((at) =>
    sumOfSquares(x.byteOffset + 4 * at, Math.min(65_536, x.length - at)),
  );
  expect(sumOfSquares(x.byteOffset, x.length)).toBe(parts.reduce((a, b) => a + b, 0));
});

const taskCount = (): number => readdirSync("/proc/self/task").length;

/** Waits until it is so, 10 seconds at most. */
async function until(holds: () => boolean): Promise<boolean> {
  for (let i = 0; i < 200 && !holds(); i++) await sleep(50);
  return holds();
}

describe("threads", () => {
  const newMemory = () => new WebAssembly.Memory({ initial: 8, maximum: 8, shared: true });
  const squares = {
    name: "sumOfSquares",
    addresses: [65_536],
    count: 1000,
    chunk: 16,
    rest: [],
  };

  test.skipIf(process.platform !== "linux")("end when they are released", async () => {
    const before = taskCount();
    const threads = startThreads(sharedModule(), newMemory(), ["sumOfSquares"], 3);
    expect(taskCount()).toBeGreaterThanOrEqual(before + 3);
    expect(threads.run(squares)).toHaveLength(63);
    threads.release();
    expect(await until(() => taskCount() <= before)).toBe(true);
  });

  test.skipIf(process.platform !== "linux")("end when nothing can give them work any more", async () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    const before = taskCount();
    (() => startThreads(sharedModule(), newMemory(), ["sumOfSquares"], 3).run(squares))();
    expect(taskCount()).toBeGreaterThanOrEqual(before + 3);
    const ended = await until(() => {
      collect();
      return taskCount() <= before;
    });
    expect(ended).toBe(true);
  });

  /** The first instance's function waits until another instance runs it; the other's fails, or does not return before it is told to. */
  async function compiled(other: string): Promise<WebAssembly.Module> {
    const { default: asc } = await import("assemblyscript/asc");
    const source = `
      const me = atomic.add<i32>(65536, 1);
      export function pass(at: usize, count: u32): i32 {
        if (me == 0) { while (atomic.load<i32>(65540) == 0) {} return 1; }
        atomic.store<i32>(65540, 1);
        ${other}
        return 1;
      }`;
    let binary: Uint8Array | undefined;
    const { error, stderr } = await asc.main(
      [
        ...["main.ts", "--outFile", "main.wasm", "--runtime", "stub", "--enable", "threads"],
        ...["--sharedMemory", "--maximumMemory", "65536", "--importMemory", "--use", "abort="],
      ],
      {
        readFile: (name) => (name === "main.ts" ? source : null),
        writeFile: (name, contents) => {
          if (name.endsWith(".wasm")) binary = contents as Uint8Array;
        },
        listFiles: () => [],
      },
    );
    if (error || binary === undefined) throw new Error(String(stderr));
    return new WebAssembly.Module(Uint8Array.from(binary));
  }
  const two = { name: "pass", addresses: [65_536], count: 32, chunk: 16, rest: [] };

  test("a function that fails on a thread is a fault of ours", async () => {
    const threads = startThreads(await compiled("unreachable();"), newMemory(), ["pass"], 1);
    expect(() => threads.run(two)).toThrow(InternalError);
    threads.release();
  });

  test("a thread that never finishes its part is an error, not a hang", async () => {
    const memory = newMemory();
    const stuck = await compiled("while (atomic.load<i32>(65544) == 0) {}");
    const threads = startThreads(stuck, memory, ["pass"], 1, 1);
    expect(() => threads.run(two)).toThrow(UsageError);
    // Nor is it trusted afterwards.
    expect(() => threads.run(two)).toThrow(/another thread.*threads: 1/);
    new Int32Array(memory.buffer)[65_544 / 4] = 1;
    threads.release();
  });
});
