/** Ops as methods of {@link Tensor}, so that expressions read from left to right: `x.sub(mean).div(scale)`. */
import type { DType } from "./dtype.ts";
import type { TensorLike } from "./leaf.ts";
import { abs, add, clip, div, maximum, minimum, mul, neg, pow, sqrt, square, sub } from "./ops/arithmetic.ts";
import { cast } from "./ops/cast.ts";
import { equal, greater, greaterEqual, less, lessEqual } from "./ops/comparison.ts";
import { type MatmulOptions, matmul } from "./ops/matmul.ts";
import { expand, flatten, reshape, squeeze, transpose, unsqueeze } from "./ops/movement.ts";
import { slice } from "./ops/parts.ts";
import { type Axes, logsumexp, max, mean, min, type ReduceOptions, softmax, sum } from "./ops/reduce.ts";
import { exp, log, relu, sigmoid, softplus, tanh } from "./ops/transcendental.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

declare module "./tensor.ts" {
  interface Tensor {
    /** this + other, broadcast. */
    add(other: TensorLike): Tensor;
    /** this − other, broadcast. */
    sub(other: TensorLike): Tensor;
    /** this · other, element by element, broadcast. */
    mul(other: TensorLike): Tensor;
    /** this / other, broadcast. */
    div(other: TensorLike): Tensor;
    /** this to the power of `exponent`, broadcast. */
    pow(exponent: TensorLike): Tensor;
    /** The larger of this and other, element by element. */
    maximum(other: TensorLike): Tensor;
    /** The smaller of this and other, element by element. */
    minimum(other: TensorLike): Tensor;
    /** Values below `low` become `low`, above `high` become `high`. */
    clip(low: TensorLike, high: TensorLike): Tensor;
    /** −this. */
    neg(): Tensor;
    /** |this|. */
    abs(): Tensor;
    /** √this. */
    sqrt(): Tensor;
    /** this². */
    square(): Tensor;
    /** e to the power of this. */
    exp(): Tensor;
    /** Natural logarithm. */
    log(): Tensor;
    /** Hyperbolic tangent. */
    tanh(): Tensor;
    /** 1 / (1 + e^(−this)). */
    sigmoid(): Tensor;
    /** ln(1 + e^this). */
    softplus(): Tensor;
    /** max(this, 0). */
    relu(): Tensor;
    /** Whether this < other: bool. */
    less(other: TensorLike): Tensor;
    /** Whether this ≤ other: bool. */
    lessEqual(other: TensorLike): Tensor;
    /** Whether this > other: bool. */
    greater(other: TensorLike): Tensor;
    /** Whether this ≥ other: bool. */
    greaterEqual(other: TensorLike): Tensor;
    /** Whether this = other: bool. */
    equal(other: TensorLike): Tensor;
    /** The same values in another dtype. */
    cast(dtype: DType): Tensor;
    /** Matrix product over the last two dimensions; those before them broadcast. */
    matmul(other: Tensor, options?: MatmulOptions): Tensor;
    /** Sum over dimensions; over all without `axes`. */
    sum(axes?: Axes, options?: ReduceOptions): Tensor;
    /** Mean over dimensions; over all without `axes`. */
    mean(axes?: Axes, options?: ReduceOptions): Tensor;
    /** Largest value over dimensions; over all without `axes`. */
    max(axes?: Axes, options?: ReduceOptions): Tensor;
    /** Smallest value over dimensions; over all without `axes`. */
    min(axes?: Axes, options?: ReduceOptions): Tensor;
    /** ln Σ e^this over dimensions, without overflow; over all without `axes`. */
    logsumexp(axes?: Axes, options?: ReduceOptions): Tensor;
    /** e^this divided by its sum along a dimension, the last by default. */
    softmax(axis?: number): Tensor;
    /** The same values, row-major, in another shape; one size may be −1. */
    reshape(shape: Shape): Tensor;
    /** Merges the dimensions from `start` on (default 0) into one. */
    flatten(start?: number): Tensor;
    /** Dimensions in another order; reversed by default. */
    transpose(permutation?: readonly number[]): Tensor;
    /** Repeats along dimensions of size 1, and along new ones on the left. */
    expand(shape: Shape): Tensor;
    /** Removes a dimension of size 1. */
    squeeze(axis: number): Tensor;
    /** Inserts a dimension of size 1 before `axis`. */
    unsqueeze(axis: number): Tensor;
    /** A range along one dimension. */
    slice(options: Parameters<typeof slice>[1]): Tensor;
  }
}

type Method<A extends unknown[]> = (x: Tensor, ...rest: A) => Tensor;

function install<A extends unknown[]>(name: keyof Tensor, op: Method<A>): void {
  Object.defineProperty(Tensor.prototype, name, {
    value(this: Tensor, ...rest: A) {
      return op(this, ...rest);
    },
  });
}

install("add", add);
install("sub", sub);
install("mul", mul);
install("div", div);
install("pow", pow);
install("maximum", maximum);
install("minimum", minimum);
install("clip", clip);
install("neg", neg);
install("abs", abs);
install("sqrt", sqrt);
install("square", square);
install("exp", exp);
install("log", log);
install("tanh", tanh);
install("sigmoid", sigmoid);
install("softplus", softplus);
install("relu", relu);
install("less", less);
install("lessEqual", lessEqual);
install("greater", greater);
install("greaterEqual", greaterEqual);
install("equal", equal);
install("cast", cast);
install("matmul", matmul);
install("sum", sum);
install("mean", mean);
install("max", max);
install("min", min);
install("logsumexp", logsumexp);
install("softmax", softmax);
install("reshape", reshape);
install("flatten", flatten);
install("transpose", transpose);
install("expand", expand);
install("squeeze", squeeze);
install("unsqueeze", unsqueeze);
install("slice", slice);
