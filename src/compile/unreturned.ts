/**
 * Outputs that the runtime writes in place and does not return. Its binding writes them into the given arrays and then copies
 * all of them once more, into an object that `run` returns and that is not used here: for M2 on pixels 5 MB at each step, about a fifteenth
 * of its time. There is no option against this. But the binding makes that object output by output, in the model's order, and fails at the
 * first one that JavaScript cannot represent. So the first output of a model is such a value, an empty sequence; when the binding fails,
 * all arrays have been written. A version of the binding that can represent it will copy as usual.
 */
import { create } from "@bufbuild/protobuf";
import { NodeProtoSchema, TensorProto_DataType, ValueInfoProtoSchema } from "onnx-buf";
import type { InferenceSession } from "onnxruntime-common";
import type { Session } from "#platform/runtime";

const name = "unreturned";

/** The first output of a model, and the node that makes it. */
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

/** Runs a model that begins with {@link unreturned}; its results are in the arrays of `fetches`. */
export async function runUnreturned(
  session: Session,
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
