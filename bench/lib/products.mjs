// Only matrix products, as one ONNX graph on the runtime that Tightbound uses: a lower limit for the time of a train step.
import { create, toBinary } from "@bufbuild/protobuf";
import * as onnx from "onnx-buf";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { runUnreturned, unreturned } from "../../dist/compile/unreturned.js";

const transpose = (name, flag) =>
  create(onnx.AttributeProtoSchema, {
    name,
    type: onnx.AttributeProto_AttributeType.INT,
    i: flag ? 1n : 0n,
  });

/** `output` = left · right (+ addend). */
const product = ([output, left, right, { transA = false, transB = false, add } = {}]) =>
  create(onnx.NodeProtoSchema, {
    opType: "Gemm",
    input: add === undefined ? [left, right] : [left, right, add],
    output: [output],
    attribute: [transpose("transA", transA), transpose("transB", transB)],
  });

const valueInfo = ([name, shape]) =>
  create(onnx.ValueInfoProtoSchema, {
    name,
    type: create(onnx.TypeProtoSchema, {
      value: {
        case: "tensorType",
        value: create(onnx.TypeProto_TensorSchema, {
          elemType: onnx.TensorProto_DataType.FLOAT,
          shape: create(onnx.TensorShapeProtoSchema, {
            dim: shape.map((size) =>
              create(onnx.TensorShapeProto_DimensionSchema, {
                value: { case: "dimValue", value: BigInt(size) },
              }),
            ),
          }),
        }),
      },
    }),
  });

const tensors = (shapes) =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, [rows, columns]]) => {
      const values = Float32Array.from({ length: rows * columns }, () => (Math.random() - 0.5) / 10);
      return [name, new Tensor("float32", values, [rows, columns])];
    }),
  );

/** Resolves to a function that computes all products once. Shapes by name; a product is [output, left, right, options]. */
export const productSession = async ({ products, inputs, outputs, threads }) => {
  const model = create(onnx.ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: "", version: 21n })],
    graph: create(onnx.GraphProtoSchema, {
      name: "floor",
      node: [...products.map(product), unreturned.node],
      input: Object.entries(inputs).map(valueInfo),
      output: [unreturned.info, ...Object.entries(outputs).map(valueInfo)],
    }),
  });
  const session = await InferenceSession.create(toBinary(onnx.ModelProtoSchema, model), {
    intraOpNumThreads: threads,
    interOpNumThreads: 1,
  });
  const feeds = tensors(inputs);
  const fetches = tensors(outputs);
  return () => runUnreturned(session, feeds, fetches);
};
