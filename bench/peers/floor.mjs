// The floor: the matrix products of one train step and nothing else, as one ONNX graph on the runtime that
// Tightbound uses. Five dense layers make 5 products forward, 5 for the gradients of their weights and 4 for
// the gradients of their inputs (the pixels need none): 14. They are chained as in the real step, with the
// element-wise work between them left out; weights are inputs, since a train step may not pack them ahead.
import { create, toBinary } from "@bufbuild/protobuf";
import * as onnx from "onnx-buf";
import { InferenceSession, Tensor } from "onnxruntime-node";
import { serve } from "../lib/serve.mjs";
import { BATCH, LAYERS } from "../lib/vae.mjs";
import { versionOf } from "../lib/version.mjs";

const THREADS = 2;

const transpose = (name, flag) =>
  create(onnx.AttributeProtoSchema, {
    name,
    type: onnx.AttributeProto_AttributeType.INT,
    i: flag ? 1n : 0n,
  });
const product = (output, left, right, { transA = false, transB = false } = {}) =>
  create(onnx.NodeProtoSchema, {
    opType: "Gemm",
    input: [left, right],
    output: [output],
    attribute: [transpose("transA", transA), transpose("transB", transB)],
  });
const ofWeight = { transA: true };
const ofInput = { transB: true };

// dX is the gradient of the loss in X, W(layer) a layer's weight; z stands for the mean, and the
// log-variance for its own gradient, because sampling and the KL are not matrix products.
const products = [
  product("h", "x", "W(hidden)"),
  product("z", "h", "W(mean)"),
  product("dLogVariance", "h", "W(logVariance)"),
  product("g", "z", "W(expand)"),
  product("logits", "g", "W(logits)"),
  product("dW(logits)", "g", "dLogits", ofWeight),
  product("dg", "dLogits", "W(logits)", ofInput),
  product("dW(expand)", "z", "dg", ofWeight),
  product("dz", "dg", "W(expand)", ofInput),
  product("dW(mean)", "h", "dz", ofWeight),
  product("dW(logVariance)", "h", "dLogVariance", ofWeight),
  product("dh", "dz", "W(mean)", ofInput),
  product("dh'", "dLogVariance", "W(logVariance)", ofInput),
  product("dW(hidden)", "x", "dh", ofWeight),
];
const inputs = {
  x: [BATCH, 784],
  dLogits: [BATCH, 784],
  ...Object.fromEntries(Object.entries(LAYERS).map(([layer, shape]) => [`W(${layer})`, shape])),
};
// The last two are read by no other product: as outputs they stay in the graph.
const outputs = {
  ...Object.fromEntries(Object.entries(LAYERS).map(([layer, shape]) => [`dW(${layer})`, shape])),
  logits: [BATCH, 784],
  "dh'": [BATCH, 400],
};

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
const model = create(onnx.ModelProtoSchema, {
  irVersion: 10n,
  opsetImport: [create(onnx.OperatorSetIdProtoSchema, { domain: "", version: 21n })],
  graph: create(onnx.GraphProtoSchema, {
    name: "floor",
    node: products,
    input: Object.entries(inputs).map(valueInfo),
    output: Object.entries(outputs).map(valueInfo),
  }),
});
const session = await InferenceSession.create(toBinary(onnx.ModelProtoSchema, model), {
  intraOpNumThreads: THREADS,
  interOpNumThreads: 1,
});

const tensors = (shapes) =>
  Object.fromEntries(
    Object.entries(shapes).map(([name, [rows, columns]]) => {
      const values = Float32Array.from({ length: rows * columns }, () => (Math.random() - 0.5) / 10);
      return [name, new Tensor("float32", values, [rows, columns])];
    }),
  );
const feeds = tensors(inputs);
const fetches = tensors(outputs);

const step = async () => {
  await session.run(feeds, fetches);
  return null;
};

await serve({
  name: `its ${products.length} matrix products alone`,
  version: versionOf("onnxruntime-node"),
  threads: THREADS,
  step,
});
