import { ShapeError } from "../errors.ts";
import {
  allocate,
  type ConstantAttributes,
  convert,
  type DType,
  formatShape,
  type Leaf,
  type Nested,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
  type TypedArray,
  tensor,
} from "../tensor/index.ts";

/** Computed numbers: a row-major typed array with its shape. */
export class ArrayValue {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly data: TypedArray;

  constructor(shape: Shape, dtype: DType, data: TypedArray = allocate(dtype, sizeOf(shape))) {
    if (data.length !== sizeOf(shape)) {
      throw new ShapeError(
        `array of shape ${formatShape(shape)}: expected ${sizeOf(shape)} values, found ${data.length}.`,
      );
    }
    this.shape = shape;
    this.dtype = dtype;
    this.data = data;
  }

  /** The only element. Throws ShapeError unless there is exactly one. */
  item(): number {
    if (this.data.length !== 1) {
      throw new ShapeError(
        `item: expected one element, found shape ${formatShape(this.shape)}; use toArray().`,
      );
    }
    return Number(this.data[0]);
  }

  /** Nested arrays of numbers (a plain number for a scalar). */
  toArray(): Nested {
    const build = (depth: number, start: number): Nested => {
      if (depth === this.shape.length) return Number(this.data[start]);
      const step = sizeOf(this.shape.slice(depth + 1));
      return Array.from({ length: this.shape[depth] }, (_, i) => build(depth + 1, start + i * step));
    };
    return build(0, 0);
  }
}

/** What a compiled function accepts for an argument. */
export type Feed = ArrayValue | Nested | TypedArray;

/**
 * The shape and dtype of an argument; numbers are float32, a typed array is one-dimensional.
 * @throws ShapeError when nested arrays are ragged, naming the place.
 */
export function toValue(feed: Feed): ArrayValue {
  if (feed instanceof ArrayValue) return feed;
  if (feed instanceof Float32Array) return new ArrayValue([feed.length], "float32", feed);
  if (feed instanceof Float64Array) return new ArrayValue([feed.length], "float64", feed);
  if (feed instanceof Int32Array) return new ArrayValue([feed.length], "int32", feed);
  if (feed instanceof BigInt64Array) return new ArrayValue([feed.length], "int64", feed);
  if (feed instanceof Uint8Array) return new ArrayValue([feed.length], "float32", convert(feed, "float32"));
  const { shape, attributes } = tensor(feed) as Leaf<ConstantAttributes>;
  return new ArrayValue(shape, "float32", convert(attributes.values, "float32"));
}

/** @throws ShapeError unless the value has the leaf's shape. */
export function checkFeed(name: string, leaf: Tensor, value: ArrayValue): void {
  if (!sameShape(leaf.shape, value.shape)) {
    throw new ShapeError(
      `${name}: expected shape ${formatShape(leaf.shape)}, found ${formatShape(value.shape)}.`,
    );
  }
}
