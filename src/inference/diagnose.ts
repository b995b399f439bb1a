/** Finds why a step is not finite: the site, its value, its distribution, and the learnable parameters behind them. */
import { build } from "../compile/index.ts";
import {
  type Constraint,
  constraints,
  type Distribution,
  IndependentDistribution,
} from "../distributions/index.ts";
import { NonFiniteError } from "../errors.ts";
import type { NamedLeaf, TrainStep } from "../optim/index.ts";
import {
  broadcastShapes,
  cast,
  expand,
  formatShape,
  indexAt,
  nodesOf,
  type Shape,
  sizeOf,
  type Tensor,
  type TypedArray,
} from "../tensor/index.ts";
import type { ScoredSite } from "./bounds/bound.ts";

/** A failed step, and its sites. */
export interface FailedStep {
  readonly compiled: TrainStep;
  readonly scored: readonly ScoredSite[];
  readonly step: number;
  /** Paths of learnable parameters and buffers. */
  readonly named: readonly NamedLeaf[];
}

/** A point where a log density is not finite. */
export interface Fault {
  readonly scored: readonly ScoredSite[];
  /** The leaves whose values an algorithm chose: parameters that it learns, or coordinates of a point. */
  readonly named: readonly NamedLeaf[];
  readonly moved: "learnable" | "unconstrained";
  /** The values of leaves at the fault. */
  leafValues(leaves: readonly Tensor[]): TypedArray[];
}

/**
 * Explains a metric that is not finite: each site's log density is computed again, in float64, from the same parameters, inputs and noise,
 * and the first that is not finite is examined. An error with finite metrics is returned unchanged: a gradient was not finite, and the
 * update has already overwritten the parameters.
 */
export async function diagnose(error: NonFiniteError, failed: FailedStep): Promise<NonFiniteError> {
  if (Object.values(failed.compiled.report()).every(Number.isFinite)) return error;
  const { compiled, scored, named, step } = failed;
  const culprit = await explainFault({
    scored,
    named,
    moved: "learnable",
    leafValues: (leaves) => compiled.leafValues(leaves, step),
  });
  const found =
    culprit === undefined
      ? `${error.message.replace(/\.?$/, ".")} Computed again in float64, every site's log density is finite: look at what else the bound holds (a factor ` +
        "beta, a closed-form KL, a baseline), or for values whose square float32 cannot hold."
      : `step ${step}: ${culprit}`;
  return new NonFiniteError(found, { cause: error });
}

/** The first site whose log density is not finite, what is wrong there and what to do; undefined if all are finite. */
export async function explainFault(fault: Fault): Promise<string | undefined> {
  const densities = await evaluate(
    fault.scored.map((s) => s.logDensity),
    fault,
  );
  const culprit =
    firstFault(fault.scored, densities, ({ mayBeZero }) => mayBeZero) ??
    firstFault(fault.scored, densities, () => false);
  return culprit && explain(fault.scored[culprit.site], culprit.row, fault);
}

/** Values of expressions at the fault, in float64. */
async function evaluate(outputs: readonly Tensor[], { leafValues }: Fault): Promise<Float64Array[]> {
  const program = await build(outputs, { executor: "host" });
  const results = outputs.map((t) => new Float64Array(t.size));
  await program.bind(leafValues(program.leaves), results)();
  return results;
}

/** Finite in the precision that a step reports in. */
const isFinite32 = (v: number): boolean => Number.isFinite(Math.fround(v));

/** The first site with a log density that is not finite, or whose sum is not, and where in it. */
function firstFault(
  scored: readonly ScoredSite[],
  densities: readonly Float64Array[],
  forgives: (site: ScoredSite) => boolean,
): { readonly site: number; readonly row: number } | undefined {
  for (const [site, values] of densities.entries()) {
    const forgiven = forgives(scored[site]) ? Number.NEGATIVE_INFINITY : Number.NaN;
    const looked = values.map((v) => (v === forgiven ? 0 : v));
    if (!isFinite32(looked.reduce((a, b) => a + b, 0)) || !looked.every(isFinite32))
      return { site, row: worst(looked) };
  }
  return undefined;
}

/** Index of the first number that is not finite, or else of the largest. */
function worst(values: ArrayLike<number>): number {
  const size = (v: number): number => (isFinite32(v) ? Math.abs(v) : Number.POSITIVE_INFINITY);
  let found = 0;
  for (let i = 1; i < values.length; i++) if (size(values[i]) > size(values[found])) found = i;
  return found;
}

/** The distribution inside `toEvent`. */
const baseOf = (d: Distribution): Distribution => (d instanceof IndependentDistribution ? baseOf(d.base) : d);

/** What is wrong at one row of a site's log density, and what to do. */
async function explain(
  { program, site, logDensity, over }: ScoredSite,
  row: number,
  fault: Fault,
): Promise<string> {
  const base = baseOf(site.distribution);
  const rank = site.value.rank - base.eventShape.length;
  const single = broadcastShapes(base.name, site.value.shape.slice(0, rank), base.batchShape);
  const support = constraints.independentConstraint(
    base.support,
    base.eventShape.length - base.support.eventRank,
  );
  const checks = over(expand(cast(support.check(site.value), "float32"), single));
  const batch = checks.shape;
  const [total, each, inside, value] = await evaluate(
    [
      logDensity,
      // A flow may have no inverse, and then no density of a given value.
      base === site.distribution ? logDensity : over(expand(base.logProb(site.value), single)),
      checks,
      over(expand(cast(site.value, "float64"), [...single, ...base.eventShape])),
    ],
    fault,
  );
  const width = each.length / total.length;
  const at = row * width + worst(each.subarray(row * width, (row + 1) * width));
  const parameters = await parametersAt(base, single, over, at, fault);

  const whose = program === "dream" ? "the guide, on data drawn from the model," : `the ${program}`;
  const start = `site '${site.name}' of ${whose} has log density ${show(total.subarray(row, row + 1))}: `;
  const found = blockAt(value, at, base.eventShape);
  const where = batch.length === 0 ? "" : ` (element ${place(at, batch)})`;
  const family = `${base.name}(${parameters.map((p) => `${p.name} ${show(p.values)}`).join(", ")})`;

  const broken = parameters.find((p) => !p.holds);
  if (broken !== undefined) {
    const source = computedFrom(broken.tensor, fault);
    return (
      `${start}parameter '${broken.name}' of ${family}${where} must be ${broken.constraint.name}, found ${show(broken.values)}.` +
      `${source} ${adviceOnParameter(source !== "", broken.values, fault)}`
    );
  }
  if (inside[at] === 0) {
    const outside = found.every(Number.isFinite);
    return (
      `${start}its value ${show(found)}${where} ${outside ? "lies outside the support of" : "is not finite; its distribution is"} ${family}.` +
      `${site.kind === "observe" ? "" : computedFrom(site.value, fault)} ${adviceOnValue(site.kind === "observe", outside, fault)}`
    );
  }
  return (
    `${start}its value ${show(found)}${where} under ${family} has ${kindOfDensity(total[row])}.` +
    `${computedFrom(logDensity, fault)} ${adviceOnDensity(total[row])}`
  );
}

interface ParameterThere {
  readonly name: string;
  readonly tensor: Tensor;
  readonly constraint: Constraint;
  readonly values: Float64Array;
  /** Whether the constraint does. */
  readonly holds: boolean;
}

/** A distribution's parameters at one element of its batch; those of a nested distribution as a whole. */
async function parametersAt(
  base: Distribution,
  batch: Shape,
  over: ScoredSite["over"],
  at: number,
  fault: Fault,
): Promise<ParameterThere[]> {
  const list = Object.entries(base.parameters).map(([name, tensor]) => {
    const constraint = base.constraints[name];
    const own = tensor.shape.slice(0, tensor.rank - constraint.eventRank);
    const event = tensor.shape.slice(own.length);
    const check = cast(constraint.check(tensor), "float32");
    return name.includes(".")
      ? { name, tensor, constraint, event: over(tensor).shape, at: 0, outputs: [over(tensor), over(check)] }
      : {
          name,
          tensor,
          constraint,
          event,
          at,
          outputs: [over(expand(tensor, [...batch, ...event])), over(expand(check, batch))],
        };
  });
  const numbers = await evaluate(
    list.flatMap((p) => p.outputs),
    fault,
  );
  return list.map(({ name, tensor, constraint, event, at: place }, i) => {
    const [values, checks] = [numbers[2 * i], numbers[2 * i + 1]];
    const holds = name.includes(".") ? checks.every((ok) => ok === 1) : checks[place] === 1;
    return { name, tensor, constraint, values: blockAt(values, place, event), holds };
  });
}

const blockAt = (values: Float64Array, at: number, event: Shape): Float64Array =>
  values.subarray(at * sizeOf(event), (at + 1) * sizeOf(event));

/** A row-major index as text: [row, column] of [rows, columns]. */
const place = (at: number, shape: Shape): string =>
  `${formatShape(indexAt(at, shape))} of ${formatShape(shape)}`;

/** Six digits. */
const round = (v: number): string =>
  Math.abs(v) >= 1e6 ? v.toExponential(5).replace(/\.?0*e/, "e") : String(Number(v.toPrecision(6)));

/** One number, the bad one of several, or their range. */
function show(values: Float64Array): string {
  if (values.length === 1) return round(values[0]);
  const bad = values[worst(values)];
  if (!Number.isFinite(bad)) return `${round(bad)} among ${values.length}`;
  const [low, high] = [Math.min, Math.max].map((pick) => values.reduce((a, b) => pick(a, b)));
  return low === high ? round(low) : `${round(low)} … ${round(high)}`;
}

/** The algorithm's leaves that an expression is computed from: the three worst, in a sentence. */
function computedFrom(expression: Tensor, { named, moved, leafValues }: Fault): string {
  const nodes = nodesOf(expression);
  const used = named.filter(({ tensor }) => nodes.has(tensor));
  const arrays = leafValues(used.map((leaf) => leaf.tensor));
  const size = (v: number) => (Number.isFinite(v) ? Math.abs(v) : Number.POSITIVE_INFINITY);
  const listed = used
    .map(({ name, tensor }, i) => ({
      name,
      tensor,
      values: Float64Array.from(arrays[i] as ArrayLike<number>),
      at: worst(arrays[i] as ArrayLike<number>),
    }))
    .sort((a, b) => size(b.values[b.at]) - size(a.values[a.at]))
    .map(({ name, tensor, values, at }) => {
      const lost = tensor.rank > 0 && !Number.isFinite(values[at]);
      return `'${name}' (${lost ? `${round(values[at])} at ${place(at, tensor.shape)}` : show(values)})`;
    });
  if (listed.length === 0) return "";
  const more = listed.length > 3 ? ` and ${listed.length - 3} more` : "";
  return ` It is computed from ${moved} ${listed.slice(0, 3).join(", ")}${more}.`;
}

function adviceOnParameter(ours: boolean, values: Float64Array, { moved }: Fault): string {
  if (!ours) return "Check the data or the draws that it is computed from.";
  const form =
    "Use a form that cannot leave its range (logScale or softplus for a scale, logits for probabilities)";
  if (moved === "unconstrained") return `${form}, or start the site elsewhere.`;
  return values.every(Number.isFinite)
    ? `${form}, or lower the learning rate.`
    : "Lower the learning rate, and check the parameter's initial value.";
}

function adviceOnValue(observed: boolean, finite: boolean, { moved }: Fault): string {
  if (!observed) {
    if (moved === "unconstrained") return "Start the site elsewhere.";
    return finite
      ? "Give the guide's site the support of the model's, as automatic guides do."
      : "Lower the learning rate.";
  }
  return finite
    ? "Rescale the data, or choose a distribution whose support contains them."
    : "Look for missing or infinite values in the data.";
}

function kindOfDensity(logDensity: number): string {
  if (logDensity === Number.NEGATIVE_INFINITY) return "density zero";
  return Number.isFinite(logDensity) ? "a density that float32 cannot hold" : "no finite density";
}

function adviceOnDensity(logDensity: number): string {
  return Number.isFinite(logDensity)
    ? "Rescale the data, start from a wider scale, or lower the learning rate."
    : "Keep the parameters away from the ends of their ranges (logits do that for probabilities), and values away from the ends of the support.";
}
