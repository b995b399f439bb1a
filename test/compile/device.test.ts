/** Every op on a graphics processor: what the host computes, to the accuracy of the device's own functions. */
import { describe, expect, test } from "vitest";
import { build } from "../../src/compile/index.ts";
import { allocate, convert, isFloat } from "../../src/tensor/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";
import { type DrawnCase, drawnCases } from "../tensor/cases.ts";

async function run(c: DrawnCase, where: "host" | "webgpu"): Promise<number[]> {
  const program = await build([c.output], where === "host" ? { executor: "host" } : { device: "webgpu" });
  const out = allocate(c.output.dtype, c.output.size);
  await program.bind(
    program.leaves.map((leaf) => convert(c.values[c.inputs.indexOf(leaf)], leaf.dtype)),
    [out],
  )();
  await program.release();
  return Array.from(out, Number);
}

const runs = ({ op }: DrawnCase) => !(typeof op.native === "object" && "unsupported" in op.native);

/** WGSL's own functions (exp, log, pow, tanh, sin) may err by some units in the last place; sin and cos by 2^-11 absolutely. */
const ALLOWED = 2e-5;
const TRIGONOMETRIC = 5e-4;

describe.skipIf(!hasSoftwareGpu)("every op of the registry on webgpu", () => {
  test.each(["float32", "float64"] as const)("%s", async (float) => {
    const wrong: string[] = [];
    const cases = drawnCases(float).filter(runs);
    expect(cases.length).toBeGreaterThan(200);
    for (const c of cases) {
      const host = await run(c, "host");
      const device = await run(c, "webgpu").catch((error: Error) => error.message.slice(0, 200));
      if (typeof device === "string") {
        wrong.push(`${c.name}: ${device}`);
        continue;
      }
      const allowed = !isFloat(c.output.dtype) ? 0 : /sin|cos|tan/.test(c.op.name) ? TRIGONOMETRIC : ALLOWED;
      const at = host.findIndex((v, i) => !(Math.abs(device[i] - v) / Math.max(1, Math.abs(v)) <= allowed));
      if (at >= 0) wrong.push(`${c.name}, element ${at}: host ${host[at]}, device ${device[at]}`);
    }
    expect(wrong).toEqual([]);
  });
});
