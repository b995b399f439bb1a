/** The build of ONNX Runtime for graphics processors. */
import { TightboundError, UsageError } from "../../errors.ts";
import type { Runtime, Session } from "../node/runtime.ts";
import { onnxRuntimeWeb, releasedWhenCollected } from "./onnxruntime-web.ts";

const INSTEAD = "Or leave out the device: the processor computes the same.";

const noDevice = (found: string): UsageError =>
  new UsageError(
    `device webgpu: expected a browser with WebGPU and a graphics processor that it may use; found ${found}. ${INSTEAD}`,
  );

/** Asks as the runtime will. Without an adapter it would go on, on the processor. @throws UsageError when there is none. */
async function checkAdapter(): Promise<void> {
  const { gpu } = navigator as { readonly gpu?: GPU };
  if (gpu === undefined) {
    throw noDevice(
      globalThis.isSecureContext
        ? "no navigator.gpu. Use a newer browser, or switch WebGPU on in this one"
        : "no navigator.gpu, which only pages from https or localhost have. Serve the page from there",
    );
  }
  if ((await gpu.requestAdapter()) === null) {
    throw noDevice(
      "no adapter (requestAdapter gave null). Switch graphics acceleration on in the browser's settings; its page about graphics (chrome://gpu, " +
        "about:support) says what keeps it from the graphics processor, such as an old driver",
    );
  }
}

/** What devices have said: that they are lost, or an error that no promise brings. */
class Complaints {
  #first: string | undefined;
  readonly #heard = new WeakSet<GPUDevice>();

  hear(device: GPUDevice): void {
    if (this.#heard.has(device)) return;
    this.#heard.add(device);
    device.addEventListener("uncapturederror", ({ error }) => {
      this.#first ??= error.message;
    });
    void device.lost.then(({ reason, message }) => {
      // The runtime destroys its device with its last session.
      if (reason !== "destroyed") this.#first ??= message;
    });
  }

  /** @throws TightboundError when there was one: what was computed since may be wrong. */
  check(): void {
    if (this.#first !== undefined) throw failed(this.#first);
  }
}

const failed = (what: string): TightboundError =>
  new TightboundError(
    `device webgpu: the graphics processor failed, and what it held is lost: ${what}. Load the page again and go on from the last checkpoint, ` +
      "with a smaller model or minibatch if its memory was full, or without the device.",
  );

/** @throws UsageError when there is no graphics processor to be used. */
export async function loadWebGpu(): Promise<Runtime> {
  await checkAdapter();
  const ort = await onnxRuntimeWeb(import("onnxruntime-web/webgpu"));
  ort.env.logLevel = "error";
  // It computes on the processor only what the device does not have.
  ort.env.wasm.numThreads = 1;
  const complaints = new Complaints();
  let turn: Promise<unknown> = Promise.resolve();
  /** The runtime waits for the device in the middle of its work, and must not be called meanwhile. */
  const inTurn = <T>(work: () => Promise<T>): Promise<T> => {
    const result = turn.then(async () => {
      complaints.check();
      const value = await work().catch((error: Error) => {
        complaints.check();
        throw /device was lost/i.test(error.message) ? failed("its device was lost") : error;
      });
      const device: GPUDevice | undefined = await ort.env.webgpu.device;
      if (device !== undefined) complaints.hear(device);
      complaints.check();
      return value;
    });
    turn = result.catch(() => undefined);
    return result;
  };
  return {
    Tensor: ort.Tensor,
    writesInPlace: false,
    threadsPerSession: false,
    noDevice,
    noFloat64: (op) =>
      new UsageError(
        `device webgpu: ${op} is computed in float64, which the runtime for graphics processors does not have in a page. Use float32 (cast), ` +
          "or leave out the device.",
      ),
    createSession: async (bytes, options) => {
      const session = await inTurn(() => ort.InferenceSession.create(bytes, options));
      const inTurns: Session = {
        run: (feeds, fetches) => inTurn(() => session.run(feeds, fetches)),
        release: () => inTurn(() => session.release()),
      };
      return releasedWhenCollected(inTurns);
    },
  };
}
