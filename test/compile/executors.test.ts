import { describe, expect, test } from "vitest";
import { build, compile } from "../../src/compile/index.ts";
import { allocate, convert, type DType, isFloat } from "../../src/tensor/dtype.ts";
import {
  cast,
  equal,
  grad,
  greaterEqual,
  input,
  isNan,
  less,
  square,
  sum,
  type Tensor,
  where,
} from "../../src/tensor/index.ts";
import { type DrawnCase, drawnCases } from "../tensor/cases.ts";

async function run(c: DrawnCase, executor: "host" | "native"): Promise<number[]> {
  const program = await build([c.output], { executor, threads: 1 });
  const out = allocate(c.output.dtype, c.output.size);
  const leaves = program.leaves.map((l) => convert(c.values[c.inputs.indexOf(l)], l.dtype));
  await program.bind(leaves, [out])();
  return Array.from(out, Number);
}

const native = (c: DrawnCase) => !(typeof c.op.native === "object" && "unsupported" in c.op.native);

/** Rounding of the result and of a few intermediate steps, in units of the type's precision. */
const tolerance: Partial<Record<DType, number>> = { float32: 3e-6, float64: 1e-13 };

for (const float of ["float32", "float64"] as const) {
  describe(`host against native, ${float}, for every op of the registry`, () => {
    test.each(
      drawnCases(float)
        .filter(native)
        .map((c) => [c.name, c] as const),
    )("%s", async (_, c) => {
      const [host, onnx] = [await run(c, "host"), await run(c, "native")];
      const allowed = isFloat(c.output.dtype) ? (tolerance[c.output.dtype] ?? 0) : 0;
      host.forEach((expected, i) => {
        const error = Math.abs(onnx[i] - expected) / Math.max(1, Math.abs(expected));
        expect(error, `element ${i}: host ${expected}, native ${onnx[i]}`).toBeLessThanOrEqual(allowed);
      });
    });
  });
}

test.each(["float32", "float64"] as const)(
  "every comparison with NaN is false and isNan finds it, natively as on the host: %s",
  async (dtype) => {
    const values = convert([Number.NaN, 0, Number.POSITIVE_INFINITY, -1.5], dtype);
    const x = input("x", [4], dtype);
    const outputs = [equal(x, x), less(x, 1), greaterEqual(x, x), isNan(x), where(isNan(x), 0, x)];
    const found = async (executor: "host" | "native") => {
      const program = await build(outputs, { executor, threads: 1 });
      const out = outputs.map((t) => allocate(t.dtype, t.size));
      await program.bind([values], out)();
      return out.map((o) => Array.from(o, Number));
    };
    const expected = [
      [0, 1, 1, 1],
      [0, 1, 0, 1],
      [0, 1, 1, 1],
      [1, 0, 0, 0],
      [0, 0, Number.POSITIVE_INFINITY, -1.5],
    ];
    expect(await found("host")).toEqual(expected);
    expect(await found("native")).toEqual(expected);
  },
);

test.each(["host", "native"] as const)(
  "a number that is cast to float32 is rounded: %s",
  async (executor) => {
    const rounded = (x: Tensor) => cast(cast(x, "float32"), "float64");
    const run = compile((x: Tensor) => ({ y: rounded(x), slope: grad(sum(square(rounded(x))), [x])[0] }), {
      executor,
      threads: 1,
    });
    const { y, slope } = await run(Float64Array.of(0.1, 16777217, 1e300));
    expect(Array.from(y.data, Number)).toEqual([Math.fround(0.1), 16777216, Number.POSITIVE_INFINITY]);
    expect(slope.data[0]).toBe(2 * Math.fround(0.1));
  },
);
