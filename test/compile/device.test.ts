/** Every op on a graphics processor: what the host computes, to the accuracy of the device's own functions. */
import { describe, expect, test } from "vitest";
import { build, topological } from "../../src/compile/index.ts";
import { applyNativeRules } from "../../src/compile/native-rules.ts";
import { forWebGpu } from "../../src/compile/webgpu-rules.ts";
import { fillUniform, stream } from "../../src/random/index.ts";
import { input, isFloat, matmul, type Tensor } from "../../src/tensor/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";
import { type DrawnCase, drawnCases } from "../tensor/cases.ts";
import { type Agreement, compiledOn, difference, keptDevice } from "./on-both.ts";

const runs = ({ op }: DrawnCase) => !(typeof op.native === "object" && "unsupported" in op.native);

/** Numbers at which functions have no value, an infinite one, or another formula. Sums and products of them are exact, or infinite in any order. */
const SPECIAL = [
  ...[Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0, -0, 1, -1, 2, -3, 0.5],
  ...[100, -100, 88, -88, 1e-7, -1e-7, 1e-3, 1e-30],
];

/** The values of a case with special ones among the floats: few, some or all of them are. */
function* specialValues({ name, inputs, values }: DrawnCase): Generator<Float64Array[]> {
  const draws = new Float64Array(4000);
  fillUniform(draws, stream(0, name));
  let at = 0;
  const next = (): number => draws[at++ % draws.length];
  for (const share of [0.05, 0.05, 0.2, 0.2, 1, 1, 1]) {
    yield values.map((v, i) =>
      v.map((x) =>
        isFloat(inputs[i].dtype) && next() < share ? SPECIAL[Math.floor(next() * SPECIAL.length)] : x,
      ),
    );
  }
}

/** A sum may be infinite on its way to NaN. Convolutions multiply what lies beside them by 0, which is NaN if it is infinite; natively on the processor too. */
const agreementOf = ({ op }: DrawnCase): Agreement => {
  if (typeof op.host === "object" && "expression" in op.host) return "same";
  return op.name.startsWith("conv") ? "none where the host has none" : "none";
};

describe.skipIf(!hasSoftwareGpu)("every op of the registry on webgpu", () => {
  test.each(["float32", "float64"] as const)("%s", async (float) => {
    const release = await keptDevice();
    const wrong: string[] = [];
    const cases = drawnCases(float).filter(runs);
    expect(cases.length).toBeGreaterThan(200);
    let without = 0;
    for (const c of cases) {
      const { output } = c;
      const [host, device] = [
        await compiledOn("host", output, c.inputs),
        await compiledOn("webgpu", output, c.inputs),
      ];
      const compare = async (values: readonly Float64Array[], agreement?: Agreement) => {
        const here = await host.run(values);
        if (here.some((v) => !Number.isFinite(v))) without++;
        const there = await device.run(values).catch((error: Error) => error.message.slice(0, 200));
        const found = typeof there === "string" ? there : difference(here, there, output, agreement);
        if (found !== undefined) wrong.push(`${c.name}, ${found}`);
      };
      await compare(c.values);
      // What is float64 is computed on the processor, by the native executor.
      const isWide = [output, ...c.inputs].some(({ dtype }) => dtype === "float64");
      if (float === "float32" && !isWide)
        for (const values of specialValues(c)) await compare(values, agreementOf(c));
      await device.release();
    }
    await release();
    expect(wrong).toEqual([]);
    expect(without > 100).toBe(float === "float32");
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
