/**
 * Differentiable maps with the logarithm of their Jacobian's determinant, including flows.
 *
 * @module
 */
export { AffineTransform, affine } from "./affine.ts";
export { angle } from "./angle.ts";
export { type AutoregressiveOptions, inverseAutoregressive, maskedAutoregressive } from "./autoregressive.ts";
export { type BijectOptions, biject } from "./biject.ts";
export { compose } from "./compose.ts";
export { correlation } from "./correlation.ts";
export { correlationCholesky } from "./correlation-cholesky.ts";
export { affineCoupling, type CouplingOptions, coupling, splineCoupling } from "./coupling.ts";
export { exp } from "./exp.ts";
export { identity } from "./identity.ts";
export { interval } from "./interval.ts";
export { inverse } from "./inverse.ts";
export { lowerCholesky } from "./lower-cholesky.ts";
export { type Made, type MadeOptions, made } from "./made.ts";
export { ordered } from "./ordered.ts";
export { permute, reverse } from "./permute.ts";
export { type PlanarParameters, planar } from "./planar.ts";
export { positiveDefinite } from "./positive-definite.ts";
export { positiveOrdered } from "./positive-ordered.ts";
export { PowerTransform, power } from "./power.ts";
export { sigmoid } from "./sigmoid.ts";
export { softplus } from "./softplus.ts";
export { rationalQuadraticSpline, type SplineParameters } from "./spline.ts";
export { stickBreaking } from "./stick-breaking.ts";
export { tanh } from "./tanh.ts";
export {
  type ElementwiseRule,
  elementwise,
  Transform,
  type TransformSpec,
  type ValueAndLogDet,
} from "./transform.ts";
export { affineTransformer, splineTransformer, type Transformer } from "./transformer.ts";
export { unitVector } from "./unit-vector.ts";
export { withParameters } from "./with-parameters.ts";
