import { Distribution } from "../distributions/index.ts";
import { ShapeError, UsageError } from "../errors.ts";
import { evaluation, type LayerContext, type NamedParameter, parametersOf } from "../nn/index.ts";
import { withArticle } from "../printable.ts";
import {
  formatShape,
  type Initializer,
  parameter,
  type Scan,
  type ScanOptions,
  type Shape,
  type Step,
  Tensor,
  type TensorLike,
  type Tensors,
  tensor,
  traceSteps,
  zeros,
} from "../tensor/index.ts";
import { Factor } from "./factor.ts";
import { checkObservedShape, checkObservedValues } from "./observed.ts";
import type { Message, Plate, SampleMessage } from "./site.ts";
import { StepSites } from "./steps.ts";

/** The functions that a program calls while it runs. */
export interface Context {
  /**
   * Draws a latent variable: shape plates + event. An `auxiliary` one exists in a guide alone: other sites are computed from it
   * (each a `Delta` with the log density that its Jacobian asks for), and the model has none of its name.
   */
  readonly sample: (
    name: string,
    distribution: Distribution,
    options?: { readonly auxiliary?: boolean },
  ) => Tensor;
  /** Declares that a variable was observed. */
  readonly observe: (name: string, distribution: Distribution, value: TensorLike) => Tensor;
  /** Adds a term of any kind to the log joint density: a soft constraint, or a cost to minimise. */
  readonly factor: (name: string, logWeight: Tensor) => void;
  /**
   * Repeats its body, independently, along a batch dimension of its own. With `rows` smaller than `size` the body sees a minibatch, and
   * densities in it are multiplied by size / rows. Model and guide must use the same rows for a plate of the same name.
   */
  readonly plate: <R>(
    name: string,
    size: number,
    body: (plate: Plate) => R,
    options?: { readonly rows?: number },
  ) => R;
  /**
   * A loop over steps whose body may have sites: `scan` of `tightbound/tensor` with a name. The body runs once. A site in it is one site, with
   * the values of all steps side by side: [length, …event], or [...plates, length, …event] if plates are open around the scan. It may depend
   * on the carry, on the inputs of its step, and on sites of its step.
   *
   * Plates cannot be opened inside. A site's support must be the same in all steps. A state with finitely many values that the next step
   * depends on is not summed out: `HiddenMarkov` is a distribution over such chains.
   */
  readonly scan: <C extends Tensors, X extends Tensors | undefined, Y extends Tensors>(
    name: string,
    initial: C,
    inputs: X,
    body: (carry: C, input: X) => Step<C, Y>,
    options?: ScanOptions,
  ) => Scan<C, Y>;
  /** A learnable parameter; the same leaf each time the program runs. */
  readonly param: (name: string, shape: Shape, initializer: Initializer) => Tensor;
  /** A network whose parameters train with the program, under `name.…`. Returns the network. */
  readonly module: <M extends object>(name: string, network: M) => M;
  /** Names a computed quantity, so that predictive draws and summaries include it. */
  readonly deterministic: (name: string, value: Tensor) => Tensor;
  /** Whether this run trains or evaluates: for `layer.apply(x, layers)`, where dropout and running statistics need to know. */
  readonly layers: LayerContext;
}

/** A handler sees every site's message: it can change it, answer it, or inspect the answer. */
export type Handler = (message: Message, next: (message: Message) => Tensor) => Tensor;

/** How a program runs. */
export interface RunOptions {
  /** The pass that layers are traced in. Default: evaluation. */
  readonly layers?: LayerContext;
  /** Is given the values of leaves that handlers got in place of draws and observations that depend on the steps of a scan. Default: none. */
  readonly settled?: Map<Tensor, Tensor>;
}

/** A generative program: what {@link model} makes of a function. */
export interface Program<A extends readonly unknown[] = readonly unknown[], R = unknown> {
  readonly name: string;
  /** Runs the program under handlers, the first one innermost. Use `trace` and similar functions. */
  run(handlers: readonly Handler[], args: A, options?: RunOptions): R;
  /** Parameters of `param` and `module` met so far, by path. They are known after the first trace. */
  parameters(): readonly NamedParameter[];
}

/** The end of the chain: draws a site without a value from its distribution, under its own name, and checks observed values. */
function answer(message: Message): Tensor {
  if (message.kind === "observe") checkObservedValues(message);
  if (message.value !== undefined) return message.value;
  return (message as SampleMessage).distribution.sample(message.name);
}

/**
 * Sites must be declared while the program runs; after the first `await` of an async function it is too late.
 * @throws UsageError naming the program and the place.
 */
function refusePromise(what: string, returned: unknown): void {
  if (!(returned instanceof Promise)) return;
  // The promise continues and fails later; this error already reports that.
  returned.catch(() => undefined);
  throw new UsageError(
    `${what} is async: sites after its first await would be lost. Load data before the program runs, and pass them as arguments.`,
  );
}

/** @throws UsageError unless it is a distribution. */
function checkDistribution(site: string, given: unknown): void {
  if (given instanceof Distribution) return;
  const found = given === undefined ? "nothing" : `a ${typeof given}`;
  throw new UsageError(`site '${site}': expected a distribution, such as Normal(0, 1), found ${found}.`);
}

/** @throws UsageError unless it is a tensor. */
function checkTensor(what: string, given: unknown): void {
  if (given instanceof Tensor) return;
  throw new UsageError(
    `${what}: expected a tensor, found ${withArticle(typeof given)}; for plain numbers use tensor(…).`,
  );
}

/** The batch shape that a site's plates require. */
function plateShape(plates: readonly Plate[]): number[] {
  const rank = Math.max(0, ...plates.map((p) => -p.dimension));
  const shape = new Array<number>(rank).fill(1);
  for (const { dimension, rows } of plates) shape[rank + dimension] = rows;
  return shape;
}

/** Repeats a distribution over its plates. @throws ShapeError naming site, shapes, plates and the ways out. */
function intoPlates(name: string, distribution: Distribution, plates: readonly Plate[]): Distribution {
  const wanted = plateShape(plates);
  const { batchShape } = distribution;
  const rank = Math.max(wanted.length, batchShape.length);
  const target: number[] = [];
  for (let axis = -rank; axis < 0; axis++) {
    const has = batchShape[batchShape.length + axis] ?? 1;
    const plate = plates.find((p) => p.dimension === axis);
    if (plate === undefined && has !== 1) {
      throw new ShapeError(
        `site '${name}': batch shape ${formatShape(batchShape)} (event ${formatShape(distribution.eventShape)}) has size ${has} ` +
          `along dimension ${axis}, where no plate is open (plates: ${describePlates(plates)}). ` +
          "If the values along it are one joint event, say so with toEvent(n); if they are independent repetitions, open a plate " +
          "around the site; if a parameter has a stray dimension, reduce or squeeze it.",
      );
    }
    if (plate !== undefined && has !== 1 && has !== plate.rows) {
      throw new ShapeError(
        `site '${name}': batch shape ${formatShape(batchShape)} has size ${has} along dimension ${axis}, which is plate ` +
          `'${plate.name}' of ${plate.rows}. Give the parameters size ${plate.rows} (or 1) there, or move the dimension with unsqueeze.`,
      );
    }
    target.push(plate?.rows ?? has);
  }
  return distribution.expand(target);
}

/** A number as it is, and of anything else what it is. */
const numberOr = (given: unknown): string =>
  typeof given === "number" ? String(given) : `a ${typeof given}`;

const describePlates = (plates: readonly Plate[]): string =>
  plates.map((p) => `${p.name}[${p.rows}] at ${p.dimension}`).join(", ") || "none";

/**
 * A generative program from a TypeScript function. The function's first argument holds `sample`, `observe`, `plate` and the rest;
 * further arguments are whatever the caller of an inference passes as data. The same object goes to every method.
 *
 * @example
 * const coin = model(({ sample, observe, plate }, flips: Tensor) => {
 *   const p = sample("p", Beta(10, 10));
 *   plate("flip", 10, () => observe("x", Bernoulli({ probs: p }), flips));
 * });
 */
export function model<A extends readonly unknown[], R>(
  body: (context: Context, ...args: A) => R,
  options: { readonly name?: string } = {},
): Program<A, R> {
  if (typeof body !== "function")
    throw new UsageError(
      `model: a program is made of a function of its context, found ${withArticle(typeof body)}.`,
    );
  const name = options.name ?? (body.name || "model");
  const store = new Map<string, Tensor>();

  const run = (handlers: readonly Handler[], args: A, options: RunOptions = {}): R => {
    const { layers = evaluation, settled } = options;
    const seen = new Map<string, string>();
    const plates: Plate[] = [];
    const sizes = new Map<string, Plate>();
    let ended = false;
    let steps: StepSites | undefined;
    const claim = (site: string, what: string): void => {
      if (typeof site !== "string" || site === "")
        throw new UsageError(
          `${name}: ${withArticle(what)} needs a name first, found ${withArticle(typeof site)}.`,
        );
      if (ended) {
        throw new UsageError(
          `${name}: the ${what} '${site}' was declared after the program had returned; sites must be declared in its synchronous run.`,
        );
      }
      const before = seen.get(site);
      if (before !== undefined) {
        throw new UsageError(
          `${name}: the name '${site}' is used twice, by ${withArticle(before)} and ${withArticle(what)}; give each its own (in a loop, put the index into it).`,
        );
      }
      seen.set(site, what);
    };
    const send = handlers.reduceRight<(message: Message) => Tensor>(
      (next, handler) => (message) => handler(message, next),
      answer,
    );
    const random = (
      kind: "sample" | "observe",
      site: string,
      distribution: Distribution,
      { value, auxiliary }: { readonly value?: Tensor; readonly auxiliary?: boolean | undefined } = {},
    ): Tensor => {
      claim(site, kind === "sample" ? "sample site" : "observed site");
      checkDistribution(site, distribution);
      const repeated = intoPlates(site, distribution, plates);
      if (steps !== undefined) {
        return steps.random(
          { kind, name: site, distribution: repeated, value, auxiliary: auxiliary === true },
          plates,
        );
      }
      return send({
        kind,
        name: site,
        distribution: repeated,
        value,
        plates: [...plates],
        ...(auxiliary === true && { auxiliary }),
      });
    };
    const context: Context = {
      layers,
      sample: (site, distribution, { auxiliary } = {}) => random("sample", site, distribution, { auxiliary }),
      observe(site, distribution, given) {
        checkDistribution(site, distribution);
        const value = given instanceof Tensor ? given : tensor(given, { dtype: distribution.dtype });
        checkObservedShape({ name: site, value, distribution, plates });
        return random("observe", site, distribution, { value });
      },
      factor(site, logWeight) {
        checkTensor(`factor '${site}'`, logWeight);
        random("observe", site, new Factor(logWeight), { value: zeros([], logWeight.dtype) });
      },
      plate(plateName, size, inside, { rows = size } = {}) {
        if (typeof inside !== "function")
          throw new UsageError(`${name}: plate '${plateName}' needs a function: what is repeated.`);
        if (!Number.isInteger(size) || size < 1 || !Number.isInteger(rows) || rows < 1 || rows > size) {
          throw new UsageError(
            `${name}: plate '${plateName}' needs whole numbers 1 ≤ rows ≤ size, found rows ${numberOr(rows)}, size ${numberOr(size)}.`,
          );
        }
        if (plates.some((p) => p.name === plateName)) {
          throw new UsageError(
            `${name}: plate '${plateName}' is opened inside itself; give the inner one another name.`,
          );
        }
        const before = sizes.get(plateName);
        if (before !== undefined && (before.size !== size || before.rows !== rows)) {
          throw new UsageError(
            `${name}: plate '${plateName}' had ${before.rows} of ${before.size} rows before, and now ${rows} of ${size}; one name is one set ` +
              "of repetitions: give the other plate its own.",
          );
        }
        const plate: Plate = { name: plateName, size, rows, dimension: -(plates.length + 1) };
        sizes.set(plateName, plate);
        plates.push(plate);
        try {
          const result = inside(plate);
          refusePromise(`${name}: the body of plate '${plateName}'`, result);
          return result;
        } finally {
          plates.pop();
        }
      },
      scan(scanName, initial, inputs, inside, scanOptions = {}) {
        claim(scanName, "scan");
        if (steps !== undefined) {
          throw new UsageError(
            `${name}: scan '${scanName}' is inside another scan; sites cannot be in both. For a loop without sites use scan of tightbound/tensor.`,
          );
        }
        const sites = new StepSites([...plates]);
        const body: typeof inside = (carry, step) => {
          steps = sites;
          try {
            const result = inside(carry, step);
            refusePromise(`${name}: the body of scan '${scanName}'`, result);
            return result;
          } finally {
            steps = undefined;
          }
        };
        const traced = traceSteps(initial, inputs, body, scanOptions);
        if (traced.length === 0)
          throw new UsageError(`${name}: scan '${scanName}' needs at least one step, found none.`);
        return sites.complete(traced, {
          send,
          settle: (leaf, value) => settled?.set(leaf, value),
        });
      },
      param(site, shape, initializer) {
        claim(site, "parameter");
        const known = store.get(site);
        const leaf = known ?? parameter(shape, initializer);
        if (leaf.shape.join() !== shape.join()) {
          throw new ShapeError(
            `${name}: parameter '${site}' had shape ${formatShape(leaf.shape)} in an earlier run, now ${formatShape(shape)}; ` +
              "a parameter's shape must not depend on the data.",
          );
        }
        store.set(site, leaf);
        return send({ kind: "param", name: site, value: leaf, plates: [...plates] });
      },
      module(site, network) {
        claim(site, "module");
        for (const { name: path, tensor: leaf } of parametersOf(network, site)) {
          const known = store.get(path);
          if (known !== undefined && known !== leaf) {
            throw new UsageError(
              `${name}: module '${site}' is another object than in an earlier run; build networks outside the program, once.`,
            );
          }
          store.set(path, leaf);
        }
        return network;
      },
      deterministic(site, value) {
        claim(site, "deterministic site");
        checkTensor(`deterministic site '${site}'`, value);
        if (steps !== undefined) {
          steps.named(site, value);
          return value;
        }
        return send({ kind: "deterministic", name: site, value, plates: [...plates] });
      },
    };
    try {
      const result = body(context, ...args);
      refusePromise(`${name}: the program`, result);
      return result;
    } finally {
      ended = true;
    }
  };
  return { name, run, parameters: () => [...store].map(([path, leaf]) => ({ name: path, tensor: leaf })) };
}
