/** What the host's code works on. */
import type { OwnFloat64Array } from "../arrays.ts";
import type { HostKernel } from "../tensor/index.ts";
import type { Single, SingleKernel } from "./singles.ts";

/** What code works on. The bodies of loops share it with the code around them. */
export class Workplace {
  readonly constants: Float64Array[] = [];
  readonly kernels: (HostKernel | SingleKernel)[] = [];
  readonly buffers: (OwnFloat64Array | Single)[] = [];
  /** Buffers that are also read under other names. */
  readonly viewed = new Set<string>();
  #variables = 0;

  buffer(array: OwnFloat64Array | Single): string {
    this.buffers.push(array);
    return `B${this.buffers.length - 1}`;
  }

  /** The numbers of constants, kernels and buffers. */
  get extent(): readonly number[] {
    return [this.constants.length, this.kernels.length, this.buffers.length];
  }

  /** Forgets what was made since. */
  backTo([constants, kernels, buffers]: readonly number[]): void {
    this.constants.length = constants;
    this.kernels.length = kernels;
    this.buffers.length = buffers;
  }

  /** A name that no other variable has. */
  variable(): string {
    return `v${this.#variables++}`;
  }
}
