/** Rewrites of the bodies of loops, each done once for a body, so that equal loops stay equal. */
import {
  isConstant,
  isScan,
  isScanPart,
  nodesOf,
  rebuild,
  ScanBody,
  type ScanNode,
  scanResults,
  substituteAll,
  type Tensor,
} from "../tensor/index.ts";
import { rewrite, topological } from "./graph.ts";

/** A rewrite of bodies that remembers its results; a result is not rewritten again. */
export function bodyRewrite(
  change: (outputs: readonly Tensor[]) => readonly Tensor[],
): (body: ScanBody) => ScanBody {
  const known = new WeakMap<ScanBody, ScanBody>();
  return (body) => {
    const found = known.get(body);
    if (found !== undefined) return found;
    const outputs = change(body.outputs);
    const same = outputs.every((t, i) => t === body.outputs[i]);
    const result = same ? body : new ScanBody(body.inputs, outputs);
    known.set(body, result);
    known.set(result, result);
    return result;
  };
}

/** A loop whose body has the constants that it reads from outside as its own, so that they are simplified with the rest of it. */
export function withOwnConstants(node: ScanNode): Tensor | undefined {
  const { body, carries, scanned } = node.attributes;
  const isOutside = (t: Tensor, i: number): boolean => i < carries + scanned || !isConstant(t);
  if (node.inputs.every(isOutside)) return undefined;
  const constants = new Map(
    node.inputs.flatMap((t, i) => (isOutside(t, i) ? [] : [[body.inputs[i], t] as const])),
  );
  const inputs = body.inputs.filter((leaf) => !constants.has(leaf));
  const own = new ScanBody(inputs, substituteAll(body.outputs, constants));
  return rebuild(node, node.inputs.filter(isOutside), { ...node.attributes, body: own });
}

/** What of a loop is needed: positions of its outputs, carries first, and of its inputs. */
interface Needed {
  readonly outputs: readonly number[];
  readonly inputs: readonly number[];
}

const bodiesOfParts = new WeakMap<ScanBody, Map<string, ScanBody>>();

function partOfBody(body: ScanBody, { outputs, inputs }: Needed): ScanBody {
  const parts = bodiesOfParts.get(body) ?? new Map<string, ScanBody>();
  bodiesOfParts.set(body, parts);
  const key = `${outputs.join()} ${inputs.join()}`;
  const found =
    parts.get(key) ??
    new ScanBody(
      inputs.map((i) => body.inputs[i]),
      outputs.map((i) => body.outputs[i]),
    );
  parts.set(key, found);
  return found;
}

/** What of a loop is needed for the outputs that are read. A carry is needed by whatever reads its value before a step. */
function neededFor({ attributes: { body, carries } }: ScanNode, read: ReadonlySet<number>): Needed {
  const outputs = new Set(read);
  const leaves = new Set<Tensor>();
  for (const i of outputs) {
    for (const t of nodesOf(body.outputs[i])) leaves.add(t);
    body.inputs.slice(0, carries).forEach((state, k) => {
      if (leaves.has(state)) outputs.add(k);
    });
  }
  // The value of a carry before the first step is needed even if the carry changes to something that does not depend on it.
  const inputs = body.inputs.flatMap((t, i) => ((i < carries ? outputs.has(i) : leaves.has(t)) ? [i] : []));
  return { outputs: [...outputs].sort((a, b) => a - b), inputs };
}

/** Leaves out what nobody reads: outputs of loops, and the carries and inputs that only they need. */
export function withoutUnread(outputs: readonly Tensor[]): readonly Tensor[] {
  const nodes = topological(outputs);
  if (!nodes.some((t) => isScan(t))) return outputs;
  const read = new Map<Tensor, Set<number>>();
  const whole = new Set<Tensor>(outputs);
  for (const node of nodes) {
    const [source] = node.inputs;
    if (!isScanPart(node) || source === undefined || !isScan(source)) {
      for (const x of node.inputs) whole.add(x);
      continue;
    }
    const { start, shape } = node.attributes;
    const results = scanResults(source.attributes);
    // Results without elements begin where the next one does.
    const at = results.findIndex((r) => r.start === start && r.shape.join() === shape.join());
    const indices = read.get(source) ?? new Set();
    read.set(source, indices.add(at));
  }
  const smaller = new Map<Tensor, Needed>();
  for (const node of nodes) {
    if (!isScan(node) || whole.has(node)) continue;
    const needed = neededFor(node, read.get(node) ?? new Set());
    const { body } = node.attributes;
    if (needed.outputs.length < body.outputs.length || needed.inputs.length < body.inputs.length)
      smaller.set(node, needed);
  }
  if (smaller.size === 0) return outputs;
  const made = new Map<Tensor, ScanNode>();
  const replaced = rewrite(outputs, (node, inputs) => {
    const needed = smaller.get(node);
    if (isScan(node) && needed !== undefined) {
      const { carries, scanned, body } = node.attributes;
      const count = (list: readonly number[], from: number, to: number) =>
        list.filter((i) => i >= from && i < to).length;
      const result = rebuild(
        node,
        needed.inputs.map((i) => inputs[i]),
        {
          ...node.attributes,
          body: partOfBody(body, needed),
          carries: count(needed.outputs, 0, carries),
          scanned: count(needed.inputs, carries, carries + scanned),
        },
      );
      if (isScan(result)) made.set(node, result);
      return result;
    }
    const [source] = node.inputs;
    const loop = source && made.get(source);
    const kept = source && smaller.get(source);
    if (isScanPart(node) && isScan(source) && loop !== undefined && kept !== undefined) {
      const at = scanResults(source.attributes).findIndex(
        (r) => r.start === node.attributes.start && r.shape.join() === node.attributes.shape.join(),
      );
      return rebuild(node, [loop], { ...scanResults(loop.attributes)[kept.outputs.indexOf(at)] });
    }
    return inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs);
  });
  // What a loop no longer reads may be another loop's.
  return withoutUnread(replaced);
}
