/** What the tests of a graphics processor run in a page, from the sources: ops, each kind of model, a guide, and what goes wrong. */
import { ArrayValue, compile } from "../../src/compile/index.ts";
import { createDataset, type Dataset } from "../../src/data/index.ts";
import { Normal } from "../../src/distributions/index.ts";
import type { Checkpoint } from "../../src/files/index.ts";
import { autoNormal, svi } from "../../src/inference/index.ts";
import { declarationOf, kindOf, type TrainedModel, type Training } from "../../src/kinds/index.ts";
import { VAE } from "../../src/models/index.ts";
import { initializers } from "../../src/nn/index.ts";
import { adam, compileStep, type NamedTensor } from "../../src/optim/index.ts";
import { model } from "../../src/program/index.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import { compileTraining, describeData, newRun, train } from "../../src/runs/index.ts";
import {
  cast,
  exp,
  matmul,
  mean,
  parameter,
  scan,
  square,
  type Tensor,
  tanh,
  tensor,
  zeros,
} from "../../src/tensor/index.ts";
import { differencesOfHardCases } from "../compile/device-cases.ts";
import { computed, difference, keptDevice } from "../compile/on-both.ts";
import { failed, failingNames, modeOf, withMode } from "../inference/device-programs.ts";
import { drawnCases } from "../tensor/cases.ts";

const messageOf = (error: unknown): string =>
  error instanceof Error ? `${error.name}: ${error.message}` : String(error);

/** Every case of the registry of ops on the device: those that are computed, those that are refused, and what is wrong. */
export async function registry(float: "float32" | "float64") {
  const wrong: string[] = [];
  const refused: string[] = [];
  let right = 0;
  const release = await keptDevice();
  for (const { op, name, output, inputs, values } of drawnCases(float)) {
    if (typeof op.native === "object" && "unsupported" in op.native) continue;
    const [host, found] = await Promise.all([
      computed("host", output, inputs, values),
      computed("webgpu", output, inputs, values).catch(messageOf),
    ]);
    if (typeof found === "string") {
      (found.startsWith("UsageError") ? refused : wrong).push(`${name}: ${found}`);
      continue;
    }
    const differs = difference(host, found, output);
    if (differs === undefined) right++;
    else wrong.push(`${name}, ${differs}`);
  }
  await release();
  return { right, refused, wrong };
}

/** What a device gets wrong if it computes it by itself. */
export const hard = () => differencesOfHardCases();

const ROWS = 48;

/** Grey 4 × 3 images of a bright row, and which row it is; 8 labels are shown. */
function bars(): Dataset {
  const u = new Float32Array(ROWS * 12);
  fillUniform(u, stream(0, "bars"));
  const x = Uint8Array.from(u, (v, n) => {
    const on = Math.floor((n % 12) / 3) === Math.floor(n / 12) % 4;
    return on ? 255 - 60 * v : 60 * v;
  });
  const labels = Int32Array.from({ length: ROWS }, (_, row) => row % 4);
  return { ...createDataset({ name: "bars", shape: [4, 3], x }), labels, classes: ["a", "b", "c", "d"] };
}

const shared = { batch: 12, epochs: 5, lr: 0.01, threads: 1, seed: 3 };
const widths = { latent: 2, hidden: [8] };
type Given = Readonly<Record<string, Readonly<Record<string, unknown>>>>;

/** Settings of each kind that change what a step computes. Every kind of the registry is here. */
export const settingsOfKinds: Readonly<Record<string, readonly Given[]>> = {
  vae: [
    { model: { ...widths, batchNorm: true }, train: { clip: 0.5 } },
    { model: widths, train: { bound: "iwae", samples: 3 } },
    { model: { ...widths, network: "convolutional", channels: [3] } },
  ],
  autoencoder: [{ model: widths, train: { optimizer: "rmsprop" } }],
  cvae: [{ model: widths, train: { schedule: "cosine" }, labels: { count: 48 } }],
  m1: [{ model: widths }],
  m2: [{ model: widths, train: { labelledBatch: 4, optimizer: "sgd" }, labels: { count: 8 } }],
  m1m2: [{ model: widths, train: { labelledBatch: 4 }, labels: { count: 8 } }],
};

async function trainingOf(
  name: string,
  given: Given,
  device: "cpu" | "webgpu",
): Promise<Training<TrainedModel>> {
  const rows = bars();
  const about = { version: "0.0.0", command: "test", createdAt: "2026-01-01T00:00:00Z" };
  const settings = newRun(
    name,
    { ...given, train: { ...shared, ...given.train, device } },
    rows,
    describeData({ spec: "bars" }, { train: rows }),
    about,
  );
  const kind = await kindOf(name);
  const base =
    declarationOf(name).base === undefined
      ? undefined
      : await train(VAE({ shape: [4, 3], ...widths }), rows, { ...shared, epochs: 1 });
  const built = await kind.build(settings, { train: rows }, base);
  return kind.training(built, rows, settings.train) as Promise<Training<TrainedModel>>;
}

/** The largest difference of values under the same names, relative to the largest of each. */
export function largestDifference(a: readonly NamedTensor[], b: readonly NamedTensor[]): number {
  const others = new Map(b.map(({ name, data }) => [name, data]));
  if (others.size !== a.length) throw new Error(`${a.length} tensors beside ${others.size}`);
  let worst = 0;
  for (const { name, data } of a) {
    const scale = data.reduce((most, v) => Math.max(most, Math.abs(v)), 1e-3);
    data.forEach((v, i) => {
      const difference = Math.abs(v - (others.get(name)?.[i] ?? Number.NaN)) / scale;
      worst = difference <= worst ? worst : difference;
    });
  }
  return worst;
}

/** Steps of a kind, from a checkpoint or from the start: their losses, and a checkpoint after them. */
export async function stepsOf(
  name: string,
  given: Given,
  device: "cpu" | "webgpu",
  count: number,
  from?: Checkpoint,
) {
  const { trainer } = await trainingOf(name, given, device);
  if (from !== undefined) trainer.restore(from);
  const losses: number[] = [];
  for (let step = 0; step < count; step++) losses.push((await trainer.next()).loss);
  await trainer.pull();
  const checkpoint = trainer.checkpoint();
  return { losses, checkpoint, state: [...checkpoint.tensors, ...checkpoint.buffers] };
}

/** Twenty steps of a kind on both: how far parameters, moments and buffers are apart, and the losses on the device. */
export async function kind(name: string, index: number) {
  const given = settingsOfKinds[name][index];
  const here = await stepsOf(name, given, "cpu", 20);
  const there = await stepsOf(name, given, "webgpu", 20);
  return { difference: largestDifference(here.state, there.state), losses: [here.losses, there.losses] };
}

/** Ten steps on one and ten on the other, beside twenty on the processor: how far what they end with is apart. */
export async function crossing(name: string, index: number) {
  const given = settingsOfKinds[name][index];
  const straight = await stepsOf(name, given, "cpu", 20);
  const ends: Record<string, number> = {};
  for (const [first, second] of [
    ["cpu", "webgpu"],
    ["webgpu", "cpu"],
  ] as const) {
    const { checkpoint } = await stepsOf(name, given, first, 10);
    const { state } = await stepsOf(name, given, second, 10, checkpoint);
    ends[`from ${first} to ${second}`] = largestDifference(straight.state, state);
  }
  return ends;
}

/** Settings of a training that goes from a page to Node. */
const travelling = { ...shared, batch: 12, epochs: 10 };

/** Steps of a VAE from a checkpoint, or from the start. @returns their losses, and a checkpoint */
export async function steps(count: number, device: "cpu" | "webgpu", from?: Checkpoint) {
  const { trainer } = await compileTraining(VAE({ shape: [4, 3], ...widths }), bars(), {
    ...travelling,
    device,
  });
  if (from !== undefined) trainer.restore(from);
  const losses: number[] = [];
  for (let step = 0; step < count; step++) losses.push((await trainer.next()).loss);
  await trainer.pull();
  return { losses, checkpoint: trainer.checkpoint() };
}

/** A mean, and its guide. */
function drifting() {
  const program = model(({ sample, observe, plate }) => {
    const centre = sample("centre", Normal(0, 3));
    plate("row", 4, () => observe("y", Normal(centre, 1), tensor([1, 2, 3, 4])));
  });
  return { program, guide: autoNormal(program) };
}

/** Twenty steps of a guide on both, and draws of it. */
export async function guide() {
  const { program, guide } = drifting();
  const ended = async (options: object) => {
    const { elbo, values } = await svi(program, guide).run([], {
      steps: 20,
      seed: 1,
      ...options,
    });
    return { elbo: [...elbo], values: [...values].map(([name, data]) => [name, [...data]] as const) };
  };
  return { here: await ended({ executor: "native" }), there: await ended({ device: "webgpu" }) };
}

/** The modes of programs on both. */
export const modes = async () =>
  Promise.all(
    Object.keys(withMode).map(async (name) => ({
      name,
      here: await modeOf(name, "cpu"),
      there: await modeOf(name, "webgpu"),
    })),
  );

/** Guides whose steps fail, on both. */
export const failures = async () =>
  Promise.all(
    failingNames.map(async (name) => ({
      name,
      here: await failed(name, "cpu"),
      there: await failed(name, "webgpu"),
    })),
  );

/** Many calls of two functions that are not waited for, and a step of a model among them. */
export async function atOnce() {
  const product = compile((x: Tensor, y: Tensor) => matmul(x, y), { device: "webgpu" });
  const sum = compile((x: Tensor, y: Tensor) => x.add(y), { device: "webgpu" });
  const numbers = Array.from({ length: 8 }, (_, i) => i);
  const [products, sums, { losses }] = await Promise.all([
    Promise.all(numbers.map((i) => product([[i, 2]], [[1], [3]]))),
    Promise.all(numbers.map((i) => sum([i], [2]))),
    steps(3, "webgpu"),
  ]);
  return {
    products: products.map((v) => Number(v.data[0])),
    sums: sums.map((v) => Number(v.data[0])),
    losses,
    expected: (await steps(3, "cpu")).losses,
  };
}

/** What a call says. */
const said = (call: () => Promise<unknown>): Promise<string> => call().then(() => "nothing", messageOf);

/** A loop in float32, and errors of graphs that need float64. */
export async function loops() {
  const run = (device: "cpu" | "webgpu") =>
    compile(
      (x: Tensor) =>
        scan(zeros([3]), x, (h, part) => ({ carry: tanh(h.mul(0.5).add(part)), output: h })).carry,
      { device },
    )([
      [1, 2, 3],
      [0.5, 1, 0.2],
      [0.1, -1, 2],
    ]);
  const x = [
    [2, 0.5],
    [0.5, 1],
  ];
  return {
    here: [...(await run("cpu")).data].map(Number),
    there: [...(await run("webgpu")).data].map(Number),
    wideCast: await said(() => compile((x: Tensor) => cast(x, "float64").mul(2), { device: "webgpu" })(x)),
    wideInput: await said(() =>
      compile((x: Tensor) => exp(x), { device: "webgpu" })(
        new ArrayValue([2], "float64", Float64Array.of(1, 2)),
      ),
    ),
  };
}

/** A checkpoint as text, to be sent from a page to Node and back. */
export const written = (checkpoint: Checkpoint): string =>
  JSON.stringify(checkpoint, (_, value) => (value instanceof Float32Array ? { floats: [...value] } : value));

export const read = (text: string): Checkpoint =>
  JSON.parse(text, (_, value) => (value?.floats ? Float32Array.from(value.floats) : value));

/** The devices that this page has asked for. */
const devices: GPUDevice[] = [];
if (typeof GPUAdapter === "function") {
  const request = GPUAdapter.prototype.requestDevice;
  GPUAdapter.prototype.requestDevice = async function (...given) {
    const device = await request.apply(this, given);
    devices.push(device);
    return device;
  };
}

/** A step on the device of a model so small that little is compiled for it. */
async function smallStep() {
  const w = parameter([5], initializers.zeros);
  const loss = mean(square(w.sub(1)));
  return compileStep({ loss, metrics: {} }, [{ name: "w", tensor: w }], adam({ learningRate: 0.1 }), {
    seed: 0,
    device: "webgpu",
  });
}

/** What a training says when its device reports an error, as it does when its memory is full. Nothing can be computed there afterwards. */
export async function complaint() {
  const step = await smallStep();
  await step.run(0);
  const error = new GPUOutOfMemoryError("no more memory");
  for (const device of devices)
    device.dispatchEvent(new GPUUncapturedErrorEvent("uncapturederror", { error }));
  return { next: await said(() => step.run(1)), pull: await said(() => step.pull()) };
}

function loseDevices(): void {
  for (const device of devices) device.destroy();
}

/**
 * What trainings say when their device is lost while they take steps: a model's, whose checkpoint after an epoch was taken before, and a guide's. Nothing can be computed
 * there afterwards.
 */
export async function lost() {
  const small = await smallStep();
  await small.run(0);
  const { trainer } = await compileTraining(VAE({ shape: [4, 3], ...widths }), bars(), {
    ...travelling,
    epochs: 1000,
    device: "webgpu",
  });
  let checkpoint: Checkpoint | undefined;
  const model = said(() =>
    trainer.run({
      onEpoch({ epoch }) {
        if (epoch === 2) checkpoint = trainer.checkpoint();
        // In the middle of the steps that follow.
        if (epoch === 3) setTimeout(loseDevices, 5);
      },
    }),
  );
  const guide = said(async () => {
    const { program, guide } = drifting();
    await svi(program, guide).run([], { steps: 100_000, device: "webgpu" });
  });
  const messages = { model: await model, guide: await guide };
  return {
    ...messages,
    next: await said(() => small.run(1)),
    pull: await said(() => small.pull()),
    // What has not been read is refused, so that nothing old is taken for it.
    late: await said(async () => trainer.checkpoint()),
    written: checkpoint === undefined ? "" : written(checkpoint),
  };
}

/** The error of a page that has no graphics processor. */
export const refused = () => said(() => steps(1, "webgpu"));

/** Buffers on the device that were made and not destroyed, their bytes, the page's heap and WebAssembly's memories, in MiB. */
function watchMemory() {
  const sizes = new Map<WeakRef<GPUBuffer>, number>();
  const known = new WeakMap<GPUBuffer, WeakRef<GPUBuffer>>();
  const { createBuffer } = GPUDevice.prototype;
  GPUDevice.prototype.createBuffer = function (descriptor) {
    const buffer = createBuffer.call(this, descriptor);
    const ref = new WeakRef(buffer);
    known.set(buffer, ref);
    sizes.set(ref, descriptor.size);
    return buffer;
  };
  const { destroy } = GPUBuffer.prototype;
  GPUBuffer.prototype.destroy = function () {
    const ref = known.get(this);
    if (ref !== undefined) sizes.delete(ref);
    destroy.call(this);
  };
  const memories: WeakRef<WebAssembly.Memory>[] = [];
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct(target, given: [WebAssembly.MemoryDescriptor]) {
      const made = new target(...given);
      memories.push(new WeakRef(made));
      return made;
    },
  });
  const { gc, performance } = globalThis as unknown as {
    readonly gc: (options: { execution: "async" }) => Promise<void>;
    readonly performance: { readonly memory: { readonly usedJSHeapSize: number } };
  };
  return async () => {
    // What is freed may hold more, and the runtime frees a session when it has its turn.
    for (let i = 0; i < 3; i++) {
      await gc({ execution: "async" });
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    for (const ref of sizes.keys()) if (ref.deref() === undefined) sizes.delete(ref);
    return {
      buffers: sizes.size,
      bytes: [...sizes.values()].reduce((sum, size) => sum + size, 0),
      heap: performance.memory.usedJSHeapSize / 2 ** 20,
      wasm: memories.reduce((sum, memory) => sum + (memory.deref()?.buffer.byteLength ?? 0), 0) / 2 ** 20,
    };
  };
}

/** Memory while one small model takes steps: after each of ten parts of them. */
export async function memoryOfSteps(count: number) {
  const memory = watchMemory();
  const step = await smallStep();
  const taken: Awaited<ReturnType<typeof memory>>[] = [];
  for (let i = 1; i <= count; i++) {
    await step.run(i);
    if (i % (count / 10) === 0) taken.push(await memory());
  }
  return taken;
}

/** Memory after a first model is dropped, and after several more, once what they left has been collected. */
export async function memoryOfModels(count: number) {
  const memory = watchMemory();
  const dropped = async () => {
    const step = await smallStep();
    for (let k = 0; k < 2; k++) await step.run(k);
  };
  await dropped();
  const first = await memory();
  for (let i = 0; i < count; i++) await dropped();
  let last = await memory();
  // The engine says when something is collected at a time of its own.
  for (let i = 0; i < 200 && last.buffers > first.buffers; i++) last = await memory();
  return { first, last };
}
