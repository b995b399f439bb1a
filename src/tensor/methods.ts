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
    add(other: TensorLike): Tensor;
    sub(other: TensorLike): Tensor;
    mul(other: TensorLike): Tensor;
    div(other: TensorLike): Tensor;
    pow(exponent: TensorLike): Tensor;
    maximum(other: TensorLike): Tensor;
    minimum(other: TensorLike): Tensor;
    clip(low: TensorLike, high: TensorLike): Tensor;
    neg(): Tensor;
    abs(): Tensor;
    sqrt(): Tensor;
    square(): Tensor;
    exp(): Tensor;
    log(): Tensor;
    tanh(): Tensor;
    sigmoid(): Tensor;
    softplus(): Tensor;
    relu(): Tensor;
    less(other: TensorLike): Tensor;
    lessEqual(other: TensorLike): Tensor;
    greater(other: TensorLike): Tensor;
    greaterEqual(other: TensorLike): Tensor;
    equal(other: TensorLike): Tensor;
    cast(dtype: DType): Tensor;
    matmul(other: Tensor, options?: MatmulOptions): Tensor;
    sum(axes?: Axes, options?: ReduceOptions): Tensor;
    mean(axes?: Axes, options?: ReduceOptions): Tensor;
    max(axes?: Axes, options?: ReduceOptions): Tensor;
    min(axes?: Axes, options?: ReduceOptions): Tensor;
    logsumexp(axes?: Axes, options?: ReduceOptions): Tensor;
    softmax(axis?: number): Tensor;
    reshape(shape: Shape): Tensor;
    flatten(start?: number): Tensor;
    transpose(permutation?: readonly number[]): Tensor;
    expand(shape: Shape): Tensor;
    squeeze(axis: number): Tensor;
    unsqueeze(axis: number): Tensor;
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
