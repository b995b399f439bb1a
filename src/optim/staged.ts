/** A step whose graph needs statistics of all ranks on the way: cut where they are needed, forwards and in its gradient, and run piece by piece. */
import { type BuildOptions, build, type CompiledGraph, simplify, topological } from "../compile/index.ts";
import { InternalError, UsageError } from "../errors.ts";
import type { Ranks } from "../mpi/index.ts";
import {
  input,
  isConstant,
  isOverRanks,
  isScan,
  rebuild,
  type Tensor,
  type TypedArray,
} from "../tensor/index.ts";
import { needsRanks } from "./together.ts";

/** A stage: what it computes, of leaves and of what stages before it have left. */
interface Stage {
  readonly outputs: Tensor[];
  /** Where each output goes: a value that later stages read, or an output of the whole. */
  readonly targets: { readonly kept?: Tensor; readonly output?: number }[];
  /** The kept values whose means over ranks are taken after the stage. */
  readonly means: Tensor[];
}

const isLeaf = (node: Tensor): boolean => node.inputs.length === 0;

/**
 * Values that are computed again where they are read, rather than kept: what is not a float, such as the mask of a relu, and the same numbers
 * in another shape.
 */
const isComputedAgain = (node: Tensor): boolean =>
  !["float32", "float64"].includes(node.dtype) ||
  (typeof node.op.host === "object" && ("layout" in node.op.host || "view" in node.op.host)) ||
  node.op.host === "alias";

/** How many means over ranks come before a node at most. */
function levelsOf(nodes: readonly Tensor[]): ReadonlyMap<Tensor, number> {
  const levels = new Map<Tensor, number>();
  for (const node of nodes) {
    const before = Math.max(0, ...node.inputs.map((x) => levels.get(x) ?? 0));
    levels.set(node, isOverRanks(node) ? before + 1 : before);
  }
  return levels;
}

/** Cuts a graph. Values that cross a cut are inputs of the stages that read them. */
function cut(outputs: readonly Tensor[]) {
  const nodes = topological(outputs);
  const inLoop = nodes.find((node) => isScan(node) && needsRanks(node.attributes.body.outputs));
  if (inLoop !== undefined) {
    throw new UsageError(
      "step: batch normalisation inside a loop needs the statistics of all ranks in each turn. Train with one process, or leave it out.",
    );
  }
  const levels = levelsOf(nodes);
  const levelOf = (node: Tensor): number => levels.get(node) ?? 0;
  const last = Math.max(0, ...levels.values());
  const stages = Array.from({ length: last + 1 }, (): Stage => ({ outputs: [], targets: [], means: [] }));
  const crossing = new Map<Tensor, Tensor>();
  const made = stages.map(() => new Map<Tensor, Tensor>());

  /** The input by which later stages read a value. */
  const kept = (node: Tensor): Tensor => {
    const known = crossing.get(node);
    if (known !== undefined) return known;
    const leaf = input(`kept ${crossing.size}`, node.shape, node.dtype);
    crossing.set(node, leaf);
    const [source] = isOverRanks(node) ? node.inputs : [node];
    // The mean of a value that others read as it is has an array of its own.
    const at = isOverRanks(node) ? levelOf(node) - 1 : levelOf(node);
    stages[at].outputs.push(inStage(source, at));
    stages[at].targets.push({ kept: leaf });
    if (isOverRanks(node)) stages[at].means.push(leaf);
    return leaf;
  };
  /** A node as its stage, or a later one, computes or reads it. */
  const inStage = (root: Tensor, stage: number): Tensor => {
    const done = made[stage];
    const stack = [root];
    for (let node = stack.at(-1); node !== undefined; node = stack.at(-1)) {
      if (done.has(node)) {
        stack.pop();
        continue;
      }
      if (isLeaf(node)) done.set(node, node);
      else if (isOverRanks(node) || (levelOf(node) < stage && !isComputedAgain(node)))
        done.set(node, kept(node));
      else {
        const pending = node.inputs.filter((x) => !done.has(x));
        stack.push(...pending);
        if (pending.length > 0) continue;
        const inputs = node.inputs.map((x) => done.get(x) ?? x);
        done.set(node, inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs));
      }
    }
    return done.get(root) ?? root;
  };
  outputs.forEach((node, output) => {
    // What is a leaf or a mean is copied at the end.
    const at = isLeaf(node) || isOverRanks(node) ? last : levelOf(node);
    stages[at].outputs.push(inStage(node, at));
    stages[at].targets.push({ output });
  });
  return { stages, kept: [...crossing.values()] };
}

/** Replaces values by their means over ranks, in one sum in float64. */
function takeMeans(ranks: Ranks, arrays: readonly (Float32Array | Float64Array)[], sums: Float64Array): void {
  let at = 0;
  for (const array of arrays) {
    sums.set(array, at);
    at += array.length;
  }
  ranks.sum(sums);
  at = 0;
  for (const array of arrays) {
    for (let i = 0; i < array.length; i++) array[i] = sums[at + i] / ranks.size;
    at += array.length;
  }
}

/** Compiles a graph with means over ranks. Every rank must run it at the same time. */
export async function buildStaged(
  outputs: readonly Tensor[],
  options: BuildOptions,
  ranks: Ranks,
): Promise<CompiledGraph> {
  const { stages, kept } = cut(simplify(outputs));
  const programs: CompiledGraph[] = [];
  for (const stage of stages) programs.push(await build(stage.outputs, options));
  const { executor } = programs[0];
  const own = new Set(kept);
  const leaves = [...new Set(programs.flatMap((program) => program.leaves))].filter(
    (leaf) => !own.has(leaf) && !isConstant(leaf),
  );
  const arrays = new Map(
    kept.map((leaf) => [
      leaf,
      // The host computes in float64, whatever the type.
      executor === "host" || leaf.dtype === "float64"
        ? new Float64Array(leaf.size)
        : new Float32Array(leaf.size),
    ]),
  );
  const arrayOf = (leaf: Tensor): Float32Array | Float64Array => {
    const found = arrays.get(leaf);
    if (found === undefined) throw new InternalError(`${leaf} is not kept between stages`);
    return found;
  };
  return {
    executor,
    leaves,
    nodes: programs.reduce((sum, { nodes }) => sum + nodes, 0),
    release: async () => {
      for (const program of programs) await program.release();
    },
    bind(bound, written) {
      const given = new Map(leaves.map((leaf, i): [Tensor, TypedArray] => [leaf, bound[i]]));
      const runs = stages.map(({ targets, means }, s) => {
        const run = programs[s].bind(
          programs[s].leaves.map((leaf) => given.get(leaf) ?? arrayOf(leaf)),
          targets.map(({ kept: leaf, output }) =>
            leaf === undefined ? written[output ?? 0] : arrayOf(leaf),
          ),
        );
        const meant = means.map(arrayOf);
        return { run, meant, sums: new Float64Array(meant.reduce((n, { length }) => n + length, 0)) };
      });
      return async () => {
        for (const { run, meant, sums } of runs) {
          await run();
          if (meant.length > 0) takeMeans(ranks, meant, sums);
        }
      };
    },
  };
}
