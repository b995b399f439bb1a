/** Memory on a graphics processor, and of the process, does not grow with steps. In a page: test/platform/webgpu. `npm run bench -- --device webgpu --memory` takes 5,000. */
import { InferenceSession, Tensor as OrtTensor } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { initializers } from "../../src/nn/index.ts";
import { adam, compileStep } from "../../src/optim/index.ts";
import { input, mean, parameter, square } from "../../src/tensor/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";

/** Values of the runtime that lie on the device and were not disposed of, in all sessions from now on. */
function watchedValues() {
  const held = new Set<OrtTensor>();
  const create = InferenceSession.create;
  const watched = async (...given: Parameters<typeof create>) => {
    const session = await create.apply(InferenceSession, given);
    const run = session.run.bind(session) as (...args: unknown[]) => ReturnType<typeof session.run>;
    session.run = async (...args: unknown[]) => {
      const results = await run(...args);
      for (const value of Object.values(results) as OrtTensor[])
        if (value.location === "gpu-buffer") held.add(value);
      return results;
    };
    return session;
  };
  const { dispose } = OrtTensor.prototype;
  OrtTensor.prototype.dispose = function () {
    held.delete(this);
    dispose.call(this);
  };
  Object.assign(InferenceSession, { create: watched });
  const restore = (): void => {
    Object.assign(InferenceSession, { create });
    OrtTensor.prototype.dispose = dispose;
  };
  return { held, restore };
}

/** Parameters: with their two moments 0.75 MiB, so that a step that left its state would be seen after a few. */
const SIZE = 2 ** 16;
const STEPS = 100;

describe.skipIf(!hasSoftwareGpu)("three hundred steps on webgpu", () => {
  test("hold as many values on the device, and as much memory", async () => {
    const { held, restore } = watchedValues();
    const w = parameter([SIZE], initializers.zeros);
    const loss = mean(square(w.sub(input("x", [SIZE]))));
    const step = await compileStep(
      { loss, metrics: {} },
      [{ name: "w", tensor: w }],
      adam({ learningRate: 0.1 }),
      { seed: 0, device: "webgpu" },
    );
    step.input("x").fill(1);
    const taken: { readonly values: number; readonly mib: number }[] = [];
    for (let part = 0; part < 4; part++) {
      let last = 0;
      await step.take({
        from: part * STEPS,
        to: (part + 1) * STEPS,
        before: () => true,
        after: (reports) => {
          last = reports.at(-1)?.loss ?? last;
        },
      });
      await step.pull();
      expect(Number.isFinite(last)).toBe(true);
      taken.push({ values: held.size, mib: process.memoryUsage.rss() / 2 ** 20 });
    }
    restore();
    const [first, ...rest] = taken;
    expect(first.values).toBeGreaterThan(3);
    for (const { values } of rest) expect(values).toBe(first.values);
    // Of 300 steps: had each left its parameters alone, it would be 75 MiB.
    expect((rest.at(-1)?.mib ?? 0) - first.mib).toBeLessThan(30);
  });
});
