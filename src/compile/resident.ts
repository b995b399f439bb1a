/** A graph whose state stays on the device that computes it, from run to run: only its inputs are sent there, and a part of the state is read when it is asked for. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common";
import type { Session } from "#platform/runtime";
import { InternalError } from "../errors.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";
import type { Device } from "./device.ts";
import { checkValues } from "./memory.ts";
import { lowerToOnnx } from "./onnx.ts";
import { createSession, ortTensor, runFailed, theRuntime } from "./runtime.ts";
import { simplify } from "./simplify.ts";

/** A leaf that stays on the device, and its value after a run. */
export interface Resident<P extends string = string> {
  readonly leaf: Tensor;
  /** Of the leaf's shape and dtype. */
  readonly next: Tensor;
  /** The part of the state that it belongs to: the leaves of a part are read together. */
  readonly part: P;
}

/** A compiled graph with state on a device. */
export interface ResidentGraph<P extends string = string> {
  /** Leaves that are sent at each run, in the order in which they are bound. */
  readonly leaves: readonly Tensor[];
  /** Number of ONNX nodes. */
  readonly nodes: number;
  /** Fixes the arrays: what each run sends, and where the state is kept while it is not on the device. */
  bind(leaves: readonly TypedArray[], state: readonly TypedArray[]): ResidentRun<P>;
}

/** A bound graph. */
export interface ResidentRun<P extends string = string> {
  /** One run. The first one, and the first after `push`, takes the state from its arrays. It may return before the device is done. */
  run(): Promise<void>;
  /** Copies a part of the state from the device into its arrays, once the device is done. */
  pull(part: P): Promise<void>;
  /** Forgets the state on the device: the next run takes it from its arrays. */
  push(): void;
}

/** What a device holds of a state. */
interface Held {
  values: readonly OrtTensor[] | undefined;
  /** Frees the device's memory with its end, so it must outlive the values. */
  readonly session: Session;
}

const dispose = (held: Held): void => {
  for (const value of held.values ?? []) value.dispose();
  held.values = undefined;
};

/** Nothing else frees a state that can no longer be reached. */
const collected = new FinalizationRegistry(dispose);

/** Reads some of the values that are on a device. */
type Reader = (values: readonly OrtTensor[]) => Promise<readonly OrtTensor[]>;

/** Compiles the next values of a state that stays on `device`. */
export async function buildResident<P extends string>(
  state: readonly Resident<P>[],
  device: Device,
): Promise<ResidentGraph<P>> {
  const next = state.map((resident) => resident.next);
  checkValues(next);
  const runtime = await theRuntime(device);
  const kept = new Map(state.map(({ leaf }, i) => [leaf, i]));
  const model = lowerToOnnx(simplify(next), { webgpu: device === "webgpu" });
  const session = await createSession(runtime, model, {
    device,
    outputsOn: new Map(model.outputs.map((name) => [name, "gpu-buffer"])),
  });
  const sent = model.leaves.filter(({ leaf }) => !kept.has(leaf));
  const readers = new Map<P, Promise<Reader>>();

  /** Values of the runtime cannot be read on the device itself: a graph that copies them has its outputs here. */
  async function createReader(part: P): Promise<Reader> {
    const copy = lowerToOnnx(state.flatMap((r) => (r.part === part ? [r.leaf] : [])));
    const copying = await createSession(runtime, copy, { device });
    return async (values) => {
      const feeds = Object.fromEntries(
        copy.leaves.map(({ name, leaf }) => [name, values[kept.get(leaf) ?? -1]]),
      );
      let read: InferenceSession.OnnxValueMapType;
      try {
        read = await copying.run(feeds);
      } catch (error) {
        throw runFailed(error);
      }
      return copy.outputs.map((name) => read[name] as OrtTensor);
    };
  }

  const readerOf = (part: P): Promise<Reader> => {
    const reader = readers.get(part) ?? createReader(part);
    readers.set(part, reader);
    return reader;
  };

  return {
    leaves: sent.map(({ leaf }) => leaf),
    nodes: model.nodes,
    bind(leaves, arrays) {
      const feeds = Object.fromEntries(
        sent.map(({ name, leaf }, i) => [name, ortTensor(runtime, leaf, leaves[i])]),
      );
      const here = (): OrtTensor[] => state.map(({ leaf }, i) => ortTensor(runtime, leaf, arrays[i]));
      const held: Held = { values: undefined, session };
      const bound: ResidentRun<P> = {
        async run() {
          const before = held.values ?? here();
          const fed: Record<string, OrtTensor> = { ...feeds };
          for (const { name, leaf } of model.leaves) {
            const at = kept.get(leaf);
            if (at !== undefined) fed[name] = before[at];
          }
          let result: InferenceSession.OnnxValueMapType;
          try {
            result = await session.run(fed);
          } catch (error) {
            throw runFailed(error);
          }
          dispose(held);
          held.values = model.outputs.map((name) => result[name] as OrtTensor);
        },
        async pull(part) {
          if (held.values === undefined || !state.some((r) => r.part === part)) return;
          const read = await (await readerOf(part))(held.values);
          const places = state.flatMap((r, i) => (r.part === part ? [i] : []));
          for (const [k, i] of places.entries()) {
            const { data } = read[k];
            if (data.length !== arrays[i].length)
              throw new InternalError(`a device returned ${data.length} values for ${state[i].leaf}`);
            (arrays[i] as Float32Array).set(data as Float32Array);
          }
        },
        push() {
          dispose(held);
        },
      };
      collected.register(bound, held);
      return bound;
    },
  };
}
