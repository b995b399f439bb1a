/** Checks observed values where they are observed: their shape against the plates, and their values against the support. */
import { compileHost, simplify } from "../compile/index.ts";
import {
  type Constraint,
  type Distribution,
  describeConstraint,
  IndependentDistribution,
} from "../distributions/index.ts";
import { ShapeError, UsageError } from "../errors.ts";
import {
  cast,
  formatShape,
  type HostArray,
  indexAt,
  isConstant,
  isInput,
  nodesOf,
  type Shape,
  sameShape,
  sizeOf,
  type Tensor,
} from "../tensor/index.ts";
import type { Plate, RandomSite, SampleMessage } from "./site.ts";

type RandomSiteParts = Pick<RandomSite, "name" | "value" | "distribution" | "plates">;

/**
 * Every dimension of an observed value must belong to a plate or the event: a value that broadcasts would be counted more than once.
 * @throws ShapeError naming site, shapes, plates and the ways out.
 */
export function checkObservedShape({ name, value, distribution, plates }: RandomSiteParts): void {
  const { eventShape } = distribution;
  const rows = [...plates].sort((a, b) => a.dimension - b.dimension).map((p) => p.rows);
  const wanted = [...rows, ...eventShape];
  const batch = value.shape.slice(0, value.rank - eventShape.length);
  const extra = batch.slice(0, Math.max(0, batch.length - rows.length)).some((size) => size !== 1);
  const fits =
    value.rank >= eventShape.length &&
    sameShape(value.shape.slice(batch.length), eventShape) &&
    rows.every((size, i) => size === (batch[batch.length - rows.length + i] ?? 1));
  if (fits && !extra) return;
  const open = plates.map((p) => `${p.name}[${p.rows}]`).join(", ") || "none";
  const ways = [`give the value the shape ${formatShape(wanted)}`];
  if (extra && sizeOf(value.shape) === sizeOf(wanted)) ways.push("reshape or squeeze it");
  else if (extra)
    ways.push(
      "open a plate for the dimension that is too many",
      "or make it part of the event with toEvent(n)",
    );
  else if (sizeOf(value.shape) === sizeOf(eventShape) && rows.length > 0) {
    ways.push("observe it outside the plate if it was seen once", "or repeat it if each row saw the same");
  }
  throw new ShapeError(
    `site '${name}': a value of shape ${formatShape(value.shape)} was observed, where plates and event have shape ` +
      `${formatShape(wanted)} (plates: ${open}; event ${formatShape(eventShape)} of ${distribution.name}). A value that broadcasts would ` +
      `be counted more than once. Ways out: ${ways.join("; ")}.`,
  );
}

/** The distribution that `toEvent` made one draw of. */
const baseOf = (d: Distribution): Distribution => (d instanceof IndependentDistribution ? baseOf(d.base) : d);

/** Data known to be inside a support, so that the next trace need not check again. */
const known = new WeakMap<Tensor, WeakSet<Constraint>>();

const depthOf = (plates: readonly Plate[]): number => Math.max(0, ...plates.map((p) => -p.dimension));

function ofConstants(expression: Tensor): boolean {
  if (isConstant(expression)) return true;
  for (const node of nodesOf(expression)) if (node.inputs.length === 0 && !isConstant(node)) return false;
  return true;
}

/** The numbers of an expression of constants; nothing where it reads anything else. */
function numbersOf(expression: Tensor): Float64Array | undefined {
  const [simple] = simplify([expression]);
  if (isConstant(simple)) return simple.attributes.values;
  if (!ofConstants(simple)) return undefined;
  const result = new Float64Array(simple.size);
  const program = compileHost([simple], { once: true });
  program.bind([], [result])();
  return result;
}

/** 1 where an observed value is in its support, 0 where not. */
function membership({ distribution, value }: Pick<RandomSite, "distribution" | "value">): Tensor {
  return cast(baseOf(distribution).support.check(value), "float32");
}

/**
 * Elements of a value that are outside. A support that depends on sites that are summed out has dimensions left of the value's: one of
 * its forms must hold the value.
 */
function outsiders(inside: ArrayLike<number>, count: number): number[] {
  const bad: number[] = [];
  for (let i = 0; i < count; i++) {
    let holds = false;
    for (let j = i; j < inside.length; j += count) holds ||= inside[j] === 1;
    if (!holds) bad.push(i);
  }
  return bad;
}

const batchOf = ({ distribution, value }: Pick<RandomSite, "distribution" | "value">): Shape =>
  value.shape.slice(0, value.rank - baseOf(distribution).support.eventRank);

/** The error about elements that are outside. */
function refusal(
  site: Pick<RandomSite, "name" | "distribution" | "value">,
  bad: readonly number[],
  numbers: ArrayLike<number>,
): UsageError {
  const base = baseOf(site.distribution);
  const [at] = bad;
  const batch = batchOf(site);
  const size = sizeOf(site.value.shape.slice(batch.length));
  const found = Array.from({ length: size }, (_, i) => Number(numbers[at * size + i]));
  const where = batch.length === 0 ? "" : ` at ${formatShape(indexAt(at, batch))} of ${formatShape(batch)}`;
  const more = bad.length > 1 ? ` (and ${bad.length - 1} more)` : "";
  return new UsageError(
    `site '${site.name}': the observed value ${show(found)}${where}${more} lies outside the support of ${base.name}: ` +
      `${describeConstraint(base.support)}. ${adviceOn(base.support, found)}`,
  );
}

/** Dimensions to the left of the plates are values of enumerated sites: some of them may be impossible. */
const isEnumerated = ({ value, plates, distribution }: RandomSiteParts): boolean =>
  value.rank > depthOf(plates) + distribution.eventShape.length;

/**
 * Checks that observed values are inside the support of their distribution. Values that are unknown while the program is traced are checked
 * by {@link watchObserved}; supports that depend on other sites are left to the density, which is zero outside.
 *
 * @throws UsageError naming the site, the value, its place and the ways out.
 */
export function checkObservedValues(message: SampleMessage): void {
  const { distribution, value } = message;
  if (value === undefined || value.size === 0) return;
  const site = { ...message, value };
  if (isEnumerated(site) || !ofConstants(value)) return;
  const { support, testsSupport } = baseOf(distribution);
  if (!testsSupport) return;
  if (known.get(value)?.has(support) === true) return;
  const inside = numbersOf(membership(site));
  if (inside === undefined) return;
  const bad = outsiders(inside, sizeOf(batchOf(site)));
  if (bad.length > 0) throw refusal(site, bad, numbersOf(value) ?? []);
  known.set(value, (known.get(value) ?? new WeakSet()).add(support));
}

/** A check of observed data that are fed: it throws when a value is outside its support. */
export interface ObservedWatch {
  /** The inputs that it reads. */
  readonly leaves: readonly Tensor[];
  /** Sets the arrays of the leaves; a call checks their contents. */
  bind(arrays: readonly HostArray[]): () => void;
}

/**
 * A check of the observed values that are computed only from inputs, that is, minibatches: one pass over the values in float64 per check.
 * Undefined if there are none.
 */
export function watchObserved(sites: readonly RandomSiteParts[]): ObservedWatch | undefined {
  const fed = sites.filter((site) => {
    if (isEnumerated(site) || site.distribution.name === "Factor") return false;
    if (!baseOf(site.distribution).testsSupport) return false;
    const leaves = [...nodesOf(membership(site))].filter((t) => t.inputs.length === 0 && !isConstant(t));
    return leaves.length > 0 && leaves.every(isInput);
  });
  if (fed.length === 0) return undefined;
  const outputs = fed.flatMap((site) => [membership(site), site.value]);
  const program = compileHost(simplify(outputs));
  return {
    leaves: program.leaves,
    bind(arrays) {
      const results = outputs.map((t) => new Float64Array(t.size));
      const run = program.bind(arrays, results);
      return () => {
        run();
        fed.forEach((site, i) => {
          if (!results[2 * i].includes(0)) return;
          const bad = outsiders(results[2 * i], sizeOf(batchOf(site)));
          if (bad.length > 0) throw refusal(site, bad, results[2 * i + 1]);
        });
      };
    },
  };
}

const show = (values: ArrayLike<number>): string => {
  const shown = Array.from({ length: Math.min(values.length, 8) }, (_, i) =>
    String(Number(values[i].toPrecision(6))),
  );
  return values.length === 1 ? shown[0] : `[${shown.join(", ")}${values.length > 8 ? ", …" : ""}]`;
};

/** Advice about a value outside a support, by the common causes. */
function adviceOn(support: Constraint, found: ArrayLike<number>): string {
  const values = Array.from(found);
  if (!values.every(Number.isFinite)) {
    return "Missing and infinite values have no density: leave those rows out, or make them latent sites.";
  }
  switch (support.name) {
    case "boolean":
      return values.every((v) => v > 0 && v < 1)
        ? "For a density of fractions use Beta or ContinuousBernoulli; for the cross entropy of grey values, Bernoulli(…).unchecked()."
        : "Code two classes as 0 and 1, and leave rows without a value out.";
    case "integerInterval":
      return "Count categories from 0, and leave rows without a value out; a count cannot be above its total.";
    case "nonNegativeInteger":
    case "integer":
      return "Leave rows without a value out; for values that are not counts choose a continuous distribution.";
    case "simplex":
      return "Divide the values by their sum.";
    case "countVector":
      return "Give the distribution the total of the counts, in a plate of its own for each total.";
    case "oneHotVector":
      return "For numbered categories use Categorical.";
    default:
      return "Rescale the data, or choose a distribution whose support contains them.";
  }
}
