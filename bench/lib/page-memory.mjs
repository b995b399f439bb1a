// Memory of a page in which a small model takes steps: the page's heap, WebAssembly's memory and, on a graphics processor, buffers there.
import { rmSync } from "node:fs";
import { join } from "node:path";
import { bundled, opened, served } from "./page.mjs";

/** Chromium's, without a graphics processor: SwiftShader. */
const FLAGS = [
  "--enable-unsafe-webgpu",
  "--use-webgpu-adapter=swiftshader",
  "--enable-features=Vulkan",
  "--js-flags=--expose-gc",
  "--enable-precise-memory-info",
];

/** Runs in the page. */
async function task(t, count, device) {
  const buffers = new Map();
  if (device !== "cpu") {
    const { createBuffer } = GPUDevice.prototype;
    GPUDevice.prototype.createBuffer = function (descriptor) {
      const buffer = createBuffer.call(this, descriptor);
      buffers.set(buffer, descriptor.size);
      return buffer;
    };
    const { destroy } = GPUBuffer.prototype;
    GPUBuffer.prototype.destroy = function () {
      buffers.delete(this);
      destroy.call(this);
    };
  }
  const memories = [];
  WebAssembly.Memory = new Proxy(WebAssembly.Memory, {
    construct: (target, given) => {
      const made = new target(...given);
      memories.push(made);
      return made;
    },
  });
  const x = Float32Array.from({ length: 64 * 16 }, (_, i) => Math.sin(i));
  const data = t.createDataset({ name: "waves", shape: [16], x });
  const vae = t.VAE({ shape: [16], latent: 2, hidden: [8], likelihood: "gaussian" });
  const settings = { batch: 32, epochs: count, lr: 1e-3, seed: 0, device, threads: 1 };
  const { trainer } = await t.compileTraining(vae, data, settings);
  const taken = [];
  for (let i = 1; i <= count; i++) {
    await trainer.next();
    if (i % (count / 10) !== 0) continue;
    await gc({ execution: "async" });
    const mib = (bytes) => bytes / 2 ** 20;
    taken.push({
      step: i,
      buffers: buffers.size,
      bytes: [...buffers.values()].reduce((sum, size) => sum + size, 0),
      heap: mib(performance.memory.usedJSHeapSize),
      wasm: mib(memories.reduce((sum, { buffer }) => sum + buffer.byteLength, 0)),
    });
  }
  return taken;
}

/** Memory after each tenth of the steps. */
export const measurePageMemory = async ({ count, device, progress }) => {
  progress(`page: ${count} steps on ${device}`);
  const folder = await bundled(
    `import * as t from "tightbound/browser";\n${task.toString()}\nglobalThis.tasks = { run: (count, device) => task(t, count, device) };\n`,
  );
  const { server, address } = await served(join(folder, "dist"));
  try {
    const page = await opened(address, FLAGS);
    try {
      return {
        chromium: page.version,
        taken: await page.evaluate(`tasks.run(${count}, ${JSON.stringify(device)})`),
      };
    } finally {
      await page.close();
    }
  } finally {
    progress("");
    server.close();
    rmSync(folder, { recursive: true, force: true });
  }
};
