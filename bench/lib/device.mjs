// The train step of three VAEs on a device beside the processor: milliseconds, nodes of the graph, and kernels that a step runs there.
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { InferenceSession } from "onnxruntime-node";
import { createDataset, loadMnist } from "../../dist/public/data.js";
import { compileTraining } from "../../dist/public/runs.js";
import { VAE } from "../../dist/public/tightbound.js";
import { summary } from "./stats.mjs";

const MODELS = [
  { name: "784-400-20, batch 128", hidden: [400], latent: 20, batch: 128, atMost: 2.4 },
  { name: "2 × 600 hidden, latent 50, batch 256", hidden: [600, 600], latent: 50, batch: 256 },
  {
    name: "2 × 2000 hidden, latent 50, batch 4096",
    hidden: [2000, 2000],
    latent: 50,
    batch: 4096,
    atMost: 13,
    isLarge: true,
  },
];
const WARM = 3;
/** At least this many steps, and then until this many seconds are over. */
const FEWEST = 3;
const SECONDS = 20;

/** Whether Vulkan's loader was told to use a driver that computes on the processor, whose times say nothing of a graphics processor. */
export const isSoftware = /swiftshader|lvp_icd/i.test(
  `${process.env.VK_DRIVER_FILES ?? ""} ${process.env.VK_ICD_FILENAMES ?? ""}`,
);

const compiled = async ({ hidden, latent, batch }, device, data) => {
  const vae = VAE({ shape: [28, 28], latent, hidden });
  const settings = { batch, epochs: 1000, binarize: "dynamic", lr: 1e-3, seed: 0, device };
  return (await compileTraining(vae, data, settings)).trainer;
};

const steps = async (model, device, most) => {
  const trainer = await compiled(model, device, loadMnist("train"));
  const times = [];
  const until = performance.now() + 1000 * SECONDS;
  for (let i = 0; i < WARM + most; i++) {
    const since = performance.now();
    await trainer.next();
    if (i >= WARM) times.push(performance.now() - since);
    if (times.length >= FEWEST && performance.now() > until) break;
  }
  return { nodes: trainer.trainStep.nodes, step: summary(times), counted: times.length };
};

/** The kernels of one step by the runtime's own profile: how many run on the device, and how many on the processor. */
const kernels = async (model, device, data) => {
  const folder = mkdtempSync(join(tmpdir(), "tightbound-profile-"));
  const create = InferenceSession.create.bind(InferenceSession);
  const sessions = [];
  InferenceSession.create = async (bytes, options) => {
    const profile = { enableProfiling: true, profileFilePrefix: join(folder, `session${sessions.length}`) };
    const session = await create(bytes, { ...options, ...profile });
    sessions.push(session);
    return session;
  };
  try {
    const trainer = await compiled(model, device, data);
    await trainer.next();
    // The first session is the step's; the other one reads parameters back.
    for (const session of sessions) session.endProfiling();
    const file = readdirSync(folder).find((name) => name.startsWith("session0"));
    const events = JSON.parse(readFileSync(join(folder, file), "utf8"));
    const ran = events.filter(({ cat, name }) => cat === "Node" && name.endsWith("_kernel_time"));
    const there = ran.filter(({ args }) => args.provider.startsWith("WebGpu")).length;
    return { nodes: trainer.trainStep.nodes, there, here: ran.length - there };
  } finally {
    InferenceSession.create = create;
    rmSync(folder, { recursive: true, force: true });
  }
};

/** For each model: a step on the device and on the processor. On a software device the kernels alone: its times say nothing. */
export const measureDevice = async ({ device, most, progress }) => {
  const entries = [];
  for (const { isLarge, ...model } of MODELS) {
    const { name, atMost } = model;
    progress(`${device}: ${name}`);
    if (isSoftware) {
      // The kernels of a step do not depend on its rows, except that large products are laid out otherwise; a software device would need minutes.
      const few = isLarge ? { ...model, batch: 512 } : model;
      const x = new Uint8Array(few.batch * 784).fill(100);
      const data = createDataset({ name: "grey", x, scale: 1 / 255, shape: [28, 28] });
      entries.push({
        name: isLarge ? `${name} (512 here)` : name,
        atMost,
        kernels: await kernels(few, device, data),
      });
      continue;
    }
    const there = await steps(model, device, most);
    progress(`kernels: ${name}`);
    const ran = await kernels(model, device, loadMnist("train"));
    progress(`cpu: ${name}`);
    entries.push({ name, atMost, there, kernels: ran, here: await steps(model, "cpu", most) });
  }
  progress("");
  return entries;
};

/** Resident memory of this process in MiB while a small model takes steps on the device: every hundredth of them, after a tenth of warm-up. */
export const measureDeviceMemory = async ({ device, count, progress }) => {
  const x = Float32Array.from({ length: 64 * 16 }, (_, i) => Math.sin(i));
  const data = createDataset({ name: "waves", shape: [16], x });
  const vae = VAE({ shape: [16], latent: 2, hidden: [8], likelihood: "gaussian" });
  const { trainer } = await compileTraining(vae, data, {
    batch: 32,
    epochs: count,
    lr: 1e-3,
    seed: 0,
    device,
  });
  const mib = [];
  const some = Math.ceil(count / 100);
  for (let made = some; made <= count; made += some) {
    await trainer.take(some);
    if (made >= count / 10) mib.push(process.memoryUsage.rss() / 2 ** 20);
    progress(`${device}: memory, step ${made} of ${count}`);
  }
  progress("");
  const part = Math.ceil(mib.length / 5);
  const [first, last] = [summary(mib.slice(0, part)).median, summary(mib.slice(-part)).median];
  return { steps: count, first, last, ratio: last / first };
};
