/** Every op on a graphics processor: what the host computes, to the accuracy of the device's own functions. */
import { describe, expect, test } from "vitest";
import { build, topological } from "../../src/compile/index.ts";
import { applyNativeRules } from "../../src/compile/native-rules.ts";
import { forWebGpu } from "../../src/compile/webgpu-rules.ts";
import { allocate, convert, input, isFloat, matmul, type Tensor } from "../../src/tensor/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";
import { type DrawnCase, drawnCases } from "../tensor/cases.ts";

async function compiled({ output, inputs }: DrawnCase, where: "host" | "webgpu") {
  const program = await build([output], where === "host" ? { executor: "host" } : { device: "webgpu" });
  const release = () => program.release();
  const run = async (values: DrawnCase["values"]): Promise<number[]> => {
    const out = allocate(output.dtype, output.size);
    const fed = program.leaves.map((leaf) => convert(values[inputs.indexOf(leaf)], leaf.dtype));
    await program.bind(fed, [out])();
    return Array.from(out, Number);
  };
  return { run, release };
}

async function run(c: DrawnCase, where: "host" | "webgpu"): Promise<number[]> {
  const { run, release } = await compiled(c, where);
  const out = await run(c.values);
  await release();
  return out;
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

/** Ops of which an element that has no number is not to have one on the device either. */
const risky = ["log", "log1p", "relu", "sigmoid", "positive", "pow", "softmax", "softplus", "logOfTerms"];

describe.skipIf(!hasSoftwareGpu)("where the host has no finite number, webgpu has none", () => {
  test.each(risky)("%s", async (name) => {
    const cases = drawnCases("float32").filter(({ op }) => op.name === name);
    expect(cases.length).toBeGreaterThan(0);
    const wrong: string[] = [];
    let found = 0;
    for (const c of cases) {
      const [host, device] = [await compiled(c, "host"), await compiled(c, "webgpu")];
      for (const [i, { dtype }] of c.inputs.entries())
        for (const bad of [Number.NaN, -1, 0, 1e3, -1e3, Number.POSITIVE_INFINITY]) {
          if (!isFloat(dtype) || c.values[i].length === 0) continue;
          const values = c.values.map((v) => v.slice());
          values[i][0] = bad;
          const [here, there] = [await host.run(values), await device.run(values)];
          here.forEach((v, k) => {
            const is = Number.isFinite(Math.fround(v));
            if (!is) found++;
            if (is !== Number.isFinite(there[k]))
              wrong.push(`${c.name}, input ${i} = ${bad}: host ${v}, device ${there[k]}`);
          });
        }
      await device.release();
    }
    expect(wrong).toEqual([]);
    expect(found).toBeGreaterThan(0);
  });
});

describe("products with a transposed right operand", () => {
  const shapes = (m: number, k: number, n: number) => {
    const [a, b, c] = [input("a", [m, k]), input("b", [n, k]), input("c", [n])];
    return { product: matmul(a, b, { transposeB: true }), sum: matmul(a, b, { transposeB: true }).add(c), b };
  };
  const ops = (outputs: readonly Tensor[]) => topological(forWebGpu(outputs)).map(({ op }) => op.name);

  test("are plain ones of a matrix that is transposed once, where they are large", () => {
    const { product, b } = shapes(4096, 784, 400);
    const other = matmul(input("d", [4096, 784]), b, { transposeB: true });
    expect(ops([product, other]).filter((name) => name === "transpose")).toHaveLength(1);
    for (const node of forWebGpu([product, other]))
      expect(node.attributes).toMatchObject({ transposeA: false, transposeB: false });
  });

  test("stay as they are where a node costs more", () => {
    expect(ops([shapes(128, 784, 400).product])).not.toContain("transpose");
  });

  test("have the values of the product as it was written", async () => {
    const [a, b] = [input("a", [5, 7]), input("b", [6, 7])];
    const [c, d] = [input("c", [6]), input("d", [7, 5])];
    const products = [
      matmul(a, b, { transposeB: true }),
      matmul(d, b, { transposeA: true, transposeB: true }),
      // Natively this sum is one node.
      ...applyNativeRules([matmul(a, b, { transposeB: true }).add(c)]),
    ];
    const rewritten = forWebGpu(products, 1);
    for (const [i, node] of rewritten.entries()) {
      expect(node.op.name).toBe(products[i].op.name);
      expect(node.attributes).toMatchObject({ transposeB: false });
    }
    const run = async (outputs: readonly Tensor[]) => {
      const program = await build(outputs, { executor: "host" });
      const out = outputs.map((t) => new Float64Array(t.size));
      const values = program.leaves.map((leaf) =>
        Float64Array.from({ length: leaf.size }, (_, i) => Math.sin(leaf.size + 3 * i)),
      );
      await program.bind(values, out)();
      return out;
    };
    expect(await run(rewritten)).toEqual(await run(products));
  });
});
