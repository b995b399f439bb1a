/** All ops that the graph of a program may have. */
import { type Op, ops } from "../tensor/index.ts";
import { maternOp } from "./gaussian-process/matern-function.ts";
import { countQuantileOp } from "./implicit/count-quantile.ts";
import { incompleteBetaOps } from "./implicit/incomplete-beta.ts";
import { incompleteGammaOps } from "./implicit/incomplete-gamma.ts";
import { implicitLogRatio } from "./implicit/standard-gamma.ts";
import { straightThroughOp } from "./straight-through.ts";

/**
 * The ops of tensors and those of distributions, by name. An op is known where the file that defines it was imported, and a bundler leaves
 * out the files of families that a page does not name: who receives a graph, as a worker does, asks here.
 */
export const graphOps = (): ReadonlyMap<string, Op> => {
  const own = [
    ...incompleteGammaOps,
    ...incompleteBetaOps,
    countQuantileOp,
    maternOp,
    implicitLogRatio,
    straightThroughOp,
  ].map(({ op }) => op);
  return new Map([...ops, ...own.map((op) => [op.name, op] as const)]);
};
