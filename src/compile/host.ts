/** The `host` executor: straight-line JavaScript over Float64Arrays, generated from a graph. */
import { InternalError } from "../errors.ts";
import {
  broadcastStrides,
  type HostArray,
  type HostKernel,
  isConstant,
  type Shape,
  sizeOf,
  type Tensor,
} from "../tensor/index.ts";
import { GeneratedCode, type HostRun, writeWhole } from "./generated-code.ts";
import { countUses, topological } from "./graph.ts";

/** An expression with more operators than this is stored in a variable: the JIT gives up on very long ones. */
const LARGEST_EXPRESSION = 24;

export type { HostRun };

export interface HostProgram {
  /** The leaves (inputs, parameters, noise) that must be bound, in this order. */
  readonly leaves: readonly Tensor[];
  /** Number of loops and kernels. */
  readonly nodes: number;
  /** Fixes the arrays to read and write. All arithmetic between them is in float64. */
  bind(leaves: readonly HostArray[], outputs: readonly (HostArray | BigInt64Array)[]): HostRun;
}

const expressionOf = (node: Tensor) =>
  typeof node.op.host === "object" && "expression" in node.op.host ? node.op.host.expression : undefined;

/** Follows reshapes and similar ops to the node that owns the memory. */
function owner(node: Tensor): Tensor {
  let t = node;
  while (t.op.host === "alias") t = t.inputs[0];
  return t;
}

function literal(value: number): string {
  if (Number.isNaN(value)) return "NaN";
  if (!Number.isFinite(value)) return value > 0 ? "Infinity" : "(-Infinity)";
  return value < 0 || Object.is(value, -0) ? `(-${-value})` : String(value);
}

/** A dimension of a fused loop: its size, and the stride of each operand along it. */
interface LoopDim {
  readonly size: number;
  readonly strides: readonly number[];
}

/** Merges neighbouring dimensions that every operand traverses as one. */
function collapse(shape: Shape, operands: readonly Shape[]): LoopDim[] {
  const all = operands.map((s) => broadcastStrides(s, shape));
  const dims: LoopDim[] = [];
  for (let d = 0; d < shape.length; d++) {
    if (shape[d] === 1) continue;
    const strides = all.map((s) => s[d]);
    const last = dims.at(-1);
    if (last?.strides.every((s, i) => s === strides[i] * shape[d])) {
      dims[dims.length - 1] = { size: last.size * shape[d], strides };
    } else {
      dims.push({ size: shape[d], strides });
    }
  }
  return dims;
}

/** Compiles `outputs` to JavaScript functions that run one after another. */
export function compileHost(outputs: readonly Tensor[]): HostProgram {
  const nodes = topological(outputs);
  const uses = countUses(nodes, outputs);
  const leaves = nodes.filter((t) => t.op.host === "leaf" && !isConstant(t));
  const users = new Map<Tensor, Tensor>();
  for (const node of nodes) for (const x of node.inputs) users.set(x, node);

  const weight = new Map<Tensor, number>();
  /** Whether a node is written into the one expression that reads it, instead of being stored. */
  const inlined = (t: Tensor): boolean => {
    const user = users.get(t);
    return (
      expressionOf(t) !== undefined &&
      uses.get(t) === 1 &&
      user !== undefined &&
      expressionOf(user) !== undefined &&
      t.size === user.size &&
      (weight.get(t) ?? 0) < LARGEST_EXPRESSION
    );
  };

  const constants: Float64Array[] = [];
  const kernels: HostKernel[] = [];
  const buffers: Float64Array[] = [];
  const names = new Map<Tensor, string>();
  const code = new GeneratedCode();

  const nameOf = (t: Tensor): string => {
    const name = names.get(owner(t));
    if (name === undefined) throw new InternalError(`${t} is read before it is computed`);
    return name;
  };

  /** One element of a fused expression, as statements; stored values that it reads are collected in `operands`. */
  const express = (t: Tensor, operands: Map<Tensor, string>, statements: string[], root: boolean): string => {
    if (isConstant(t) && t.size === 1) return literal(t.attributes.values[0]);
    const expression = expressionOf(t);
    if (expression !== undefined && (root || inlined(t))) {
      const inputs = t.inputs.map((x) => express(x, operands, statements, false));
      const code = expression(inputs, t);
      if (root) return code;
      // Store it in a variable, because an expression may read its operand more than once.
      statements.push(`const t${statements.length} = ${code};`);
      return `t${statements.length - 1}`;
    }
    let placeholder = operands.get(t);
    if (placeholder === undefined) {
      placeholder = `e${operands.size}`;
      operands.set(t, placeholder);
    }
    return placeholder;
  };

  const emitElementwise = (node: Tensor): void => {
    const operands = new Map<Tensor, string>();
    const statements: string[] = [];
    const result = express(node, operands, statements, true);
    const list = [...operands.keys()];
    const dims = collapse(node.shape, [node.shape, ...list.map((t) => t.shape)]);
    const read = (t: Tensor, index: string): string => `const ${operands.get(t)} = ${nameOf(t)}[${index}];`;
    const at = (position: number): string => {
      const terms = dims.map(({ strides }, n) =>
        strides[position] === 1 ? `i${n}` : `i${n} * ${strides[position]}`,
      );
      return terms.filter((_, n) => dims[n].strides[position] !== 0).join(" + ") || "0";
    };
    code.add(
      "{",
      ...list.filter((t) => t.size === 1).map((t) => read(t, "0")),
      ...dims.map((d, n) => `for (let i${n} = 0; i${n} < ${d.size}; i${n}++) {`),
      ...list.filter((t) => t.size !== 1).map((t) => read(t, at(1 + list.indexOf(t)))),
      ...statements,
      `${nameOf(node)}[${at(0)}] = ${result};`,
      "}".repeat(dims.length + 1),
    );
  };

  leaves.forEach((leaf, i) => {
    names.set(leaf, `L${i}`);
  });
  for (const node of nodes) {
    if (node.op.host === "alias" || node.op.host === "leaf") {
      if (!isConstant(node)) continue;
      names.set(node, `C${constants.length}`);
      constants.push(node.attributes.values);
      continue;
    }
    const expression = expressionOf(node);
    weight.set(node, 1 + node.inputs.reduce((n, x) => n + (inlined(x) ? (weight.get(x) ?? 0) : 0), 0));
    if (expression !== undefined && inlined(node)) continue;
    names.set(node, `B${buffers.length}`);
    buffers.push(new Float64Array(sizeOf(node.shape)));
    if (expression !== undefined) {
      emitElementwise(node);
    } else if (typeof node.op.host === "object" && "kernel" in node.op.host) {
      code.add(`K${kernels.length}(${[node, ...node.inputs].map(nameOf).join(", ")});`);
      kernels.push(node.op.host.kernel(node));
    }
  }
  outputs.forEach((t, i) => {
    const from = nameOf(t);
    if (t.dtype === "int64") code.add(`W(O${i}, ${from});`);
    else code.add(t.size === 1 ? `O${i}[0] = ${from}[0];` : `O${i}.set(${from});`);
  });

  const instantiate = code.compile();
  return {
    leaves,
    nodes: buffers.length,
    bind: (bound, written) =>
      instantiate({ L: bound, O: written, C: constants, K: kernels, B: buffers, W: writeWhole }),
  };
}

/** Compiled functions by their code: a graph has many nodes but few different ops. */
const scalarFunctions = new Map<string, (...inputs: number[]) => number>();

/** The value of an element-wise node whose inputs are constants with one element each. */
function evaluateScalar(code: string, names: readonly string[], inputs: readonly number[]): number {
  const key = `${names.length} ${code}`;
  const known = scalarFunctions.get(key);
  const run =
    known ?? (new Function(...names, `"use strict"; return ${code};`) as (...inputs: number[]) => number);
  if (known === undefined) scalarFunctions.set(key, run);
  return Number(run(...inputs));
}

/** The value of a node whose inputs are all constants. */
export function evaluateConstant(node: Tensor): Float64Array {
  const out = new Float64Array(node.size);
  const { host } = node.op;
  const values = node.inputs.map((x) => (isConstant(x) ? x.attributes.values : undefined));
  if (typeof host === "object" && values.every((v) => v !== undefined)) {
    if ("kernel" in host) {
      host.kernel(node)(out, ...values);
      return out;
    }
    if (node.size === 1 && values.every((v) => v.length === 1)) {
      const names = values.map((_, i) => `x${i}`);
      out[0] = evaluateScalar(
        host.expression(names, node),
        names,
        values.map(([v]) => v),
      );
      return out;
    }
  }
  compileHost([node]).bind([], [out])();
  return out;
}
