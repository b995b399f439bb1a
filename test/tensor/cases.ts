/** Inputs for the registry-driven tests: every op's own cases, drawn from a stream named after the op. */
import { fillUniform, stream } from "../../src/random/index.ts";
import type { DType } from "../../src/tensor/dtype.ts";
import { input } from "../../src/tensor/leaf.ts";
import { type Op, type OpCase, ops } from "../../src/tensor/op.ts";
import { type Shape, sizeOf } from "../../src/tensor/shape.ts";
import { Tensor } from "../../src/tensor/tensor.ts";

export interface DrawnCase {
  readonly name: string;
  readonly op: Op;
  readonly inputs: readonly Tensor[];
  readonly values: readonly Float64Array[];
  readonly output: Tensor;
}

function draw(op: Op, test: OpCase, index: number, float: DType): DrawnCase {
  const dtype = test.dtype ?? float;
  const [low, high] = test.domain ?? [-2, 2];
  const values: Float64Array[] = [];
  const inputs = test.inputs.map((spec, i) => {
    if (!isShape(spec)) {
      values.push(Float64Array.from(spec.values));
      return input(`x${i}`, spec.shape, spec.dtype);
    }
    const v = new Float64Array(sizeOf(spec));
    fillUniform(v, stream(index, `${op.name}/${i}`));
    values.push(
      v.map((u) => {
        const x = low + (high - low) * u;
        if (dtype === "bool") return Math.round(u);
        return dtype.startsWith("int") ? Math.round(x) : Math.fround(x);
      }),
    );
    return input(`x${i}`, spec, dtype);
  });
  const attributes = test.attributes ?? {};
  const { shape, dtype: resultType } = op.infer(inputs, attributes);
  const output = new Tensor(op, inputs, attributes, shape, resultType);
  return { name: `${op.name} #${index} ${output.shape.join("x")} ${dtype}`, op, inputs, values, output };
}

/** All cases of all ops, float inputs being of the given dtype. */
export const drawnCases = (float: DType): DrawnCase[] =>
  [...ops.values()].flatMap((op) => op.cases.map((test, i) => draw(op, test, i, float)));

const isShape = (spec: OpCase["inputs"][number]): spec is Shape => Array.isArray(spec);
