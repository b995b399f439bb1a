import type { Program, Tensor } from "tightbound";
import { tensor } from "tightbound";
import { gather } from "tightbound/tensor";

/** A Stan program of posteriordb, in our words. */
export interface StanProgram {
  /** posteriordb's. */
  readonly name: string;
  /** The program over its data, in posteriordb's fields. Sites have the names of Stan's parameters. */
  readonly over: (data: unknown) => Program<[]>;
  /** Sites that Stan has as several parameters: those, side by side along the last axis. */
  readonly joined: ReadonlyMap<string, readonly string[]>;
}

/** An entry: its name, and its program as a function of its data. */
export const program = <D>(
  name: string,
  over: (data: D) => Program<[]>,
  joined: Readonly<Record<string, readonly string[]>> = {},
): StanProgram => ({ name, over: (data) => over(data as D), joined: new Map(Object.entries(joined)) });

/** The elements or rows of `values` at these numbers, counted from 1. */
export const at = (values: Tensor, numbers: readonly number[]): Tensor =>
  gather(values, tensor(numbers.map((n) => n - 1)).cast("int64"));

export type Column = readonly number[];
export type Matrix = readonly Column[];

export const meanOf = (x: Column): number => x.reduce((sum, v) => sum + v, 0) / x.length;
export const sdOf = (x: Column): number =>
  Math.sqrt(x.reduce((sum, v) => sum + (v - meanOf(x)) ** 2, 0) / (x.length - 1));
/** Columns side by side: [rows, columns]. */
export const beside = (...columns: readonly Column[]): Tensor =>
  tensor(columns[0].map((_, row) => columns.map((column) => column[row])));
