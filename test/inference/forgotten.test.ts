/** What is forgotten or mistaken in a call, from plain JavaScript: a typed error that says what is missing, never one from our depths. */
import { describe, expect, test } from "vitest";
import { Normal } from "../../src/distributions/index.ts";
import { TightboundError } from "../../src/errors.ts";
import {
  annealedImportanceSampling,
  autoFlow,
  autoFullRankNormal,
  autoNormal,
  bidirectionalMonteCarlo,
  cavi,
  elbo,
  hmc,
  importance,
  importanceWeighted,
  laplace,
  map,
  nuts,
  predictive,
  reweightedWakeSleep,
  simulationBasedCalibration,
  stochasticCavi,
  svi,
  unconstrainedDensity,
} from "../../src/inference/index.ts";
import { type Context, model, trace } from "../../src/program/index.ts";

type Untyped = (...given: unknown[]) => unknown;
const untyped = (f: unknown): Untyped => f as Untyped;
/** A method's function, as plain JavaScript calls it. */
const runOf = (machine: { readonly run: unknown }): Untyped => (machine.run as Untyped).bind(machine);

const program = model(({ sample, observe }) => {
  observe("y", Normal(sample("z", Normal(0, 1)), 1), 1);
});
const guide = autoNormal(program);

const messageOf = async (f: () => unknown): Promise<string> => {
  try {
    await f();
  } catch (error) {
    expect(error).toBeInstanceOf(TightboundError);
    expect(String(error)).not.toContain("internal:");
    return String(error);
  }
  throw new Error("expected an error");
};

describe("options that have no default", () => {
  const calls: Record<string, readonly [() => unknown, string]> = {
    predictive: [() => untyped(predictive)(program, []), "draws"],
    importance: [() => untyped(importance)(program, guide, []), "draws"],
    svi: [() => runOf(svi(program, guide))([]), "steps"],
    "reweighted wake-sleep": [() => runOf(reweightedWakeSleep(program, guide))([]), "steps"],
    stochasticCavi: [() => runOf(stochasticCavi(program))([]), "steps"],
  };
  test.each(Object.entries(calls))("%s", async (_, [call, option]) => {
    expect(await messageOf(call)).toContain(
      `the option ${option} is missing; give a whole number of at least`,
    );
  });
});

describe("arguments of a program that are not in an array", () => {
  const calls: Record<string, Untyped> = {
    trace: untyped(trace),
    elbo: (p, args) => untyped(elbo)(p, guide, args),
    importanceWeighted: (p, args) => untyped(importanceWeighted)(p, guide, args),
    unconstrainedDensity: untyped(unconstrainedDensity),
    annealedImportanceSampling: untyped(annealedImportanceSampling),
    bidirectionalMonteCarlo: untyped(bidirectionalMonteCarlo),
    simulationBasedCalibration: untyped(simulationBasedCalibration),
    predictive: (p, args) => untyped(predictive)(p, args, { draws: 2 }),
    importance: (p, args) => untyped(importance)(p, guide, args, { draws: 30 }),
    nuts: (p, args) => runOf(untyped(nuts)(p) as { run: unknown })(args),
    hmc: (p, args) => runOf(untyped(hmc)(p) as { run: unknown })(args),
    map: (p, args) => runOf(untyped(map)(p) as { run: unknown })(args),
    laplace: (p, args) => runOf(untyped(laplace)(p) as { run: unknown })(args),
    cavi: (p, args) => runOf(untyped(cavi)(p) as { run: unknown })(args),
    svi: (p, args) => runOf(untyped(svi)(p, guide) as { run: unknown })(args, { steps: 2 }),
  };
  test.each(Object.entries(calls))("%s", async (_, call) => {
    for (const args of [undefined, 3, null])
      expect(await messageOf(() => call(program, args))).toContain("arguments as an array");
    expect(await messageOf(() => call(undefined, []))).toContain("expected a program");
    expect(await messageOf(() => call(3, []))).toContain("expected a program");
  });
});

describe("what is no guide, and what a guide is made of", () => {
  test.each([autoNormal, autoFullRankNormal, autoFlow].map((f) => [f.name, f] as const))(
    "%s",
    async (_, make) => {
      for (const given of [undefined, 3, {}])
        expect(await messageOf(() => untyped(make)(given))).toContain("expected a program");
    },
  );
  test("svi, elbo, importance", async () => {
    await messageOf(() => runOf(untyped(svi)(program) as { run: unknown })([], { steps: 2 }));
    await messageOf(() => untyped(elbo)(program, undefined, []));
    await messageOf(() => untyped(importance)(program, undefined, [], { draws: 30 }));
  });
});

describe("inside a program", () => {
  const bodies: Record<string, (c: Record<keyof Context, Untyped>) => unknown> = {
    "a site without a distribution": ({ sample }) => sample("z"),
    "a site without a name": ({ sample }) => sample(Normal(0, 1)),
    "a number for a distribution": ({ sample }) => sample("z", 3),
    "an observation without a distribution": ({ observe }) => observe("y", undefined, 1),
    "an observation without a value": ({ observe }) => observe("y", Normal(0, 1)),
    "a word for a value": ({ observe }) => observe("y", Normal(0, 1), "3"),
    "a plate without a body": ({ plate }) => plate("n", 3),
    "a factor without a weight": ({ factor }) => factor("f"),
    "a parameter without a shape": ({ param }) => param("w"),
    "a deterministic site without a value": ({ deterministic }) => deterministic("d"),
  };
  test.each(Object.entries(bodies))("%s", async (_, body) => {
    const broken = model((context) => {
      body(context as unknown as Record<keyof Context, Untyped>);
    });
    await messageOf(() => trace(broken, []));
  });
  test("a model of no function", async () => {
    expect(await messageOf(() => untyped(model)())).toContain("made of a function");
  });
});
