/** The `native` executor: a graph as one ONNX model, run by ONNX Runtime. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common";
import { prefersOwnKernels } from "#platform/runtime";
import { UsageError } from "../errors.ts";
import { ceilings } from "../limits.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";
import type { NativeOptions } from "./device.ts";
import { createSession, ortTensor, runFailed, sessionMode, theRuntime } from "./runtime.ts";
import { runUnreturned } from "./unreturned.ts";

export interface NativeProgram {
  readonly leaves: readonly Tensor[];
  /** Number of ONNX nodes before the runtime's own optimisation. */
  readonly nodes: number;
  /** Fixes the arrays to read and write: the runtime works on them in place, without copies. */
  bind(leaves: readonly TypedArray[], outputs: readonly TypedArray[]): () => Promise<void>;
  /** Frees the session's threads and memory; bound functions must not run afterwards. */
  release(): Promise<void>;
}

/** Starts loading the runtime without waiting for it, so that it overlaps other work; not where most graphs do without it. */
export const preloadNative = (): void => {
  if (prefersOwnKernels({ threads: undefined })) return;
  void theRuntime().catch(() => undefined);
};

const MOST_THREADS = ceilings.threads.most;

const checkThreads = ({ threads }: NativeOptions): void => {
  if (threads === undefined || (Number.isInteger(threads) && threads >= 1 && threads <= MOST_THREADS)) return;
  throw new UsageError(
    `threads: expected a whole number from 1 to ${MOST_THREADS}, found ${threads}. More threads than cores do not make it faster.`,
  );
};

/**
 * From now on the native executor treats numbers below 1e-38 as 0, and so does JavaScript on the calling thread for numbers below
 * 2.2e-308: the runtime sets the mode of that thread with its first session and never resets it. For programs that own their
 * thread. A processor may need hundreds of cycles for each such number, and there are many if a probability is almost 0 or a unit is
 * dead: a step of M2 took five times as long after 3,000 steps. Call it before anything is compiled.
 */
export const flushSubnormals = (): void => {
  sessionMode.flushes = true;
};

/** Copies what a run returned into the arrays that were bound. */
function copyOutputs(
  returned: InferenceSession.OnnxValueMapType,
  fetches: Readonly<Record<string, OrtTensor>>,
): void {
  for (const [name, { data: target }] of Object.entries(fetches)) {
    const { data } = returned[name] as OrtTensor;
    (target as Float32Array).set(data as Float32Array);
  }
}

/** If all outputs together have at least this many numbers, they are not returned: the exception costs less than copying them. */
const MANY_NUMBERS = 2 ** 16;

/** Compiles `outputs` to a session of ONNX Runtime. Tensors without elements are left out of it. */
export async function compileNative(
  outputs: readonly Tensor[],
  options: NativeOptions = {},
): Promise<NativeProgram> {
  const filled = outputs.flatMap((t, at) => (t.size > 0 ? [{ t, at }] : []));
  const isLarge = filled.reduce((sum, { t }) => sum + t.size, 0) >= MANY_NUMBERS;
  checkThreads(options);
  const runtime = await theRuntime(options.device, options.threads);
  const { writesInPlace } = runtime;
  // Loaded with the runtime and not before, for pages that only use the host.
  const { lowerToOnnx } = await import("./onnx.ts");
  const isUnreturned = isLarge && writesInPlace && (options.device ?? "cpu") === "cpu";
  const model = lowerToOnnx(
    filled.map(({ t }) => t),
    { unreturned: isUnreturned, webgpu: options.device === "webgpu" },
  );
  const session = filled.length === 0 ? undefined : await createSession(runtime, model, options);
  const wrap = (t: Tensor, data: TypedArray): OrtTensor => ortTensor(runtime, t, data);
  return {
    leaves: model.leaves.map(({ leaf }) => leaf),
    nodes: model.nodes,
    release: async () => session?.release(),
    bind(leaves, written) {
      const feeds = Object.fromEntries(
        model.leaves.map(({ name, leaf }, i) => [name, wrap(leaf, leaves[i])]),
      );
      const fetches = Object.fromEntries(
        filled.map(({ t, at }, i) => [model.outputs[i], wrap(t, written[at])]),
      );
      return async () => {
        try {
          if (session === undefined) return;
          if (isUnreturned) await runUnreturned(session, feeds, fetches);
          else if (writesInPlace) await session.run(feeds, fetches);
          else copyOutputs(await session.run(feeds), fetches);
        } catch (error) {
          throw runFailed(error);
        }
      };
    },
  };
}
