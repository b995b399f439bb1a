/** How the host computes the nodes of a graph. */
import { InternalError } from "../errors.ts";
import { type HostKernel, type HostLayout, sameShape, type Tensor } from "../tensor/index.ts";
import type { SingleKernel } from "./singles.ts";

export type LayoutOf = (node: Tensor, input: HostLayout) => HostLayout;

export const layoutOf = ({ op: { host } }: Tensor): LayoutOf | undefined =>
  typeof host === "object" && "layout" in host ? host.layout : undefined;

/** Whether an alias only adds or removes dimensions of size 1. */
export const isThin = ({ op, inputs, shape }: Tensor): boolean =>
  op.host === "alias" &&
  sameShape(
    inputs[0].shape.filter((n) => n !== 1),
    shape.filter((n) => n !== 1),
  );

/** Whether a node is a loop over the elements of its inputs. */
export const readsElements = ({ op: { host } }: Tensor): boolean =>
  typeof host === "object" && ("expression" in host || "fold" in host || "places" in host);

export const expressionOf = (node: Tensor) =>
  typeof node.op.host === "object" && "expression" in node.op.host ? node.op.host.expression : undefined;

/** Follows reshapes and similar ops to the node that owns the memory. */
export function owner(node: Tensor): Tensor {
  let t = node;
  while (t.op.host === "alias") t = t.inputs[0];
  return t;
}

/** A kernel that writes to float32: it computes in float64, in an array of its own. */
export function widened(kernel: HostKernel, size: number): SingleKernel {
  return {
    on: () => {
      const wide = new Float64Array(size);
      return (out, ...inputs) => {
        kernel(wide, ...inputs);
        out.set(wide);
      };
    },
  };
}

export function kernelOf(node: Tensor): HostKernel {
  const { host } = node.op;
  if (typeof host === "object" && "kernel" in host) return host.kernel(node);
  throw new InternalError(`${node} has no host kernel`);
}
