/**
 * Outputs that the runtime writes in place and does not return. Its binding writes them into the arrays that it is given, and then copies
 * them all once more, for an object that `run` returns and nobody reads here: for M2 on pixels 5 MB a step, about a fifteenth of its time.
 * No option keeps it from that. But it makes that object output by output, in the model's order, and fails at the first one that
 * JavaScript has no value for; so a model begins with such an output, an empty sequence. By then all arrays are written. A binding that
 * has a value for it copies, as it would anyway.
 */
import { create } from "@bufbuild/protobuf";
import { NodeProtoSchema, TensorProto_DataType, ValueInfoProtoSchema } from "onnx-buf";
import type { InferenceSession } from "onnxruntime-common";

const name = "unreturned";

/** The output that a model begins with, and the node that makes it. */
export const unreturned = {
  node: create(NodeProtoSchema, { opType: "SequenceEmpty", name, output: [name] }),
  info: create(ValueInfoProtoSchema, {
    name,
    type: {
      value: {
        case: "sequenceType",
        value: {
          elemType: { value: { case: "tensorType", value: { elemType: TensorProto_DataType.FLOAT } } },
        },
      },
    },
  }),
};

/** Runs a model that begins with {@link unreturned}: what it computes is in the arrays of `fetches`. */
export async function runUnreturned(
  session: InferenceSession,
  feeds: InferenceSession.OnnxValueMapType,
  fetches: InferenceSession.OnnxValueMapType,
): Promise<void> {
  try {
    await session.run(feeds, { [name]: null, ...fetches });
  } catch (error) {
    if (!(error instanceof Error) || error.message !== "Non tensor type is temporarily not supported.")
      throw error;
  }
}
