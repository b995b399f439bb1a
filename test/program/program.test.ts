import { describe, expect, test } from "vitest";
import { Bernoulli, Normal } from "../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { dense } from "../../src/nn/index.ts";
import {
  block,
  condition,
  latentSites,
  logDensity,
  model,
  replay,
  scaleOf,
  trace,
} from "../../src/program/index.ts";
import { constant, type Tensor, tensor } from "../../src/tensor/index.ts";
import "../../src/compile/index.ts";

const y = [28, 8, -3, 7, -1, 1, 18, 12];
const sigma = [15, 10, 16, 11, 9, 11, 10, 18];
const schools = model(({ sample, observe, plate, deterministic }, data: Tensor) => {
  const mu = sample("mu", Normal(0, 5));
  const tau = deterministic("tau", tensor(3));
  plate("school", 8, () => {
    const theta = sample("theta", Normal(mu, tau));
    observe("y", Normal(theta, constant(sigma, [8])), data);
  });
});

const normal = (x: number, mu: number, s: number) =>
  -0.5 * ((x - mu) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);

describe("trace", () => {
  test("records every site in order, with its shape, its plates and its value", () => {
    const { sites } = trace(schools, [constant(y, [8])]);
    expect([...sites.keys()]).toEqual(["mu", "tau", "theta", "y"]);
    const theta = sites.get("theta");
    expect(theta?.kind).toBe("sample");
    expect(theta?.value.shape).toEqual([8]);
    expect(theta?.plates.map((p) => [p.name, p.rows, p.dimension])).toEqual([["school", 8, -1]]);
    expect(sites.get("y")?.kind).toBe("observe");
    expect(latentSites({ sites, result: undefined }).map((s) => s.name)).toEqual(["mu", "theta"]);
  });

  test("the log density is the sum over sites, by hand", async () => {
    const theta = [1, 2, 3, 4, 5, 6, 7, 8];
    const conditioned = trace(
      schools,
      [constant(y, [8])],
      [condition({ mu: tensor(0.5), theta: tensor(theta) })],
    );
    const expected =
      normal(0.5, 0, 5) + theta.reduce((sum, t, i) => sum + normal(t, 0.5, 3) + normal(y[i], t, sigma[i]), 0);
    const found = (await logDensity(conditioned).value()).item();
    // The host computes in float64; the result is stored as float32.
    expect(Math.abs(found - expected) / Math.abs(expected)).toBeLessThan(1e-7);
    expect(conditioned.sites.get("mu")?.kind).toBe("observe");
  });

  test("a minibatch counts for size / rows, and nested plates multiply", async () => {
    const program = model(({ observe, plate }) => {
      plate("batch", 100, () => observe("x", Normal(0, 1), [1, 2, 3, 4]), { rows: 4 });
    });
    const { sites } = trace(program, []);
    expect(scaleOf(sites.get("x")?.plates ?? [])).toBe(25);
    const expected = 25 * [1, 2, 3, 4].reduce((sum, x) => sum + normal(x, 0, 1), 0);
    expect((await logDensity({ sites, result: undefined }).value()).item()).toBeCloseTo(expected, 3);
    const nested = model(({ sample, plate }) =>
      plate("a", 6, () => plate("b", 20, () => sample("z", Normal(0, 1)), { rows: 5 }), { rows: 3 }),
    );
    const z = trace(nested, []).sites.get("z");
    expect(z?.value.shape).toEqual([5, 3]);
    expect(scaleOf(z?.plates ?? [])).toBe(8);
  });
});

describe("handlers", () => {
  test("replay gives the model the guide's draws, which stay latent", () => {
    const guide = model(({ sample, plate }) => {
      sample("mu", Normal(1, 0.1));
      plate("school", 8, () => sample("theta", Normal(0, 0.1)));
    });
    const drawn = trace(guide, []);
    const replayed = trace(schools, [constant(y, [8])], [replay(drawn)]);
    expect(replayed.sites.get("mu")?.value).toBe(drawn.sites.get("mu")?.value);
    expect(replayed.sites.get("theta")?.value).toBe(drawn.sites.get("theta")?.value);
    expect(replayed.sites.get("mu")?.kind).toBe("sample");
  });

  test("block hides a site from the record", () => {
    const { sites } = trace(schools, [constant(y, [8])], [block((name) => name === "theta")]);
    expect([...sites.keys()]).toEqual(["mu", "tau", "y"]);
  });

  test("parameters are the same leaves in every run, modules under their paths", () => {
    const network = dense(2, 3);
    const program = model(({ param, module }) => {
      param("scale", [2], { name: "ones", values: () => [1, 1] });
      module("network", network);
    });
    trace(program, []);
    const first = program.parameters();
    trace(program, []);
    expect(program.parameters()).toEqual(first);
    expect(first.map((p) => p.name)).toEqual(["scale", "network.weight", "network.bias"]);
    expect(first[1].tensor).toBe(network.weight);
  });
});

describe("errors", () => {
  const failing = (program: ReturnType<typeof model>) => () => trace(program, []);

  test("a name used twice", () => {
    const program = model(
      ({ sample }) => {
        sample("z", Normal(0, 1));
        sample("z", Normal(0, 1));
      },
      { name: "twice" },
    );
    expect(failing(program)).toThrow(
      new UsageError(
        "twice: the name 'z' is used twice, by a sample site and a sample site; give each its own (in a loop, put the index into it).",
      ),
    );
  });

  test("a batch dimension without a plate names both shapes and the ways out", () => {
    const program = model(({ sample }) => {
      sample("w", Normal(tensor([0, 0, 0]), 1));
    });
    expect(failing(program)).toThrow(
      new ShapeError(
        "site 'w': batch shape [3] (event []) has size 3 along dimension -1, where no plate is open (plates: none). " +
          "If the values along it are one joint event, say so with toEvent(n); if they are independent repetitions, open a " +
          "plate around the site; if a parameter has a stray dimension, reduce or squeeze it.",
      ),
    );
  });

  test("a batch dimension that is not the plate's size", () => {
    const program = model(({ sample, plate }) => {
      plate("data", 5, () => sample("z", Normal(tensor([0, 0, 0]), 1)));
    });
    expect(failing(program)).toThrow(
      new ShapeError(
        "site 'z': batch shape [3] has size 3 along dimension -1, which is plate 'data' of 5. Give the parameters size 5 (or 1) " +
          "there, or move the dimension with unsqueeze.",
      ),
    );
  });

  test("an impossible minibatch, a plate inside itself, a value of another shape", () => {
    expect(failing(model(({ plate }) => plate("p", 3, () => undefined, { rows: 4 }), { name: "m" }))).toThrow(
      new UsageError("m: plate 'p' needs whole numbers 1 ≤ rows ≤ size, found rows 4, size 3."),
    );
    expect(
      failing(model(({ plate }) => plate("p", 3, () => plate("p", 3, () => undefined)), { name: "m" })),
    ).toThrow(new UsageError("m: plate 'p' is opened inside itself; give the inner one another name."));
    const coin = model(({ sample }) => sample("x", Bernoulli({ probs: 0.5 })));
    expect(() => trace(coin, [], [condition({ x: tensor([0, 1]) })])).toThrow(
      new ShapeError(
        "site 'x': a value of shape [2] was given, the site's shape is [] (batch [], event []).",
      ),
    );
    const pair = model(({ sample, plate }) => plate("p", 2, () => sample("x", Bernoulli({ probs: 0.5 }))));
    expect(() => trace(pair, [], [condition({ x: tensor([0, 1, 1]) })])).toThrow(
      new ShapeError(
        "site 'x': a value of shape [3] was given, the site's shape is [2] (batch [2], event []).",
      ),
    );
  });

  test("a program without random sites has no density", () => {
    const empty = model(() => undefined);
    expect(() => logDensity(trace(empty, []))).toThrow(
      new UsageError("the program has no random site: nothing to compute a density of."),
    );
  });
});
