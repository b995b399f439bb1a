/** A graph whose state stays on the device that computes it, from run to run: only its inputs are sent there, and only its figures come back. */
import type { InferenceSession, Tensor as OrtTensor } from "onnxruntime-common";
import { InternalError } from "../errors.ts";
import type { Tensor, TypedArray } from "../tensor/index.ts";
import type { Device } from "./device.ts";
import { checkValues } from "./memory.ts";
import { lowerToOnnx, type OnnxModel } from "./onnx.ts";
import { createSession, ortTensor, runFailed, theRuntime } from "./runtime.ts";
import { simplify } from "./simplify.ts";

/** A leaf that stays on the device, and its value after a run. */
export interface Resident {
  readonly leaf: Tensor;
  /** Of the leaf's shape and dtype. */
  readonly next: Tensor;
}

/** A compiled graph with state on a device. */
export interface ResidentGraph {
  /** Leaves that are sent at each run, in the order in which they are bound. */
  readonly leaves: readonly Tensor[];
  /** Number of ONNX nodes. */
  readonly nodes: number;
  /** Fixes the arrays: what each run reads and writes, and where the state is kept while it is not on the device. */
  bind(
    leaves: readonly TypedArray[],
    outputs: readonly TypedArray[],
    state: readonly TypedArray[],
  ): ResidentRun;
}

/** A bound graph. */
export interface ResidentRun {
  /** One run. The first one, and the first after `push`, takes the state from its arrays. */
  run(): Promise<void>;
  /** Copies the state from the device into its arrays. */
  pull(): Promise<void>;
  /** Forgets the state on the device: the next run takes it from its arrays. */
  push(): void;
}

/** Compiles `outputs`, and the next values of a state that stays on `device`. */
export async function buildResident(
  outputs: readonly Tensor[],
  state: readonly Resident[],
  device: Device,
): Promise<ResidentGraph> {
  const all = [...outputs, ...state.map(({ next }) => next)];
  checkValues(all);
  const runtime = await theRuntime();
  const kept = new Map(state.map(({ leaf }, i) => [leaf, i]));
  const model = lowerToOnnx(simplify(all), { webgpu: device === "webgpu" });
  const [own, after] = [model.outputs.slice(0, outputs.length), model.outputs.slice(outputs.length)];
  const session = await createSession(runtime, model, {
    device,
    outputsOn: new Map(model.outputs.map((name, i) => [name, i < own.length ? "cpu" : "gpu-buffer"])),
  });
  const reader = await createReader(state);
  const sent = model.leaves.filter(({ leaf }) => !kept.has(leaf));

  /** Values of the runtime cannot be read on the device itself: a graph that copies them has its outputs here. */
  async function createReader(
    residents: readonly Resident[],
  ): Promise<(values: OrtTensor[]) => Promise<OrtTensor[]>> {
    const copy: OnnxModel = lowerToOnnx(residents.map(({ leaf }) => leaf));
    const copying = await createSession(runtime, copy, { device });
    return async (values) => {
      const feeds = Object.fromEntries(
        copy.leaves.map(({ name, leaf }) => [name, values[residents.findIndex((r) => r.leaf === leaf)]]),
      );
      const read = await copying.run(feeds);
      return copy.outputs.map((name) => read[name] as OrtTensor);
    };
  }

  return {
    leaves: sent.map(({ leaf }) => leaf),
    nodes: model.nodes,
    bind(leaves, written, arrays) {
      const feeds = Object.fromEntries(
        sent.map(({ name, leaf }, i) => [name, ortTensor(runtime, leaf, leaves[i])]),
      );
      const here = (): OrtTensor[] => state.map(({ leaf }, i) => ortTensor(runtime, leaf, arrays[i]));
      let there: OrtTensor[] | undefined;
      return {
        async run() {
          const before = there ?? here();
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
          own.forEach((name, i) => {
            (written[i] as Float32Array).set((result[name] as OrtTensor).data as Float32Array);
          });
          if (there !== undefined) for (const value of there) value.dispose();
          there = after.map((name) => result[name] as OrtTensor);
        },
        async pull() {
          if (there === undefined) return;
          const read = await reader(there);
          read.forEach(({ data }, i) => {
            if (data.length !== arrays[i].length)
              throw new InternalError(`a device returned ${data.length} values for ${state[i].leaf}`);
            (arrays[i] as Float32Array).set(data as Float32Array);
          });
        },
        push() {
          if (there !== undefined) for (const value of there) value.dispose();
          there = undefined;
        },
      };
    },
  };
}
