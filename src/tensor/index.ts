/**
 * Symbolic tensors and their operations.
 *
 * @module
 */
import "./methods.ts";

export type { DType, Nested, TypedArray } from "./dtype.ts";
export { allocate, convert, isFloat, isInteger } from "./dtype.ts";
export { type EinsumOperands, einsum } from "./einsum.ts";
export { grad, vjp } from "./grad.ts";
export type { Lane } from "./lanes.ts";
export { alignBatch, fullBatch, jointBatch } from "./lanes.ts";
export {
  arange,
  type ConstantAttributes,
  constant,
  type Draws,
  eye,
  full,
  type Initializer,
  input,
  isConstant,
  isInput,
  isNoise,
  isParameter,
  type Leaf,
  type NoiseAttributes,
  type NoiseKind,
  noise,
  ones,
  operands,
  type ParameterAttributes,
  parameter,
  scalar,
  type TensorLike,
  tensor,
  zeros,
} from "./leaf.ts";
export { type OdeintOptions, odeint } from "./odeint.ts";
export {
  type Attributes,
  type DefinedOp,
  defineOp,
  type HostArray,
  type HostFold,
  type HostKernel,
  type HostLayout,
  type HostLowering,
  type NativeLowering,
  type NoAttributes,
  type NodeOf,
  type OnnxAttribute,
  type OnnxBuilder,
  type Op,
  type OpCase,
  type OpNode,
  type OpTest,
  on,
  ops,
  rebuild,
} from "./op.ts";
export * from "./ops/arithmetic.ts";
export { cast, onnxType } from "./ops/cast.ts";
export { choleskyAdjoint } from "./ops/cholesky-adjoint.ts";
export * from "./ops/comparison.ts";
export { conv2d, conv2dTranspose } from "./ops/conv.ts";
export {
  type Conv2dOptions,
  type Conv2dTransposeOptions,
  conv2dRules,
  conv2dTransposeRules,
  type Padding,
  type Pair,
} from "./ops/conv-geometry.ts";
export { type Conv1dOptions, conv1d } from "./ops/conv1d.ts";
export { type CumprodOptions, cumprod } from "./ops/cumprod.ts";
export { type Eigh, eigh } from "./ops/eigh.ts";
export type { Binary, Unary } from "./ops/elementwise.ts";
export { logdet, solve } from "./ops/elimination.ts";
export * from "./ops/gather.ts";
export { Equation, type EquationAt, type ImplicitNode, implicitly, isImplicit } from "./ops/implicit.ts";
export {
  cholesky,
  choleskyLogdet,
  choleskySolve,
  factorRows,
  solveRows,
  type TriangularSolveOptions,
  triangularSolve,
} from "./ops/linalg.ts";
export {
  fuseMatmulAdd,
  type MatmulAttributes,
  type MatmulOptions,
  matmul,
  startFromMatrix,
  transposeFirst,
  usesVectors,
} from "./ops/matmul.ts";
export { isOfOneProcess, isOverRanks, meanOverRanks } from "./ops/mean-over-ranks.ts";
export { expand, flatten, reshape, squeeze, transpose, unsqueeze } from "./ops/movement.ts";
export {
  erfc,
  erfcx,
  erfinv,
  logNormalCdf,
  normalCdf,
  normalLogQuantile,
  normalQuantile,
} from "./ops/normal-tails.ts";
export * from "./ops/parts.ts";
export {
  maxPool1d,
  maxPool2d,
  meanPool1d,
  meanPool2d,
  type Pool1dOptions,
  type Pool2dOptions,
} from "./ops/pool.ts";
export {
  type Axes,
  argmax,
  cumsum,
  logOfTerms,
  logSoftmax,
  logsumexp,
  max,
  mean,
  min,
  prod,
  type ReduceOptions,
  softmax,
  sum,
  variance,
} from "./ops/reduce.ts";
export {
  isScan,
  isScanPart,
  loop,
  ScanBody,
  type ScanNode,
  type ScanPart,
  type ScanResult,
  scanResults,
} from "./ops/scan.ts";
export { argsort, type SortOptions, sort, type TopK, takeAlong, topk } from "./ops/sort.ts";
export { digamma, erf, lgamma, polygamma } from "./ops/special.ts";
export { log1pMinus, stirlingRemainder } from "./ops/stirling.ts";
export { stopGradient } from "./ops/stop-gradient.ts";
export * from "./ops/transcendental.ts";
export { diagonal, tril, triu } from "./ops/triangles.ts";
export { where } from "./ops/where.ts";
export { recur, type Scanned } from "./recurrence.ts";
export {
  noiseOf,
  type Scan,
  type ScanOptions,
  type Step,
  scan,
  type Tensors,
  type TracedSteps,
  traceSteps,
} from "./scan.ts";
export type { Shape } from "./shape.ts";
export {
  batchStarts,
  broadcastShapes,
  broadcastStrides,
  checkShape,
  commonTail,
  formatShape,
  indexAt,
  reducedShape,
  sameShape,
  sizeOf,
  stridesOf,
} from "./shape.ts";
export {
  erfc as erfcOfNumber,
  lgamma as lgammaOfNumber,
  lgammaAboutTwo,
  log1pMinus as log1pMinusOfNumber,
  ndtri,
  stirlingRemainder as stirlingRemainderOfNumber,
} from "./special/index.ts";
export { nodesOf, substitute, substituteAll } from "./substitute.ts";
export { Tensor } from "./tensor.ts";
export { Batch, vmap } from "./vmap.ts";
export { allNodesOf, someNode } from "./walk.ts";
export { exactNumber, exactWhole } from "./whole.ts";
