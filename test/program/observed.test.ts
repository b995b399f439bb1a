/** What is observed is checked where it is observed. */
import { describe, expect, test } from "vitest";
import {
  Bernoulli,
  Beta,
  Categorical,
  type Distribution,
  Normal,
  Uniform,
} from "../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { autoNormal, stochasticCavi, svi } from "../../src/inference/index.ts";
import { condition, logDensity, model, trace } from "../../src/program/index.ts";
import { constant, input, tensor } from "../../src/tensor/index.ts";
import { distributionCases } from "../distributions/registry/index.ts";
import "../../src/compile/index.ts";

/** A program that observes one value of a distribution, its batch dimensions as plates. */
const observing = (distribution: Distribution, value: ReturnType<typeof tensor>) =>
  model(({ observe, plate }) => {
    const sizes = [...distribution.batchShape].reverse();
    const open = (i: number): void => {
      if (i === sizes.length) observe("x", distribution, value);
      else plate(`plate ${i}`, sizes[i], () => open(i + 1));
    };
    open(0);
  });

/** Numbers that no set of this name holds; the first element of an event is replaced by them. */
const outside: Readonly<Record<string, readonly number[]>> = {
  real: [],
  positive: [-1, -1e-9],
  nonNegative: [-1, -1e-9],
  greaterThan: [-1e9],
  interval: [-1e9, 1e9],
  unitInterval: [-0.01, 1.01, 30],
  boolean: [-1, 2, 0.5],
  integerInterval: [-1, 1e12],
  nonNegativeInteger: [-1, 1.5],
  oneHotVector: [2, -1],
  countVector: [-1, 1e6],
  simplex: [-0.2, 30],
};

describe("values outside the support are refused, those inside are not", () => {
  test.each(distributionCases.map((c) => [c.name, c] as const))("%s", async (_, { make, parameters }) => {
    const numbers = Object.fromEntries(
      Object.entries(parameters).map(([k, v]) => [k, tensor(v, { dtype: "float64" })]),
    );
    const distribution = make(numbers);
    const drawn = await distribution.sample("x").value({ seed: 7 });
    const values = Float64Array.from(drawn.data, Number);
    const observed = (v: Float64Array) => constant(v, drawn.shape, distribution.dtype);
    trace(observing(distribution, observed(values)), []);

    const { support, eventShape } = distribution;
    const wrong = [
      ...(distribution.dtype.startsWith("float") && support.name !== "tableRow"
        ? [Number.NaN, Number.POSITIVE_INFINITY]
        : []),
      ...(outside[support.name.replace(/^independent\((\w+), \d+\)$/, "$1")] ?? []),
    ];
    const size = eventShape.reduce((a, b) => a * b, 1);
    const row = values.length / size - 1;
    for (const value of wrong) {
      const spoilt = values.slice();
      spoilt[row * size] = value;
      const run = () => trace(observing(distribution, observed(spoilt)), []);
      expect(run, `${value}`).toThrow(UsageError);
      expect(run).toThrow(/^site 'x': the observed value .* lies outside the support of /);
    }
  });
});

describe("what is said of values", () => {
  const said = (distribution: Distribution, values: readonly number[]) => {
    try {
      trace(
        observing(distribution.expand([values.length]), tensor(values, { dtype: distribution.dtype })),
        [],
      );
      return "";
    } catch (error) {
      return error instanceof UsageError ? error.message : String(error);
    }
  };

  test("the site, the value, its place and the way out", () => {
    expect(said(Bernoulli({ probs: 0.5 }), [0, 1, -1, 1, -1])).toBe(
      "site 'x': the observed value -1 at [2] of [5] (and 1 more) lies outside the support of Bernoulli: 0 or 1. Code two classes as 0 " +
        "and 1, and leave rows without a value out.",
    );
    expect(said(Categorical({ probs: [0.2, 0.3, 0.5] }), [1, 2, 3])).toBe(
      "site 'x': the observed value 3 at [2] of [3] lies outside the support of Categorical: whole numbers from 0 to 2. Count " +
        "categories from 0, and leave rows without a value out; a count cannot be above its total.",
    );
    expect(said(Normal(0, 1), [1, Number.NaN])).toContain("leave those rows out, or make them latent sites.");
  });

  test("data that are computed from constants are looked at as well", () => {
    const program = model(({ observe, plate }) =>
      plate("row", 2, () => observe("x", Bernoulli({ probs: 0.5 }), tensor([3, 4]).sub(2))),
    );
    expect(() => trace(program, [])).toThrow(/site 'x': the observed value 2 at \[1\] of \[2\]/);
  });

  test("large arrays are looked at as small ones are", () => {
    const values = new Float64Array(100_000);
    values[77_777] = 2;
    const x = constant(values, [values.length]);
    const program = model(({ observe, plate }) =>
      plate("row", values.length, () => observe("x", Bernoulli({ probs: 0.5 }), x)),
    );
    expect(() => trace(program, [])).toThrow(/the observed value 2 at \[77777\] of \[100000\]/);
  });

  test("condition observes too", () => {
    const program = model(({ sample, plate }) =>
      plate("row", 3, () => sample("x", Bernoulli({ probs: 0.5 }))),
    );
    expect(() => trace(program, [], [condition({ x: tensor([0, 1, 2]) })])).toThrow(
      /the observed value 2 at \[2\] of \[3\]/,
    );
  });

  test("a support that depends on other sites is left to the density", async () => {
    const program = model(({ sample, observe }) => {
      const high = sample("high", Uniform(0, 1));
      observe("x", Uniform(0, high), 2);
    });
    expect((await logDensity(trace(program, [])).value()).item()).toBe(Number.NEGATIVE_INFINITY);
  });
});

describe("shapes of observed values", () => {
  const y = [1, 2, 3, 4, 5, 6];
  const seen = (shape: readonly number[]) =>
    model(({ sample, observe, plate }) => {
      const mu = sample("mu", Normal(0, 1));
      const size = shape.reduce((a, b) => a * b, 1);
      plate("n", 6, () => observe("y", Normal(mu, 1), constant(new Float64Array(size), shape)));
    });

  test.each([[[6, 1]], [[1]], [[]], [[4]], [[2, 6]], [[6, 6]], [[3, 1, 6]]])(
    "%j in a plate of 6",
    (shape) => {
      expect(() => trace(seen(shape), [])).toThrow(ShapeError);
      expect(() => trace(seen(shape), [])).toThrow(
        /^site 'y': a value of shape \[.*\] was observed, where plates and event have shape \[6\]/,
      );
    },
  );

  test("[6] and [1, 6] count six times, and one number in a plate of one once", () => {
    trace(seen([6]), []);
    trace(seen([1, 6]), []);
    trace(
      model(({ observe, plate }) => plate("one", 1, () => observe("y", Normal(0, 1), 3))),
      [],
    );
  });

  test("several values outside all plates", () => {
    const program = model(({ observe }) => observe("y", Normal(0, 1), tensor(y)));
    expect(() => trace(program, [])).toThrow(
      /open a plate for the dimension that is too many; or make it part of the event/,
    );
  });

  test("inputs are data too", () => {
    const program = model(({ observe, plate }, x: ReturnType<typeof tensor>) =>
      plate("n", 6, () => observe("y", Normal(0, 1), x)),
    );
    expect(() => trace(program, [input("x", [6, 1])])).toThrow(ShapeError);
  });
});

describe("a program runs at once", () => {
  test("an async plate body", () => {
    const program = model(({ observe, plate }) => {
      plate("n", 3, async () => {
        await null;
        observe("y", Normal(0, 1), tensor([1, 2, 3]));
      });
    });
    expect(() => trace(program, [])).toThrow(
      new UsageError(
        "model: the body of plate 'n' is async: sites after its first await would be lost. Load data before the program runs, and pass " +
          "them as arguments.",
      ),
    );
  });

  test("an async program", () => {
    const program = model(async ({ observe }) => {
      await null;
      observe("y", Normal(0, 1), 1);
    });
    expect(() => trace(program, [])).toThrow(/^model: the program is async: /);
  });

  test("a site after the program has returned", () => {
    let late: () => void = () => undefined;
    const program = model(({ observe }) => {
      late = () => observe("y", Normal(0, 1), 1);
    });
    trace(program, []);
    expect(late).toThrow(/declared after the program had returned/);
  });

  test("one plate of two sizes", () => {
    const program = model(({ observe, plate }) => {
      plate("n", 2, () => observe("x", Normal(0, 1), tensor([1, 2])));
      plate("n", 3, () => observe("y", Normal(0, 1), tensor([1, 2, 3])));
    });
    expect(() => trace(program, [])).toThrow(/plate 'n' had 2 of 2 rows before, and now 3 of 3/);
  });
});

describe("data that are fed are looked at where they enter", () => {
  const x = input("x", [4]);
  const program = model(({ sample, observe, plate }) => {
    const p = sample("p", Beta(1, 1));
    plate("row", 8, () => observe("y", Bernoulli({ probs: p }), x), { rows: 4 });
  });
  const batch = (index: number) => (index === 2 ? [0, 1, -1, 1] : [0, 1, 1, 1]);
  const refused = new UsageError(
    "site 'y': the observed value -1 at [2] of [4] lies outside the support of Bernoulli: 0 or 1. Code two classes as 0 and 1, and " +
      "leave rows without a value out.",
  );

  test.each(["host", "native"] as const)("svi, %s: the minibatch that holds one", async (executor) => {
    const told: number[] = [];
    const run = svi(program, autoNormal(program)).run([], {
      executor,
      steps: 5,
      feed: (step, index) => step.input("x").set(batch(index)),
      onStep: ({ step }) => told.push(step),
    });
    await expect(run).rejects.toThrow(refused);
    expect(told).toEqual([0, 1]);
  });

  test("stochasticCavi", async () => {
    const run = stochasticCavi(program).run([], {
      steps: 5,
      feed: (minibatch, index) => minibatch.input("x").set(batch(index)),
    });
    await expect(run).rejects.toThrow(refused);
  });
});
