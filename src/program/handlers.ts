/** Handlers: ways to read or change a program's sites while it runs. */
import { ShapeError, UsageError } from "../errors.ts";
import { formatShape, sameShape, substituteAll, type Tensor } from "../tensor/index.ts";
import type { Handler, Program, RunOptions } from "./program.ts";
import { isRandom, type RandomSite, type SampleMessage, type Site, scaleOf } from "./site.ts";

/** The record of one run of a program. */
export interface Trace<R = unknown> {
  /** All sites, in the order in which the program met them. */
  readonly sites: ReadonlyMap<string, Site>;
  readonly result: R;
}

/** @throws UsageError unless it is a program. */
export function checkProgram(program: unknown): void {
  const { run } = (program ?? {}) as Partial<Program>;
  if (typeof run !== "function") {
    const found = program === undefined ? "nothing" : `a ${typeof program}`;
    throw new UsageError(`expected a program, which model(…) makes of a function; found ${found}.`);
  }
}

/** Runs a program and records its sites. These handlers are applied between the program and the record. */
export function trace<A extends readonly unknown[], R>(
  program: Program<A, R>,
  args: A,
  handlers: readonly Handler[] = [],
  options: RunOptions = {},
): Trace<R> {
  checkProgram(program);
  if (!Array.isArray(args)) {
    throw new UsageError(
      `${program.name}: give the program's arguments as an array: [data], or [] where it has none.`,
    );
  }
  const sites = new Map<string, Site>();
  const record: Handler = (message, next) => {
    const value = next(message);
    sites.set(message.name, { ...message, value } as Site);
    return value;
  };
  const settled = new Map<Tensor, Tensor>();
  const result = program.run([...handlers, record], args, { ...options, settled });
  if (settled.size === 0) return { sites, result };
  const known = substituteAll(
    [...sites.values()].map(({ value }) => value),
    settled,
  );
  return {
    sites: new Map([...sites].map(([name, site], i) => [name, { ...site, value: known[i] }])),
    result,
  };
}

/** The random sites of a trace, latent and observed. */
export const randomSites = ({ sites }: Trace): RandomSite[] => [...sites.values()].filter(isRandom);

/** The latent sites of a trace: those that were sampled. */
export const latentSites = (recorded: Trace): RandomSite[] =>
  randomSites(recorded).filter((site) => site.kind === "sample");

/** Turns latent sites into observed ones: `condition({ mu: 0 })`. A value must have the site's shape. */
export function condition(values: Readonly<Record<string, Tensor>>): Handler {
  return (message, next) => {
    const value = values[message.name];
    if (value === undefined || message.kind !== "sample") return next(message);
    return next({ ...message, kind: "observe", value: fitted(message, value) });
  };
}

/** Gives latent sites their values from another trace, such as a guide's draws. Sites stay latent. */
export function replay(recorded: Trace): Handler {
  return (message, next) => {
    const site = recorded.sites.get(message.name);
    if (message.kind !== "sample" || site === undefined || site.kind !== "sample") return next(message);
    return next({ ...message, value: fitted(message, site.value) });
  };
}

/** Hides sites from every handler outside: neither recorded nor replayed. */
export function block(hidden: (name: string) => boolean): Handler {
  return (message, next) => {
    if (!hidden(message.name)) return next(message);
    if (message.value !== undefined) return message.value;
    if (message.kind === "sample") return message.distribution.sample(message.name);
    return next(message);
  };
}

/**
 * A program that always runs under handlers, the first one innermost: `handled(m2, condition({ y }))` is the program with its labels
 * observed, to be given to any inference. Its parameters are those of the program.
 */
export const handled = <A extends readonly unknown[], R>(
  program: Program<A, R>,
  ...handlers: readonly Handler[]
): Program<A, R> => ({
  name: program.name,
  run: (others, args, options) => program.run([...handlers, ...others], args, options),
  parameters: () => program.parameters(),
});

function fitted({ name, distribution }: SampleMessage, value: Tensor): Tensor {
  const expected = [...distribution.batchShape, ...distribution.eventShape];
  if (!sameShape(value.shape, expected)) {
    throw new ShapeError(
      `site '${name}': a value of shape ${formatShape(value.shape)} was given, the site's shape is ${formatShape(expected)} ` +
        `(batch ${formatShape(distribution.batchShape)}, event ${formatShape(distribution.eventShape)}).`,
    );
  }
  return value;
}

/** log p of one site, summed over its batch and scaled for its minibatches: a scalar. */
export function siteLogDensity(site: RandomSite): Tensor {
  const total = site.distribution.logProb(site.value).sum();
  const scale = scaleOf(site.plates);
  return scale === 1 ? total : total.mul(scale);
}

/** The log joint density of a trace's random sites, a scalar. @throws UsageError when it has none. */
export function logDensity(recorded: Trace): Tensor {
  const parts = randomSites(recorded).map(siteLogDensity);
  if (parts.length === 0)
    throw new UsageError("the program has no random site: nothing to compute a density of.");
  return parts.reduce((a, b) => a.add(b));
}
