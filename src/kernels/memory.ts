import type {
  OwnBigInt64Array,
  OwnFloat32Array,
  OwnFloat64Array,
  OwnInt32Array,
  OwnUint8Array,
  OwnUint32Array,
} from "../arrays.ts";
import { InternalError, UsageError } from "../errors.ts";
import { instantiateKernels, type Kernels, RESERVED_BYTES } from "./module.ts";
import type { ThreadedMemories, ThreadedMemory } from "./threaded.ts";

/** The typed array for each dtype; `bool` takes one byte for each element. */
export interface ArrayOf {
  readonly float32: OwnFloat32Array;
  readonly float64: OwnFloat64Array;
  readonly int32: OwnInt32Array;
  readonly uint32: OwnUint32Array;
  readonly int64: OwnBigInt64Array;
  readonly uint8: OwnUint8Array;
  readonly bool: OwnUint8Array;
}

export type Dtype = keyof ArrayOf;

const ARRAYS: {
  readonly [D in Dtype]: {
    readonly BYTES_PER_ELEMENT: number;
    new (buffer: ArrayBuffer, byteOffset: number, length: number): ArrayOf[D];
  };
} = {
  float32: Float32Array,
  float64: Float64Array,
  int32: Int32Array,
  uint32: Uint32Array,
  int64: BigInt64Array,
  uint8: Uint8Array,
  bool: Uint8Array,
};

/** A reserved range of a planned memory. */
export interface Slot<D extends Dtype = Dtype> {
  readonly name: string;
  readonly dtype: D;
  readonly elements: number;
  /** A multiple of 64. */
  readonly byteOffset: number;
  readonly byteLength: number;
}

/** The size of a cache line, and of the widest vector register. */
const ALIGNMENT = 64;
const PAGE_BYTES = 65536;
/** WebAssembly addresses are 32 bits wide, and that of the end of an array must be one. */
const LARGEST_BYTES = 65536 * PAGE_BYTES - ALIGNMENT;

const KERNELS_OF = new WeakMap<ArrayBufferLike, Kernels>();

/** The kernels that can work on this array in place: those of the planned memory that it views, or undefined. */
export const kernelsOf = (array: ArrayBufferView): Kernels | undefined => KERNELS_OF.get(array.buffer);

/**
 * Plans a WebAssembly memory before it exists. Growing a memory detaches every array that views it, and the
 * native runtime reads and writes tensors through such views. So everything is reserved first, the memory is made
 * once, and it never grows.
 *
 * ```ts
 * const plan = new MemoryPlan();
 * const noise = plan.reserve("noise", 100_352, "float32");
 * const memory = plan.allocate();
 * memory.view(noise).fill(0.5);
 * ```
 */
export class MemoryPlan {
  readonly #names = new Set<string>();
  #end = RESERVED_BYTES;
  #allocated = false;

  /**
   * Reserves `elements` of `dtype`, zero at first, starting at a multiple of 64 bytes.
   *
   * @throws UsageError when the name is taken, the count is not a non-negative integer, or the plan exceeds 4 GiB.
   */
  reserve<D extends Dtype>(name: string, elements: number, dtype: D): Slot<D> {
    if (this.#allocated) {
      throw new InternalError(
        `cannot reserve "${name}": this plan is already allocated, and memory never grows`,
      );
    }
    if (this.#names.has(name)) {
      throw new UsageError(`memory plan: the name "${name}" is taken; give every slot a name of its own`);
    }
    if (!Number.isSafeInteger(elements) || elements < 0) {
      throw new UsageError(
        `memory plan: "${name}" needs a non-negative whole number of elements, found ${elements}`,
      );
    }
    const byteLength = elements * ARRAYS[dtype].BYTES_PER_ELEMENT;
    const byteOffset = this.#end;
    const end = byteOffset + Math.ceil(byteLength / ALIGNMENT) * ALIGNMENT;
    if (end > LARGEST_BYTES) {
      throw new UsageError(
        `memory plan: "${name}" (${elements} × ${dtype}) brings the plan to ${end} bytes, and one memory ` +
          `holds at most ${LARGEST_BYTES} (4 GiB); use a smaller model or batch`,
      );
    }
    this.#names.add(name);
    this.#end = end;
    return { name, dtype, elements, byteOffset, byteLength };
  }

  /**
   * Makes the memory, all zeros, with the kernels on it. Can be called only once.
   *
   * @param onThreads see {@link threadsFor}; default: the kernels run on the calling thread
   * @throws UsageError when the machine cannot provide it.
   */
  allocate(onThreads?: ThreadedMemories): PlannedMemory {
    if (this.#allocated) throw new InternalError("this memory plan is already allocated");
    this.#allocated = true;
    const pages = Math.ceil(this.#end / PAGE_BYTES);
    const threaded = onThreads?.(pages);
    if (threaded !== undefined)
      return new PlannedMemory(threaded.buffer, threaded.kernels, { threads: threaded });
    let memory: WebAssembly.Memory;
    try {
      memory = new WebAssembly.Memory({ initial: pages, maximum: pages });
    } catch (cause) {
      throw new UsageError(
        `the model needs ${this.#end} bytes of memory, which this machine did not provide (${cause}); ` +
          "use a smaller model or batch",
        { cause },
      );
    }
    return new PlannedMemory(memory.buffer as ArrayBuffer, instantiateKernels(memory), { memory });
  }
}

/** A memory that a {@link MemoryPlan} described, with the kernels that work on it. */
export class PlannedMemory {
  readonly buffer: ArrayBuffer;
  readonly kernels: Kernels;
  /** The memory itself, for further kernels, unless threads share it. */
  readonly memory: WebAssembly.Memory | undefined;

  readonly #threads: Pick<ThreadedMemory, "helped" | "release"> | undefined;

  constructor(
    buffer: ArrayBuffer,
    kernels: Kernels,
    {
      memory,
      threads,
    }: {
      readonly memory?: WebAssembly.Memory;
      readonly threads?: Pick<ThreadedMemory, "helped" | "release">;
    },
  ) {
    this.buffer = buffer;
    this.kernels = kernels;
    this.memory = memory;
    this.#threads = threads;
    // A buffer over a shared memory does not keep it alive; the kernels do, for as long as anything views the buffer.
    KERNELS_OF.set(buffer, kernels);
  }

  /** Ends the threads of the kernels, if they have any: from then on they run on the calling thread. */
  release(): void {
    this.#threads?.release();
  }

  /** How many chunks of passes other threads than the calling one have done so far. */
  helped(): number {
    return this.#threads?.helped() ?? 0;
  }

  /** The slot as a typed array: a view, not a copy. */
  view<D extends Dtype>(slot: Slot<D>): ArrayOf[D] {
    if (slot.byteOffset + slot.byteLength > this.buffer.byteLength) {
      throw new InternalError(`slot "${slot.name}" is not of this memory`);
    }
    return new ARRAYS[slot.dtype](this.buffer, slot.byteOffset, slot.elements);
  }
}
