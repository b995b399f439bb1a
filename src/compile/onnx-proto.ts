/**
 * The parts of an ONNX file. Other floors must not import these types: the declarations of the protobuf packages need a newer TypeScript
 * than users may have.
 */
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type AttributeProto,
  AttributeProto_AttributeType,
  AttributeProtoSchema,
  type GraphProto,
  ModelProtoSchema,
  type TensorProto,
  TensorProtoSchema,
  type ValueInfoProto,
  ValueInfoProtoSchema,
} from "onnx-buf";
import { InternalError } from "../errors.ts";
import { convert, type DType, type OnnxAttribute, onnxType, type Shape } from "../tensor/index.ts";

/** ONNX operator set and file format that the lowerings are written for. */
const OPSET = 20n;
const IR_VERSION = 9n;

const utf8 = new TextEncoder();

/** An attribute of an ONNX node. */
export function attribute(name: string, value: OnnxAttribute): AttributeProto {
  const T = AttributeProto_AttributeType;
  if (typeof value === "string")
    return create(AttributeProtoSchema, { name, type: T.STRING, s: utf8.encode(value) });
  if (typeof value === "number") return create(AttributeProtoSchema, { name, type: T.INT, i: BigInt(value) });
  if ("float" in value) return create(AttributeProtoSchema, { name, type: T.FLOAT, f: value.float });
  return create(AttributeProtoSchema, { name, type: T.INTS, ints: value.map(BigInt) });
}

/** An attribute of an ONNX node that holds a graph. */
export const graphAttribute = (name: string, g: GraphProto): AttributeProto =>
  create(AttributeProtoSchema, { name, type: AttributeProto_AttributeType.GRAPH, g });

/** A tensor of values of an ONNX graph. */
export function tensorProto(
  name: string,
  values: ArrayLike<number>,
  shape: Shape,
  dtype: DType,
): TensorProto {
  const data = convert(values, dtype);
  return create(TensorProtoSchema, {
    name,
    dims: shape.map(BigInt),
    dataType: onnxType[dtype],
    rawData: new Uint8Array(data.buffer as ArrayBuffer, data.byteOffset, data.byteLength),
  });
}

/** The name, shape and type of an input or output of an ONNX graph. */
export const valueInfo = (name: string, shape: Shape, dtype: DType): ValueInfoProto =>
  create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "tensorType",
        value: {
          elemType: onnxType[dtype],
          shape: { dim: shape.map((n) => ({ value: { case: "dimValue" as const, value: BigInt(n) } })) },
        },
      },
    },
  });

/** The file of an ONNX graph. */
export const modelBytes = (graph: GraphProto): Uint8Array =>
  toBinary(
    ModelProtoSchema,
    create(ModelProtoSchema, {
      irVersion: IR_VERSION,
      producerName: "tightbound",
      opsetImport: [{ domain: "", version: OPSET }],
      graph,
    }),
  );

/** The graph of an ONNX file. */
export function graphOf(bytes: Uint8Array): GraphProto {
  const { graph } = fromBinary(ModelProtoSchema, bytes);
  if (graph === undefined) throw new InternalError("an ONNX model has no graph");
  return graph;
}
