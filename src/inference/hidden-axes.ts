/**
 * Axes that an inference adds and no program sees: particles, chains, all values of a finite site. A program is traced for one draw;
 * its expressions get the axes afterwards, by a transformation of the graph (`tensor/vmap.ts`), each those that it depends on.
 */
import { InternalError } from "../errors.ts";
import { Batch, expand, reshape, type Shape, type Tensor } from "../tensor/index.ts";

/** One axis. Axes are told apart by identity. */
export interface HiddenAxis {
  /** What messages call it: `particles`, `chains`, or the name of a finite site. */
  readonly name: string;
  readonly size: number;
}

/** An expression over the hidden axes that it depends on. */
export interface Lifted {
  /** [sizes of `axes`, …shape for one draw] */
  readonly value: Tensor;
  /** Outermost first. */
  readonly axes: readonly HiddenAxis[];
}

const sizesOf = (axes: readonly HiddenAxis[]): number[] => axes.map((a) => a.size);

interface Layer {
  readonly axis: HiddenAxis;
  readonly batch: Batch;
}

/** The hidden axes of one traced program, or of a model and its guide. */
export class HiddenAxes {
  /** The innermost first. */
  readonly #layers: Layer[] = [];
  /** The nodes at which a dependence on layers begins. */
  readonly #leaves = new Map<Tensor, Layer[]>();
  /** The layers that a node depends on: of many finite sites, most expressions know a few. */
  #known = new Map<Tensor, readonly Layer[]>();

  /** All axes, outermost first: each was added outside those before it. */
  get axes(): readonly HiddenAxis[] {
    return this.#layers.map(({ axis }) => axis).reverse();
  }

  /**
   * Adds an axis outside those that there are.
   * @param leaves nodes for one draw that take other values along it
   * @param valuesOf from such a node, with the axes that it has so far, to its values, [size, …its shape]; 1 where they do not vary
   */
  add(axis: HiddenAxis, leaves: Iterable<Tensor>, valuesOf: (inner: Tensor, leaf: Tensor) => Tensor): void {
    const layer = { axis, batch: new Batch(axis.size, new Map()) };
    const replaced = [...leaves];
    for (const leaf of replaced) {
      const inner = this.core(leaf).value;
      layer.batch.replace(inner, valuesOf(inner, leaf));
    }
    this.#layers.push(layer);
    for (const leaf of replaced) this.#begin(leaf, layer);
  }

  #begin(leaf: Tensor, layer: Layer): void {
    this.#leaves.set(leaf, [...(this.#leaves.get(leaf) ?? []), layer]);
    this.#known = new Map();
  }

  /**
   * Makes a node vary along the only axis that there is so far, whether or not what it is computed from does: each element has a copy.
   * @param node of one input, with the same elements, that nothing was lifted through yet
   */
  separate(node: Tensor): void {
    const [layer, outer] = this.#layers;
    if (layer === undefined || outer !== undefined)
      throw new InternalError("values are separated along the first axis, before there are others");
    const [source] = node.inputs;
    const core = layer.batch.core(source) ?? reshape(source, [1, ...source.shape]);
    layer.batch.replace(node, expand(core, [layer.axis.size, ...node.shape]));
    this.#begin(node, layer);
  }

  /** The layers that a node depends on, the innermost first. */
  #layersOf(node: Tensor): readonly Layer[] {
    const stack = [node];
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const pending = this.#known.has(top) ? [] : top.inputs.filter((x) => !this.#known.has(x));
      if (pending.length > 0) {
        for (const x of pending) stack.push(x);
        continue;
      }
      stack.pop();
      if (!this.#known.has(top)) this.#known.set(top, this.#joined(top));
    }
    return this.#known.get(node) ?? [];
  }

  #joined(node: Tensor): readonly Layer[] {
    let found: readonly Layer[] = this.#leaves.get(node) ?? [];
    for (const x of node.inputs) {
      const more = this.#known.get(x) ?? [];
      if (found.length === 0) found = more;
      else if (more.some((layer) => !found.includes(layer))) found = [...new Set([...found, ...more])];
    }
    return found.length < 2 ? found : this.#inOrder(found);
  }

  #inOrder(layers: readonly Layer[]): readonly Layer[] {
    const at = (layer: Layer) => this.#layers.indexOf(layer);
    return layers.every((layer, i) => i === 0 || at(layers[i - 1]) < at(layer))
      ? layers
      : [...layers].sort((a, b) => at(a) - at(b));
  }

  /** `node` with the axes that it depends on, [sizes of axes, …], where an axis of its own along which it does not vary may have size 1. */
  core(node: Tensor): Lifted {
    let value = node;
    const axes: HiddenAxis[] = [];
    for (const { axis, batch } of this.#layersOf(node)) {
      const lifted = batch.core(value);
      if (lifted === undefined) continue;
      value = lifted;
      axes.unshift(axis);
    }
    return { value, axes };
  }

  /** `node` with the axes that it depends on, written out: [sizes of axes, …its shape]. */
  lift(node: Tensor): Lifted {
    const { value, axes } = this.core(node);
    return { value: expand(value, [...sizesOf(axes), ...node.shape]), axes };
  }

  /** `node` over given axes, whether or not it depends on them: [their sizes, …its shape]. */
  over(node: Tensor, axes: readonly HiddenAxis[]): Tensor {
    return expand(align(this.lift(node), axes, node.rank), [...sizesOf(axes), ...node.shape]);
  }

  /** The union of some axes, in order. */
  union(...lists: readonly (readonly HiddenAxis[])[]): readonly HiddenAxis[] {
    const present = new Set(lists.flat());
    return present.size === 0 ? [] : this.axes.filter((axis) => present.has(axis));
  }
}

/**
 * A value laid out beside others that have more axes: of size 1 along those that it lacks.
 * @param axes outermost first, with all of the value's in the same order
 * @param depth of the dimensions right of the hidden axes, to which the value's own are filled up with ones on the left
 */
export function align({ value, axes: own }: Lifted, axes: readonly HiddenAxis[], depth: number): Tensor {
  if (own.length === 0) return value;
  const rest = value.shape.slice(own.length);
  const first = axes.indexOf(own[0]);
  const leading = axes.slice(first).map((axis) => (own.includes(axis) ? axis.size : 1));
  const shape: Shape = [...leading, ...new Array<number>(Math.max(0, depth - rest.length)).fill(1), ...rest];
  return reshape(value, shape);
}
