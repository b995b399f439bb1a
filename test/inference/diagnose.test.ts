import { describe, expect, test } from "vitest";
import {
  Bernoulli,
  Categorical,
  type Distribution,
  Mixture,
  MultivariateNormal,
  Normal,
  Uniform,
} from "../../src/distributions/index.ts";
import { NonFiniteError, UsageError } from "../../src/errors.ts";
import {
  autoNormal,
  reweightedWakeSleep,
  type Svi,
  type SviRunOptions,
  svi,
} from "../../src/inference/index.ts";
import type { TrainStep } from "../../src/optim/index.ts";
import { adam } from "../../src/optim/index.ts";
import { model } from "../../src/program/index.ts";
import { eye, type Initializer, input, sqrt, type Tensor, tensor } from "../../src/tensor/index.ts";

const starting = (...values: number[]): Initializer => ({ name: "given", values: () => values });
const nothing = model(() => undefined);

/** What the failure of a run says. */
async function failure<A extends readonly unknown[]>(
  machine: Svi<A>,
  args: A,
  options: Partial<SviRunOptions> = {},
): Promise<string> {
  const error: unknown = await machine.run(args, { steps: 100, ...options }).catch((e: unknown) => e);
  expect(error).toBeInstanceOf(NonFiniteError);
  return error instanceof NonFiniteError ? error.message : "";
}

describe("data outside the support", () => {
  const x = tensor([
    [0.1, 0.2, 0.3],
    [0.4, 3.2, 0.5],
  ]);

  test("the site and the element are named, and what the distribution is there", async () => {
    // Ends that are learnt: what is outside fixed ones is refused before a step.
    const program = model(({ sample, observe, param, plate }) => {
      const mu = sample("mu", Normal(0, 1));
      observe("y", Normal(mu, 1), 0.5);
      const high = tensor([[2], [1]]).mul(param("one", [], starting(1)));
      plate("column", 3, () => plate("row", 2, () => observe("x", Uniform(0, high), x)));
    });
    expect(await failure(svi(program, autoNormal(program)), [])).toBe(
      "step 0: site 'x' of the model has log density -Infinity: its value 3.2 (element [1, 1] of [2, 3]) lies outside the support " +
        "of Uniform(low 0, high 1). Rescale the data, or choose a distribution whose support contains them.",
    );
  });

  test("inside an event the element is found too", async () => {
    const program = model(({ observe, param, plate }) => {
      const columns = Uniform(0, tensor([1, 2, 3]).mul(param("one", [], starting(1))))
        .expand([2, 3])
        .toEvent(1);
      plate("row", 2, () => observe("x", columns, x));
    });
    expect(await failure(svi(program, nothing), [])).toContain(
      "its value 3.2 (element [1, 1] of [2, 3]) lies outside the support of Uniform(low 0, high 2).",
    );
  });
});

describe("a scale that left its range", () => {
  const rows = (scale: Initializer) =>
    model(({ observe, param, plate }) => {
      const learnt = param("scale", [2], scale);
      plate("row", 2, () => observe("x", Normal(0, learnt), tensor([0.2, 0.01])));
    });

  test.each([
    [0, "give"],
    [Number.NaN, "lower"],
  ])("from the start, at %d", async (value, advice) => {
    expect(await failure(svi(rows(starting(0.5, value)), nothing), [])).toBe(
      `step 0: site 'x' of the model has log density NaN: parameter 'scale' of Normal(loc 0, scale ${value}) (element [1] of [2]) ` +
        `must be positive, found ${value}. ` +
        (advice === "give"
          ? "It is computed from learnable 'scale' (0 … 0.5). Use a form that cannot leave its range (logScale or softplus for a " +
            "scale, logits for probabilities), or lower the learning rate."
          : "It is computed from learnable 'scale' (NaN at [1] of [2]). Lower the learning rate, and check the parameter's initial value."),
    );
  });

  test("by steps of Adam: the step is the one that failed", async () => {
    const found = await failure(svi(rows(starting(0.5, 0.1)), nothing), [], {
      optimizer: adam({ learningRate: 0.03 }),
    });
    // Towards 0.01 from 0.1 by about 0.03 a step: below 0 after four.
    expect(found).toMatch(
      /^step 4: site 'x' of the model has log density NaN: parameter 'scale' of Normal\(loc 0, scale -0\.01\d+\) \(element \[1\] of \[2\]\)/,
    );
  });
});

describe("an infinite value in a later minibatch", () => {
  const program = model(({ observe, plate, sample }, x: Tensor) => {
    const mu = sample("mu", Normal(0, 1));
    plate("row", 100, () => observe("x", Normal(mu, 1), x), { rows: 4 });
  });
  const x = input("x", [4]);
  const feed: SviRunOptions["feed"] = (step, index) =>
    step.input("x").set([1, 2, 3, index === 7 ? Number.POSITIVE_INFINITY : 4]);

  test.each([{ executor: "host" }, { executor: "native" }, { executor: "host", particles: 3 }] as const)(
    "%o",
    async (options) => {
      const run = svi(program, autoNormal(program)).run([x], { steps: 100, feed, ...options });
      await expect(run).rejects.toThrow(
        new UsageError(
          "site 'x': the observed value Infinity at [3] of [4] lies outside the support of Normal: finite numbers. Missing and infinite " +
            "values have no density: leave those rows out, or make them latent sites.",
        ),
      );
    },
  );
});

describe("a parameter that exploded", () => {
  const program = model(({ observe, sample }) => {
    const mu = sample("mu", Normal(0, 1));
    observe("x", Normal(mu, 1), 3);
  });
  const at = (learningRate: number, executor: "host" | "native" = "host") =>
    failure(svi(program, autoNormal(program, { initialScale: 0.1 })), [], {
      executor,
      optimizer: adam({ learningRate }),
    });

  test.each(["host", "native"] as const)("%s: a draw that overflowed", async (executor) => {
    const found = await at(1000, executor);
    expect(found).toMatch(
      /^step 1: site 'mu' of the model has log density -Infinity: its value -Infinity is not finite; its distribution is /,
    );
    expect(found).toMatch(
      /It is computed from learnable 'mu.loc' \(1000\), 'mu.logScale' \(99\d.\d+\)\. Lower the learning rate\.$/,
    );
  });

  test("a parameter that is itself infinite", async () => {
    // Adam's first step is the learning rate, which float32 cannot hold.
    expect(await at(1e39)).toBe(
      "step 1: site 'mu' of the guide has log density -Infinity: parameter 'base.loc' of Transformed(Normal, identity)(base.loc Infinity, " +
        "base.logScale Infinity) must be real, found Infinity. It is computed from learnable 'mu.loc' (Infinity). Lower the learning " +
        "rate, and check the parameter's initial value.",
    );
  });

  test("a density beyond float32 though its value is not", async () => {
    const fixed = model(({ sample }) => {
      sample("mu", Normal(0, 1));
    });
    const far = model(({ sample, param }) => {
      sample("mu", Normal(param("loc", [], starting(1e20)), 1));
    });
    expect(await failure(svi(fixed, far), [])).toBe(
      "step 0: site 'mu' of the model has log density -5e+39: its value 1e+20 under Normal(loc 0, scale 1) has a density that float32 " +
        "cannot hold. It is computed from learnable 'loc' (1e+20). Rescale the data, start from a wider scale, or lower the learning rate.",
    );
  });
});

test("a value that its distribution makes impossible", async () => {
  const program = model(({ observe, param, plate }) => {
    const pixels = Bernoulli({ probs: param("probs", [3], starting(0.5, 0.5, 0)) }).toEvent(1);
    plate("row", 2, () =>
      observe("x", pixels, [
        [1, 0, 0],
        [0, 1, 1],
      ]),
    );
  });
  expect(await failure(svi(program, nothing), [])).toBe(
    "step 0: site 'x' of the model has log density -Infinity: its value 1 (element [1, 2] of [2, 3]) under Bernoulli(probs 0) has " +
      "density zero. It is computed from learnable 'probs' (0 … 0.5). Keep the parameters away from the ends of their ranges (logits " +
      "do that for probabilities), and values away from the ends of the support.",
  );
});

describe("families of several kinds are explained", () => {
  // What is learnt, its first values, the data, and what the message says of them.
  const cases: readonly [
    string,
    (p: Tensor) => Distribution,
    readonly number[],
    readonly number[],
    string,
  ][] = [
    [
      "vectors",
      (p) => MultivariateNormal(p, { scaleTril: eye(2) }),
      [0, Number.NaN],
      [1, 2],
      "parameter 'loc' of Multi",
    ],
    [
      "nested",
      (p) =>
        Mixture(Categorical({ logits: [0, 0] }), Normal([0, 1], p))
          .expand([2])
          .toEvent(1),
      [1, -1],
      [1, 2],
      "parameter 'components.scale' of Mixture(Normal)(weights.logits 0, components.loc 0 … 1, components.scale -1 … 1)",
    ],
  ];
  test.each(cases)("%s", async (_, family, first, data, expected) => {
    const program = model(({ observe, param }) =>
      observe("x", family(param("p", [first.length], starting(...first))), data),
    );
    expect(await failure(svi(program, nothing), [])).toContain(expected);
  });
});

describe("who is not to blame", () => {
  test("an impossible value of a site that is summed out", async () => {
    const mixture = (scale: number) =>
      model(({ observe, sample, plate, param }) => {
        plate("row", 2, () => {
          const k = sample("k", Categorical({ probs: [0, 0.5, 0.5] }));
          observe("y", Normal(k.cast("float32"), param("scale", [], starting(scale))), tensor([1, 2]));
        });
      });
    expect(await failure(svi(mixture(-1), nothing), [])).toMatch(
      /^step 0: site 'y' of the model .* found -1\./,
    );
    await svi(mixture(1), nothing).run([], { steps: 1 });
    // Where every value is impossible the zero is at fault after all.
    const never = model(({ observe, sample, param }) => {
      const k = sample("k", Categorical({ probs: [0.5, 0.5] }));
      observe("y", Uniform(0, k.cast("float32").add(param("one", [], starting(1)))), 3);
    });
    expect(await failure(svi(never, nothing), [])).toContain(
      "site 'y' of the model has log density -Infinity",
    );
  });

  test("a particle of weight zero beside others", async () => {
    const within = (scale: number) =>
      model(({ sample, observe, param }) => {
        const z = sample("z", Uniform(0, 1));
        observe("x", Normal(z, param("scale", [], starting(scale))), 0.5);
      });
    const wide = model(({ sample }) => {
      sample("z", Normal(0.5, 1));
    });
    const options = { particles: 20, steps: 1, bound: "importance-weighted" } as const;
    await svi(within(1), wide).run([], options);
    expect(await failure(svi(within(-1), wide), [], options)).toContain("step 0: site 'x' of the model has");
  });
});

test("on a dream of the model", async () => {
  // Awake, x = 0.1; a dreamt x is of the order 1e25, and so the guide's logit of the order 1e50.
  const program = model(({ observe, sample }, x: Tensor) => {
    sample("k", Bernoulli({ probs: 0.5 }));
    observe("x", Normal(0, 1e25), x);
  });
  const guide = model(({ sample, param }, x: Tensor) => {
    sample("k", Bernoulli({ logits: x.square().mul(param("w", [], starting(1))) }));
  });
  const x = tensor(0.1);
  const machine = reweightedWakeSleep(program, guide, { phase: "both", dream: (s) => [s.get("x") ?? x] });
  expect(await failure(machine, [x], { seed: 1 })).toMatch(
    /^step \d+: site 'k' of the guide, on data drawn from the model, has log density -\d.*e\+\d\d: its value 0 under Bernoulli\(logits \d.*e\+\d\d\) has a density/,
  );
});

test("a gradient that is not finite where the bound is keeps its own message", async () => {
  const program = model(({ factor, param }) => factor("f", sqrt(param("w", [], starting(0))).neg()));
  expect(await failure(svi(program, nothing), [])).toBe(
    'step 0: expected a finite gradient of parameter "w", found Infinity at element 0; try a lower learning rate or gradient clipping',
  );
});

test("a fault that is no site's", async () => {
  const program = model(({ sample }) => sample("z", Normal(0, 1)));
  const options = {
    beta: input("beta", []),
    feed: (step: TrainStep) => step.input("beta").fill(Number.NaN),
  };
  expect(await failure(svi(program, autoNormal(program)), [], options)).toMatch(
    /gradient clipping\. Computed again in float64, every site's log density is finite: look at what else the bound holds \(a factor beta/,
  );
});
