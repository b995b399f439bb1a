import { rewrite } from "../../compile/index.ts";
import { ShapeError } from "../../errors.ts";
import { formatShape, input, rebuild, type Shape, sameShape, Tensor } from "../../tensor/index.ts";
import {
  type Constraint,
  type IndependentConstraint,
  type IntervalConstraint,
  independentConstraint,
  numberInside,
} from "../constraints.ts";
import type { Parameters } from "../distribution.ts";
import { Transform, type ValueAndLogDet } from "./transform.ts";

/** A transform with some of its parameters replaced in all expressions that it writes. */
class ReplacedTransform extends Transform {
  readonly #of: Transform;
  readonly #replacements: ReadonlyMap<Tensor, Tensor>;

  constructor(of: Transform, replacements: ReadonlyMap<Tensor, Tensor>) {
    const { name, domain, codomain, batchShape } = of;
    super({
      name,
      domain: replacedSet(domain, replacements),
      codomain: replacedSet(codomain, replacements),
      batchShape,
    });
    this.#of = of;
    this.#replacements = replacements;
  }

  override get hasForward(): boolean {
    return this.#of.hasForward;
  }

  override get hasInverse(): boolean {
    return this.#of.hasInverse;
  }

  override get parameters(): Parameters {
    const replaced = Object.entries(this.#of.parameters).map(
      ([name, t]) => [name, this.#replacements.get(t) ?? t] as const,
    );
    return Object.fromEntries(replaced);
  }

  protected override map(x: Tensor): Tensor {
    return this.#write([x], ([v]) => [this.#of.forward(v)])[0];
  }

  override limit(x: Tensor): Tensor {
    return this.#write([x], ([v]) => [this.#of.limit(v)])[0];
  }

  protected override unmap(y: Tensor): Tensor {
    return this.#write([y], ([v]) => [this.#of.inverse(v)])[0];
  }

  protected override logAbsDet(x: Tensor, y: Tensor): Tensor {
    return this.#write([x, y], ([a, b]) => [this.#of.logDet(a, b)])[0];
  }

  protected override mapWithLogDet(x: Tensor): ValueAndLogDet {
    return this.#both(x, (v) => this.#of.forwardAndLogDet(v));
  }

  protected override unmapWithLogDet(y: Tensor): ValueAndLogDet {
    return this.#both(y, (v) => this.#of.inverseAndLogDet(v));
  }

  protected override forwardEvent(event: Shape): Shape {
    const shape = this.#of.forwardShape(event);
    return shape.slice(shape.length - this.codomain.eventRank);
  }

  protected override inverseEvent(event: Shape): Shape {
    const shape = this.#of.inverseShape(event);
    return shape.slice(shape.length - this.domain.eventRank);
  }

  #both(given: Tensor, apply: (v: Tensor) => ValueAndLogDet): ValueAndLogDet {
    const [value, logDet] = this.#write([given], ([v]) => {
      const out = apply(v);
      return [out.value, out.logDet];
    });
    return { value, logDet };
  }

  #write(
    given: readonly Tensor[],
    trace: (standIns: readonly Tensor[]) => readonly Tensor[],
  ): readonly Tensor[] {
    return written(this.#replacements, given, trace);
  }
}

/** Traces with placeholders for the operands, so that parameters are replaced only in the transform's own expressions. */
function written(
  parameters: ReadonlyMap<Tensor, Tensor>,
  given: readonly Tensor[],
  trace: (standIns: readonly Tensor[]) => readonly Tensor[],
): readonly Tensor[] {
  const standIns = given.map((t, i) => input(`operand ${i}`, t.shape, t.dtype));
  const replacements = new Map([...parameters, ...standIns.map((s, i) => [s, given[i]] as const)]);
  return rewrite(
    trace(standIns),
    (node, inputs) =>
      replacements.get(node) ?? (inputs.every((x, i) => x === node.inputs[i]) ? node : rebuild(node, inputs)),
  );
}

/** A set whose ends are parameters, with those in their place; every other set is itself. */
function replacedSet(set: Constraint, parameters: ReadonlyMap<Tensor, Tensor>): Constraint {
  const { base, reinterpreted } = set as Partial<IndependentConstraint>;
  if (base !== undefined) {
    const inner = replacedSet(base, parameters);
    return inner === base ? set : { ...independentConstraint(inner, reinterpreted ?? 0), name: set.name };
  }
  const { low, high } = set as Partial<IntervalConstraint>;
  const end = <E extends Tensor | number | undefined>(e: E): E | Tensor =>
    e instanceof Tensor ? written(parameters, [], () => [e])[0] : e;
  const ends = { low: end(low), high: end(high) };
  if (ends.low === low && ends.high === high) return set;
  return {
    ...set,
    ...ends,
    member: () => numberInside(ends.low ?? Number.NEGATIVE_INFINITY, ends.high ?? Number.POSITIVE_INFINITY),
    check: (x: Tensor) => written(parameters, [x], ([v]) => [set.check(v)])[0],
  } as Constraint;
}

/**
 * The same transform with other parameters, by the names of `transform.parameters`; those not given stay the same.
 * @throws ShapeError when a parameter's shape or dtype would change.
 */
export function withParameters(transform: Transform, parameters: Parameters): Transform {
  const replacements = new Map<Tensor, Tensor>();
  for (const [name, old] of Object.entries(transform.parameters)) {
    const next = parameters[name] ?? old;
    if (next === old) continue;
    if (!sameShape(next.shape, old.shape) || next.dtype !== old.dtype) {
      throw new ShapeError(
        `${transform.name}: parameter '${name}' is ${old.dtype} ${formatShape(old.shape)}; ` +
          `found ${next.dtype} ${formatShape(next.shape)} to take its place. To change the shape, build a new transform.`,
      );
    }
    replacements.set(old, next);
  }
  return replacements.size === 0 ? transform : new ReplacedTransform(transform, replacements);
}
