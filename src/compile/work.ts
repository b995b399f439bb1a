import { prefersOwnKernels } from "#platform/runtime";
import {
  cholesky,
  choleskyAdjoint,
  cos,
  exp,
  expm1,
  gather,
  isScan,
  isScanPart,
  log,
  log1p,
  logOfTerms,
  matmul,
  pow,
  type ScanNode,
  sigmoid,
  sin,
  slice,
  softmax,
  softplus,
  someNode,
  type Tensor,
  tanh,
  triangularSolve,
  usesVectors,
} from "../tensor/index.ts";
import type { Executor } from "./compile.ts";
import { isConvolution, isElementwise, topological } from "./graph.ts";
import { simplify } from "./simplify.ts";

const functions = [cos, exp, expm1, log, log1p, logOfTerms, pow, sigmoid, sin, softmax, softplus, tanh];

/** The number of nodes, including passes over elements, that lgamma and similar ops expand to natively. */
const EXPANSION = 30;

/** The approximate cost of one node, in nanoseconds. */
interface Cost {
  readonly host: number;
  readonly native: number;
}

function costOf(node: Tensor): Cost {
  if (node.op.host === "leaf") return { host: 0, native: 0 };
  if (node.op.host === "alias" || isScanPart(node)) return { host: 0, native: 500 };
  if (isScan(node)) return loopCost(node);
  // A slice or gathered rows are copied out of an array that is not read as a whole.
  const isCopied = slice.is(node) || gather.is(node);
  const elements = isCopied ? node.size : Math.max(node.size, ...node.inputs.map((t) => t.size));
  if (matmul.is(node)) {
    const [a] = node.inputs;
    const products = node.size * a.shape[a.rank - (node.attributes.transposeA ? 2 : 1)];
    // With few columns nothing that was read is used again, and the runtime waits for memory.
    const isNarrow = node.shape[node.rank - 1] <= 4;
    const host = usesVectors(node) ? 200 + 0.4 * products + node.size : 50 + 2 * products;
    return { host, native: 500 + (isNarrow ? 1.2 : 0.3) * products };
  }
  if (functions.some((f) => f.is(node))) return { host: 15 + 12 * elements, native: 500 + 2 * elements };
  if (cholesky.is(node) || choleskyAdjoint.is(node) || triangularSolve.is(node)) return factorCost(node);
  const { native } = node.op;
  const isExpanded = !isElementwise(node) && typeof native === "object" && !("onnx" in native);
  if (isExpanded) return { host: 50 + 40 * elements, native: EXPANSION * (500 + 0.4 * elements) };
  return { host: 15 + 1.2 * elements, native: 500 + 0.4 * elements };
}

/** What the runtime does for each step of a loop besides its nodes, in nanoseconds. */
const STEP = 4_000;

/** Factors and triangular systems: on the host n² products for each column, natively a loop over n rows. */
function factorCost(node: Tensor): Cost {
  const n = node.shape[node.rank - 2];
  const products = (node.size * n) / (cholesky.is(node) ? 6 : choleskyAdjoint.is(node) ? 3 : 2);
  // Natively the derivative of a factor is two triangular systems.
  const loops = choleskyAdjoint.is(node) ? 2 : 1;
  return { host: 50 + 1.5 * products, native: loops * n * (STEP + 3_000) + 0.3 * products };
}

function loopCost(node: ScanNode): Cost {
  const { body, length } = node.attributes;
  const costs = topological(body.outputs).map(costOf);
  const host = costs.reduce((total, cost) => total + cost.host, 0);
  const native = costs.reduce((total, cost) => total + cost.native, STEP);
  return { host: length * host, native: length * native };
}

/** The cost of one call of the native runtime. */
const CALL = 25_000;

const isHostOnly = (node: Tensor): boolean => {
  const { native } = node.op;
  return typeof native === "object" && "unsupported" in native;
};

/**
 * The executor that is likely to be faster for a graph, from its nodes and their sizes, so that the choice is the same on every machine.
 * The host takes about 15 ns for a node and one or two nanoseconds for an element; the runtime takes 25 µs for a call, half a microsecond
 * for a node and a fraction of a nanosecond for an element. (Measured on log densities with their gradients, host against native, in µs:
 * an unrolled GARCH of 200 steps 170 and 1,356, a regression of 434 rows by 4 columns 5 and 54, of 5,000 by 24, whose products the host
 * computes with vector instructions, 90 and 340.) Always the host if an op has no native form. In a page whose runtime has one thread the host is faster
 * (a gradient of logistic regression with 10,000 rows and 50 columns took it 1.2 to 2.1 ms, and the runtime 2.0 to 2.5), and needs no runtime; only convolutions are not.
 */
export function chooseExecutor(outputs: readonly Tensor[]): Executor {
  const simple = simplify(outputs);
  if (someNode(simple, isHostOnly)) return "host";
  if (prefersOwnKernels({ threads: undefined }) && !someNode(simple, isConvolution)) return "host";
  const costs = topological(simple).map(costOf);
  const host = costs.reduce((total, cost) => total + cost.host, 0);
  const native = costs.reduce((total, cost) => total + cost.native, CALL);
  return host <= native ? "host" : "native";
}

/** Roughly how long a run of a graph takes on the host, in nanoseconds; the same on every machine. */
export const hostWork = (outputs: readonly Tensor[]): number =>
  topological(simplify(outputs)).reduce((total, node) => total + costOf(node).host, 0);
