/** Every transform with the parameters and points it is tested at: to be listed here is to be tested. */

import {
  greaterThan,
  independentConstraint,
  interval,
  nonNegative,
  real,
} from "../../../src/distributions/constraints.ts";
import { affine } from "../../../src/distributions/transforms/affine.ts";
import {
  inverseAutoregressive,
  maskedAutoregressive,
} from "../../../src/distributions/transforms/autoregressive.ts";
import { biject } from "../../../src/distributions/transforms/biject.ts";
import { compose } from "../../../src/distributions/transforms/compose.ts";
import { correlationCholesky } from "../../../src/distributions/transforms/correlation-cholesky.ts";
import { affineCoupling, splineCoupling } from "../../../src/distributions/transforms/coupling.ts";
import { exp } from "../../../src/distributions/transforms/exp.ts";
import { identity } from "../../../src/distributions/transforms/identity.ts";
import { interval as intervalTransform } from "../../../src/distributions/transforms/interval.ts";
import { inverse } from "../../../src/distributions/transforms/inverse.ts";
import { lowerCholesky } from "../../../src/distributions/transforms/lower-cholesky.ts";
import { made } from "../../../src/distributions/transforms/made.ts";
import { ordered } from "../../../src/distributions/transforms/ordered.ts";
import { permute, reverse } from "../../../src/distributions/transforms/permute.ts";
import { planar } from "../../../src/distributions/transforms/planar.ts";
import { positiveOrdered } from "../../../src/distributions/transforms/positive-ordered.ts";
import { power } from "../../../src/distributions/transforms/power.ts";
import { sigmoid } from "../../../src/distributions/transforms/sigmoid.ts";
import { softplus } from "../../../src/distributions/transforms/softplus.ts";
import { rationalQuadraticSpline } from "../../../src/distributions/transforms/spline.ts";
import { stickBreaking } from "../../../src/distributions/transforms/stick-breaking.ts";
import { tanh } from "../../../src/distributions/transforms/tanh.ts";
import type { Transform } from "../../../src/distributions/transforms/transform.ts";
import { splineTransformer } from "../../../src/distributions/transforms/transformer.ts";
import { activation } from "../../../src/nn/activation.ts";
import { dense } from "../../../src/nn/dense.ts";
import type { Layer } from "../../../src/nn/layer.ts";
import { sequential } from "../../../src/nn/sequential.ts";
import type { DType, Nested } from "../../../src/tensor/dtype.ts";
import type { Initializer } from "../../../src/tensor/leaf.ts";
import { sizeOf } from "../../../src/tensor/shape.ts";
import type { Tensor } from "../../../src/tensor/tensor.ts";

/** One use of a transform. */
export interface TransformCase {
  /** Unique; starts with the transform's name. */
  readonly name: string;
  /** Floats, by the names that `make` takes. */
  readonly parameters: Readonly<Record<string, Nested>>;
  /** Networks inside it have fixed weights of this dtype. */
  readonly make: (parameters: Readonly<Record<string, Tensor>>, dtype: DType) => Transform;
  /** Values of the domain, of shape [n] + event, at which the round trip holds in float64. */
  readonly points: Nested;
}

/** Weights that differ and do not vanish, the same wherever a network is built. */
const waves: Initializer = {
  name: "waves",
  values: (shape) => Float64Array.from({ length: sizeOf(shape) }, (_, k) => 0.8 * Math.sin(1.7 * k + 0.3)),
};

const network = (inputs: number, outputs: number, dtype: DType): Layer =>
  sequential(
    dense(inputs, 5, { weightInit: waves, biasInit: waves, dtype }),
    activation("tanh"),
    dense(5, outputs, { weightInit: waves, biasInit: waves, dtype }),
  );

const numbers: Nested = [-12, -3, -0.7, 0, 0.2, 1, 4, 11];
const positives: Nested = [1e-6, 0.01, 0.5, 1, 3, 40];
const pairs: Nested = [
  [0, 0],
  [1.2, -0.4],
  [-2, 2.5],
  [0.3, 3.4],
];
const triples: Nested = [
  [0, 0, 0],
  [1, -2, 0.5],
  [-0.3, 0.8, 2.2],
  [2.9, -3.6, 0.1],
];
const sextuples: Nested = [
  [0, 0, 0, 0, 0, 0],
  [0.2, -1, 0.7, 2, -0.4, -2],
];

/** The registry: uses of every transform, on which the conformance tests walk. */
export const transformCases: readonly TransformCase[] = [
  { name: "identity", parameters: {}, make: () => identity, points: numbers },
  { name: "exp", parameters: {}, make: () => exp, points: numbers },
  { name: "sigmoid", parameters: {}, make: () => sigmoid, points: numbers },
  { name: "softplus", parameters: {}, make: () => softplus, points: [-300, ...(numbers as number[]), 300] },
  { name: "tanh", parameters: {}, make: () => tanh, points: [-6, -2, -0.3, 0, 1e-5, 0.8, 5] },
  {
    name: "affine scale",
    parameters: { loc: 1.5, scale: -0.4 },
    make: ({ loc, scale }) => affine(loc, scale),
    points: numbers,
  },
  {
    name: "affine logScale",
    parameters: { loc: [0.5], logScale: [2] },
    make: ({ loc, logScale }) => affine(loc, { logScale }),
    points: numbers,
  },
  { name: "affine of plain numbers", parameters: {}, make: () => affine(2, 3), points: numbers },
  {
    name: "power",
    parameters: { exponent: 1.7 },
    make: ({ exponent }) => power(exponent),
    points: positives,
  },
  { name: "power of a plain number", parameters: {}, make: () => power(-2), points: positives },
  { name: "stickBreaking", parameters: {}, make: () => stickBreaking, points: triples },
  { name: "stickBreaking of one", parameters: {}, make: () => stickBreaking, points: [[-3], [0], [2]] },
  { name: "ordered", parameters: {}, make: () => ordered, points: triples },
  { name: "ordered of one", parameters: {}, make: () => ordered, points: [[-3], [2]] },
  { name: "positiveOrdered", parameters: {}, make: () => positiveOrdered, points: triples },
  { name: "correlationCholesky", parameters: {}, make: () => correlationCholesky, points: triples },
  { name: "lowerCholesky", parameters: {}, make: () => lowerCholesky(), points: sextuples },
  {
    name: "lowerCholesky softplus",
    parameters: {},
    make: () => lowerCholesky({ diagonal: softplus }),
    points: sextuples,
  },
  { name: "permute", parameters: {}, make: () => permute([2, 0, 1]), points: triples },
  { name: "reverse", parameters: {}, make: () => reverse, points: triples },
  { name: "inverse(exp)", parameters: {}, make: () => inverse(exp), points: positives },
  {
    name: "compose element-wise",
    parameters: { loc: 1, scale: 2 },
    make: ({ loc, scale }) => compose(affine(loc, scale), tanh, exp),
    points: [-3, -0.5, 0, 1],
  },
  {
    name: "compose of different event ranks",
    parameters: { loc: [1, 0, -1], scale: [2, 0.5, 1] },
    make: ({ loc, scale }) => compose(affine(loc, scale), reverse, ordered, sigmoid),
    points: [
      [0, 0, 0],
      [0.5, -0.3, -2],
    ],
  },
  {
    name: "biject interval",
    parameters: { low: -1, high: 3 },
    make: ({ low, high }) => biject(interval(low, high)),
    points: [-8, -1, 0, 2, 8],
  },
  {
    name: "interval of plain numbers",
    parameters: {},
    make: () => intervalTransform(-2, 0.5),
    points: [-8, -1, 0, 2, 8],
  },
  {
    name: "biject greaterThan",
    parameters: { low: -1 },
    make: ({ low }) => biject(greaterThan(low), { positive: "softplus" }),
    points: [-8, -1, 0, 2, 8],
  },
  { name: "biject nonNegative", parameters: {}, make: () => biject(nonNegative), points: numbers },
  {
    name: "biject independent",
    parameters: {},
    make: () => biject(independentConstraint(interval(0, 2), 1)),
    points: triples,
  },
  {
    name: "biject independent real",
    parameters: {},
    make: () => biject(independentConstraint(real, 1)),
    points: triples,
  },
  {
    name: "planar",
    parameters: { u: [1, -2, 0.5], w: [0.7, 1.1, -0.3], b: 0.2 },
    make: ({ u, w, b }) => planar({ u, w, b }),
    points: triples,
  },
  {
    name: "affineCoupling",
    parameters: {},
    make: (_, dtype) => affineCoupling({ size: 3, conditioner: network(1, 4, dtype) }),
    points: triples,
  },
  {
    name: "affineCoupling keeps the last, with context",
    parameters: { context: [0.4, -1] },
    make: ({ context }, dtype) =>
      affineCoupling({ size: 3, keep: "last", kept: 2, context, conditioner: network(4, 2, dtype) }),
    points: triples,
  },
  {
    name: "rationalQuadraticSpline",
    parameters: { widths: [0.1, -1, 2, 0.3], heights: [1, 0.2, -0.5, 0], derivatives: [0.4, -2, 1.5] },
    make: ({ widths, heights, derivatives }) =>
      rationalQuadraticSpline({ widths, heights, derivatives }, { bound: 3 }),
    points: [-5, -2.9, -1.3, 0, 0.4, 1.1, 2.7, 3.5],
  },
  {
    name: "splineCoupling",
    parameters: {},
    make: (_, dtype) => splineCoupling({ size: 3, bins: 4, bound: 3, conditioner: network(1, 22, dtype) }),
    points: triples,
  },
  {
    name: "maskedAutoregressive",
    parameters: {},
    make: (_, dtype) =>
      maskedAutoregressive({
        size: 3,
        network: made({ size: 3, outputs: 2, hidden: [6], activation: "tanh", outputInit: waves, dtype }),
      }),
    points: triples,
  },
  {
    name: "maskedAutoregressive of splines",
    parameters: {},
    make: (_, dtype) =>
      maskedAutoregressive({
        size: 2,
        transformer: splineTransformer({ bins: 4 }),
        network: made({ size: 2, outputs: 11, hidden: [6], activation: "tanh", outputInit: waves, dtype }),
      }),
    points: pairs,
  },
  {
    name: "inverseAutoregressive with context",
    parameters: { context: [0.4, -1] },
    make: ({ context }, dtype) =>
      inverseAutoregressive({
        size: 3,
        context,
        network: made({
          size: 3,
          outputs: 2,
          hidden: [6],
          context: 2,
          activation: "tanh",
          outputInit: waves,
          dtype,
        }),
      }),
    points: triples,
  },
];
