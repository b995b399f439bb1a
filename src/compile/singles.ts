/** Values that the host's code keeps in float32: in one memory, where products and functions work on them with vector instructions. */
import type { Float32Kernels } from "../kernels/index.ts";
import type { HostArray, Tensor } from "../tensor/index.ts";

/** An array of float32 that is not there yet. */
export class Single {
  readonly length: number;
  /** Its values, if they never change. */
  readonly values: ArrayLike<number> | undefined;
  /** The array that it is a part of. */
  readonly of: Single | undefined;
  /** Its first element in that one. */
  readonly start: number;

  constructor(
    length: number,
    {
      values,
      of,
      start = 0,
    }: { readonly values?: ArrayLike<number>; readonly of?: Single; readonly start?: number } = {},
  ) {
    this.length = length;
    this.values = values;
    this.of = of;
    this.start = start;
  }
}

/** Fills an array in float32 from the inputs. */
export type SingleCall = (out: Float32Array, ...inputs: HostArray[]) => void;

/** The memory, once it is there. */
export interface SinglePlaces {
  arrayOf(single: Single): Float32Array;
  readonly kernels: Float32Kernels;
  /** The address of scratch for products. */
  readonly panel: number;
}

/** A kernel, which is made when the memory is there. */
export interface SingleKernel {
  on(places: SinglePlaces): SingleCall;
}

/** What is computed in float32. */
export interface Singles {
  /** The kernel of a node whose result and inputs are in the memory, if it has one. */
  kernelOf(node: Tensor): SingleKernel | undefined;
}
