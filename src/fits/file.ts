/** A fit's file while it is written or read: tensors by name, and other values as metadata. */
import { ArrayValue } from "../compile/index.ts";
import { CheckpointError, InternalError } from "../errors.ts";
import type { Json, SafetensorsDtype, StoredTensor } from "../files/index.ts";
import type { DType, Shape } from "../tensor/index.ts";

const FORMATS: Readonly<Record<DType, SafetensorsDtype>> = {
  float32: "F32",
  float64: "F64",
  int32: "I32",
  int64: "I64",
  bool: "BOOL",
};

/** Collects what is written. */
export class FitWriter {
  readonly tensors: StoredTensor[] = [];
  readonly notes: Record<string, Json> = {};

  put(at: string, { shape, dtype, data }: ArrayValue): void {
    if (data instanceof BigInt64Array !== (dtype === "int64"))
      throw new InternalError(`'${at}' is ${dtype} and holds ${data.constructor.name}`);
    this.tensors.push({ name: at, shape, dtype: FORMATS[dtype], data });
  }

  note(at: string, value: Json): void {
    this.notes[at] = value;
  }
}

/** Reads a file. Throws if a requested entry is missing. */
export class FitReader {
  readonly #path: string;
  readonly #tensors: ReadonlyMap<string, StoredTensor>;
  readonly #notes: ReadonlyMap<string, unknown>;

  constructor(path: string, tensors: readonly StoredTensor[], notes: ReadonlyMap<string, unknown>) {
    this.#path = path;
    this.#tensors = new Map(tensors.map((t) => [t.name, t]));
    this.#notes = notes;
  }

  /** @param shape the expected shape, if it is known */
  get(at: string, dtype?: DType, shape?: Shape): ArrayValue {
    const found = this.#tensors.get(at);
    if (found === undefined) throw this.fault(at, "a tensor", "none");
    const known = (["float32", "float64", "int32", "int64", "bool"] as const).find(
      (d) => FORMATS[d] === found.dtype,
    );
    if (known === undefined || (dtype !== undefined && known !== dtype))
      throw this.fault(at, dtype === undefined ? "a known dtype" : FORMATS[dtype], found.dtype);
    if (shape !== undefined && shape.join() !== found.shape.join())
      throw this.fault(at, `shape [${shape.join(", ")}]`, `[${found.shape.join(", ")}]`);
    return new ArrayValue(found.shape, known, found.data);
  }

  noted<T>(at: string, what: string, is: (value: unknown) => value is T): T {
    const value = this.#notes.get(at);
    if (is(value)) return value;
    throw this.fault(at, what, JSON.stringify(value) ?? "none");
  }

  fault(at: string, expected: string, found: string): CheckpointError {
    return new CheckpointError(
      `${this.#path}: '${at}': expected ${expected}, found ${found}. The file was written by another version of tightbound, or was edited: ` +
        "fit again.",
    );
  }
}

/** How values of one type are written and read. */
export interface Codec<T> {
  write(at: string, value: T, file: FitWriter): void;
  read(at: string, file: FitReader): T;
}
