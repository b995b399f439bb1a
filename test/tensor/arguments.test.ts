/** What is no argument of an op, from plain JavaScript: a typed error that names the op and what it was given. */
import { describe, expect, test } from "vitest";
import { type CompileOptions, compile } from "../../src/compile/index.ts";
import { Bernoulli, Beta, Categorical, Gamma, Normal, Poisson } from "../../src/distributions/index.ts";
import { TightboundError } from "../../src/errors.ts";
import * as T from "../../src/tensor/index.ts";

/** Functions as plain JavaScript sees them: of anything. */
type Untyped = (...given: unknown[]) => unknown;
const untyped = (f: unknown): Untyped => f as Untyped;

const refused = (f: () => unknown): string => {
  try {
    f();
  } catch (error) {
    expect(error).toBeInstanceOf(TightboundError);
    expect(String(error)).not.toContain("internal:");
    return String(error);
  }
  throw new Error("expected an error");
};

const x = T.tensor([[1, 2, 3]]);
const notNumbers = [undefined, null, "a", {}, new Map(), Symbol.iterator, () => 1, [1, null], [["2"]]];
const notWhole = [0.5, Number.NaN, Number.POSITIVE_INFINITY, "1"];

describe("operands", () => {
  const { exp, log, tanh, sigmoid, lgamma, relu, neg, square } = T;
  const unary = Object.entries({ exp, log, tanh, sigmoid, lgamma, relu, neg, square });
  test.each(unary)("%s of no number", (_, op) => {
    for (const given of notNumbers) expect(refused(() => untyped(op)(given))).toMatch(/^ShapeError: \w+: /);
  });

  const { add, mul, div, pow, maximum, less } = T;
  const binary = Object.entries({ add, mul, div, pow, maximum, less });
  test.each(binary)("%s with no number", (_, op) => {
    for (const given of notNumbers) {
      expect(refused(() => untyped(op)(x, given))).toMatch(/expected a number/);
      expect(refused(() => untyped(op)(given, x))).toMatch(/expected a number/);
    }
  });

  const { sum, mean, max, prod, logsumexp, softmax, transpose, argmax, cholesky } = T;
  const others = Object.entries({ sum, mean, max, prod, logsumexp, softmax, transpose, argmax, cholesky });
  test.each(others)("%s of no tensor", (_, op) => {
    for (const given of [1, [1, 2], "a"]) refused(() => untyped(op)(given, 0));
  });

  test("parameters and values of distributions", () => {
    for (const make of [Normal, Gamma, Beta, Poisson]) {
      for (const given of notNumbers) refused(() => untyped(make)(given, 1));
    }
    for (const given of notNumbers) {
      refused(() => untyped(Normal(0, 1).logProb.bind(Normal(0, 1)))(given));
      refused(() => untyped(Bernoulli)({ logits: given }));
    }
    refused(() => untyped(Normal)(0));
    refused(() => untyped(Categorical)({ probs: [undefined, 1] }));
  });

  test("fewer operands than the op has", () => {
    expect(refused(() => untyped(T.exp)())).toMatch(/exp: expected a number/);
    expect(refused(() => untyped(T.add)(x))).toMatch(/add: expected a number/);
  });

  test("where the number is missing is said", () => {
    expect(
      refused(() =>
        untyped(T.tensor)([
          [1, 2],
          [3, "x"],
        ]),
      ),
    ).toBe('ShapeError: tensor: expected a number, or nested arrays of numbers, found "x" at [1][1].');
  });

  test("typed arrays and whole numbers of 64 bits are numbers", () => {
    expect(untyped(T.tensor)([Float32Array.of(1, 2)])).toMatchObject({ shape: [1, 2] });
    expect(untyped(T.tensor)(BigInt64Array.of(1n, 2n))).toMatchObject({ shape: [2] });
  });
});

describe("axes, places, counts", () => {
  const list: Record<string, (n: never) => unknown> = {
    sum: (n) => T.sum(x, n),
    softmax: (n) => T.softmax(x, n),
    cumsum: (n) => T.cumsum(x, n),
    unsqueeze: (n) => T.unsqueeze(x, n),
    flatten: (n) => T.flatten(x, n),
    split: (n) => T.split(x, n),
    arange: (n) => T.arange(n),
    eye: (n) => T.eye(n),
    oneHot: (n) => T.oneHot(T.tensor([1], { dtype: "int32" }), n),
    "pad before": (n) => T.pad(x, 0, n, 0),
    "pad after": (n) => T.pad(x, 0, 0, n),
    "slice start": (n) => T.slice(x, { axis: 1, start: n }),
    "slice end": (n) => T.slice(x, { axis: 1, end: n }),
    "slice step": (n) => T.slice(x, { axis: 1, step: n }),
    "slice axis": (n) => T.slice(x, { axis: n }),
    zeros: (n) => T.zeros([2, n]),
    expand: (n) => T.expand(x, [n, 1, 3]),
    input: (n) => T.input("a", [n]),
    "a draw": (n) => Normal(0, 1).sample("a", [n]),
  };
  test.each(Object.entries(list))("%s", (_, f) => {
    for (const given of notWhole) refused(() => untyped(f)(given));
  });

  test("shapes that are none, and that no array can have", () => {
    for (const given of [3, "3", null, { 0: 3 }]) {
      for (const f of [T.zeros, T.ones, (s: never) => T.expand(x, s), (s: never) => T.reshape(x, s)])
        refused(() => untyped(f)(given));
      refused(() => untyped((s: never) => Normal(0, 1).sample("a", s))(given));
    }
    refused(() => T.zeros([1e6, 1e6]));
    refused(() => T.expand(x, [-1, 1, 3]));
    refused(() => T.input("a", [1e9, 1e9]));
  });

  test("dtypes that there are not", () => {
    refused(() => untyped(T.cast)(x, "float16"));
    refused(() => untyped(T.input)("a", [1], "double"));
    refused(() => untyped(T.zeros)([1], "float"));
    refused(() => untyped(T.tensor)([1], { dtype: "f32" }));
  });

  test("a draw without a name", () => {
    for (const given of [undefined, "", 3])
      refused(() => untyped((s: never) => Normal(0, 1).sample(s))(given));
  });
});

describe("compile", () => {
  test("executors that there are not", async () => {
    const options = { executor: "gpu" } as unknown as CompileOptions;
    await expect(compile((t) => T.exp(t), options)([1])).rejects.toThrow(
      "compile: there is no executor 'gpu'; use host or native.",
    );
    await expect(x.value(options)).rejects.toThrow(TightboundError);
  });

  test("what is no tensor returned", async () => {
    for (const given of [undefined, null, 3, [x, 1], { a: undefined }]) {
      const f = (() => given) as unknown as () => T.Tensor;
      await expect(compile(f, { executor: "host" })()).rejects.toThrow(/must return a tensor/);
    }
  });

  test("what is no number fed", async () => {
    for (const given of notNumbers) {
      const f = compile((t) => t, { executor: "host" }) as unknown as (feed: unknown) => Promise<unknown>;
      await expect(f(given)).rejects.toThrow(TightboundError);
    }
  });
});
