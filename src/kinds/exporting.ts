/** Functions of a trained model as ONNX files, for any ONNX runtime and any number of rows. */
import { ArrayValue, compile, freeRows, lowerToOnnx, ROWS, simplify } from "../compile/index.ts";
import type { ParameterValues } from "../models/index.ts";
import type { NamedParameter } from "../nn/index.ts";
import { input, type Tensor } from "../tensor/index.ts";
import type { Exported } from "./kind.ts";

/** An input of an exported function: rows of `width` numbers. */
export interface ExportInput {
  readonly name: string;
  readonly width: number;
  readonly tried: Exported["inputs"][number]["tried"];
}

/** A function of rows, and its inputs. */
export interface ExportFunction {
  /** Name of the file, without extension. */
  readonly name: string;
  readonly inputs: readonly ExportInput[];
  /** Outputs by name, each [rows, width], of inputs [rows, width]. */
  of(...inputs: readonly Tensor[]): Readonly<Record<string, Tensor>>;
  readonly parameters: ParameterValues;
  /** Names of the parameters in the file. */
  readonly named: readonly NamedParameter[];
}

/** A function as an ONNX model, including its weights. @param rows per call; absent: any number */
export function exported(fn: ExportFunction, rows?: number): Exported {
  const { name, parameters } = fn;
  const names = new Map(fn.named.map((p) => [p.tensor, p.name]));
  const traced = (count: number) => {
    const leaves = fn.inputs.map((one) => input(one.name, [count, one.width]));
    return { leaves, outputs: fn.of(...leaves) };
  };
  const lowered = (count: number) => {
    const { leaves, outputs } = traced(count);
    const options = {
      outputNames: Object.keys(outputs),
      nameLeaf: (t: Tensor, i: number) => fn.inputs[leaves.indexOf(t)]?.name ?? names.get(t) ?? `l${i}`,
      weights: parameters,
    };
    return { graph: simplify(Object.values(outputs)), options };
  };
  const bytes = (): Uint8Array => {
    if (rows === undefined) {
      const lower = (count: number) => {
        const { graph, options } = lowered(count);
        return lowerToOnnx(graph, options);
      };
      return freeRows(lower, fn.inputs[0].name).bytes;
    }
    const { graph, options } = lowered(rows);
    return lowerToOnnx(graph, options).bytes;
  };
  const first = rows ?? ROWS;
  const own = compile((...leaves: Tensor[]) => fn.of(...leaves), { parameters });
  return {
    name,
    bytes: bytes(),
    inputs: fn.inputs.map(({ name: key, width, tried }) => ({ name: key, shape: [first, width], tried })),
    outputs: Object.entries(traced(1).outputs).map(([key, t]) => ({
      name: key,
      shape: [first, ...t.shape.slice(1)],
    })),
    async compute(values) {
      const feeds = fn.inputs.map(({ name: key, width }) => {
        const given = values[key];
        return new ArrayValue([given.length / width, width], "float32", given);
      });
      const results: Readonly<Record<string, ArrayValue>> = await own(...feeds);
      return Object.fromEntries(
        Object.entries(results).map(([key, { data }]) => [key, data as Float32Array]),
      );
    },
  };
}
