import { describe, expect, test } from "vitest";
import { topological } from "../../src/compile/graph.ts";
import { applyNativeRules } from "../../src/compile/native-rules.ts";
import { simplify } from "../../src/compile/simplify.ts";
import "../../src/compile/index.ts";
import {
  Bernoulli,
  Categorical,
  ClosedFormError,
  Independent,
  kl,
  Normal,
  OneHotCategorical,
  Uniform,
} from "../../src/distributions/index.ts";
import { ShapeError, UsageError } from "../../src/errors.ts";
import { grad, input, mean, type Tensor, tensor } from "../../src/tensor/index.ts";

/** The ops of the simplified graph that work on at least `size` elements. */
const passes = (outputs: readonly Tensor[], size: number, prepare = simplify): string[] =>
  topological(prepare(outputs))
    .filter((t) => t.op.host !== "leaf" && Math.max(t.size, ...t.inputs.map((x) => x.size)) >= size)
    .map((t) => t.op.name);

describe("shape algebra", () => {
  test.each([
    [[], [], []],
    [[3], [], [3]],
    [[], [4], [4]],
    [[3, 1], [4], [3, 4]],
  ])("Normal(loc %j, scale %j) has batch shape %j", (loc, scale, batch) => {
    expect(Normal(input("l", loc), input("s", scale)).batchShape).toEqual(batch);
  });

  test("the last axis of logits is the categories, not batch", () => {
    const logits = input("l", [5, 3]);
    expect([Categorical({ logits }).batchShape, Categorical({ logits }).eventShape]).toEqual([[5], []]);
    expect([OneHotCategorical({ logits }).batchShape, OneHotCategorical({ logits }).eventShape]).toEqual([
      [5],
      [3],
    ]);
  });

  test("toEvent moves batch dimensions, adds to itself, and does nothing at 0", () => {
    const d = Normal(input("l", [2, 3, 4]), 1);
    const once = d.toEvent(1);
    expect([once.batchShape, once.eventShape]).toEqual([[2, 3], [4]]);
    const twice = once.toEvent(1);
    expect([twice.name, twice.batchShape, twice.eventShape]).toEqual(["Independent(Normal, 2)", [2], [3, 4]]);
    expect(d.toEvent(0)).toBe(d);
    expect(Independent(d, 3).logProb(input("x", [7, 2, 3, 4])).shape).toEqual([7]);
  });

  test("a value broadcasts against the batch, from both sides", () => {
    const d = Normal(input("l", [3, 1]), 1);
    expect(d.logProb(input("x", [4])).shape).toEqual([3, 4]);
    expect(d.logProb(0).shape).toEqual([3, 1]);
    expect(d.logProb(input("x", [2, 1, 4])).shape).toEqual([2, 3, 4]);
  });

  test("enumerated values stand on the left of the batch", () => {
    const d = Categorical({ logits: input("l", [5, 6, 3]) });
    expect(d.enumerate().shape).toEqual([3, 1, 1]);
    expect(d.logProb(d.enumerate()).shape).toEqual([3, 5, 6]);
    const v = OneHotCategorical({ logits: input("l", [5, 3]) });
    expect([v.enumerate().shape, v.logProb(v.enumerate()).shape]).toEqual([
      [3, 1, 3],
      [3, 5],
    ]);
  });

  test("all values of a one-hot categorical at once are its log weights, as one value at a time would have it", async () => {
    // An impossible category, and two with equal weights.
    const logits = tensor([
      [0, 1, Number.NEGATIVE_INFINITY],
      [2, -1, 2],
    ]);
    const d = OneHotCategorical({ logits });
    const all = d.logProb(d.enumerate());
    expect(passes([all], 6)).not.toContain("where");
    const found = (await all.value()).data;
    for (let k = 0; k < 3; k++) {
      const one = d.logProb(tensor([0, 1, 2].map((i) => Number(i === k))));
      expect((await one.value()).data).toEqual(found.slice(2 * k, 2 * k + 2));
    }
    // Values in another order are looked up, not read off.
    const reversed = d.logProb(tensor([[[0, 0, 1]], [[0, 1, 0]], [[1, 0, 0]]]));
    expect((await reversed.value()).data.slice(4)).toEqual(found.slice(0, 2));
  });

  test("an expanded distribution draws differently everywhere and sums over every repeat", async () => {
    const d = Normal(2, 3).expand([4]).toEvent(1);
    const x = await d.sample("x").value({ seed: 1 });
    expect(new Set(Array.from(x.data, Number)).size).toBe(4);
    // 4 · (−ln 3 − ½ ln 2π) = −8.0702032
    expect((await d.logProb(tensor([2, 2, 2, 2])).value()).item()).toBeCloseTo(-8.0702032, 6);
    // 4 · (½ + ln 3 + ½ ln 2π)
    expect((await d.entropy().value()).item()).toBeCloseTo(10.0702032, 6);
    const more = d.expand([2, 1]);
    expect([more.batchShape, more.sample("x").shape, more.logProb(input("x", [4])).shape]).toEqual([
      [2, 1],
      [2, 1, 4],
      [2, 1],
    ]);
  });

  test("terms that repeat along the event are counted as often as they repeat", async () => {
    const x = tensor([[0, 1, 2, 3]]);
    for (const scale of [tensor([[2], [3]]), tensor(2), tensor([2, 2, 2, 2]), tensor([[2]])]) {
      const d = Normal(tensor([[1], [0]]), scale).expand([2, 4]);
      const [summed, parts] = [d.toEvent(1).logProb(x), d.logProb(x)];
      const numbers = async (t: Tensor) => Array.from((await t.value()).data, Number);
      const [found, expected] = [await numbers(summed), await numbers(parts.sum(1))];
      expect(found).toEqual(expected.map((e) => expect.closeTo(e, 5)));
    }
  });

  test("mapParameters broadcasts the batch with that of the new parameters", () => {
    const d = Normal(input("l", [3]), 1).toEvent(1);
    const many = d.mapParameters((t) => t.expand([10, 3]));
    expect([many.batchShape, many.eventShape]).toEqual([[10], [3]]);
  });

  test("whole and boolean values are cast to the dtype of draws", async () => {
    const d = Bernoulli({ logits: [0, 2] });
    const x = tensor([true, false]);
    // ln ½ and −ln(1 + e²)
    expect((await d.logProb(x).value()).toArray()).toEqual([
      expect.closeTo(-Math.LN2, 6),
      expect.closeTo(-2.126928, 6),
    ]);
    expect(
      (
        await Categorical({ probs: [0.25, 0.75] })
          .logProb(tensor(1))
          .value()
      ).item(),
    ).toBeCloseTo(Math.log(0.75), 6);
  });
});

describe("messages", () => {
  const message = (run: () => unknown): string => {
    try {
      run();
    } catch (error) {
      expect(error).toBeInstanceOf(Error);
      return `${(error as Error).name}: ${(error as Error).message}`;
    }
    return "nothing was thrown";
  };

  test("a value that does not fit names both shapes and the ways out", () => {
    expect(message(() => Normal(input("l", [128, 20]), 1).logProb(input("x", [128])))).toBe(
      "ShapeError: Normal.logProb: a value of shape [128] does not fit batch shape [128, 20] and event shape []. " +
        "Shapes are sample + batch + event, aligned at the right. Ways out: give the value the shape [..., 128, 20]; " +
        "unsqueeze the value or the parameters so that their batch dimensions align; " +
        "expand the distribution to a larger batch (expand); " +
        "if dimensions of the batch belong to one draw, say so with toEvent(n).",
    );
    expect(message(() => OneHotCategorical({ logits: input("l", [3]) }).logProb(input("x", [5])))).toBe(
      "ShapeError: OneHotCategorical.logProb: a value of shape [5] does not fit batch shape [] and event shape [3]. " +
        "Shapes are sample + batch + event, aligned at the right. Ways out: give the value the shape [..., 3]; " +
        "unsqueeze or transpose the value so that its last 1 dimensions are the event; " +
        "if several draws make one event, expand the batch and say so with expand([...]).toEvent(n).",
    );
  });

  test("an event dimension of size 1 is not silently repeated", () => {
    expect(() =>
      Bernoulli({ logits: input("l", [3]) })
        .toEvent(1)
        .logProb(input("x", [5, 1])),
    ).toThrow(ShapeError);
  });

  test("toEvent past the batch", () => {
    expect(message(() => Normal(0, 1).toEvent(1))).toBe(
      "ShapeError: Normal.toEvent(1): batch shape [] has only 0 dimensions (event shape []). " +
        "Repeat the distribution first: expand([size]).toEvent(1).",
    );
    expect(message(() => Normal([0], 1).toEvent(-1))).toBe(
      "UsageError: Normal.toEvent: expected a whole number of at least 0, found -1.",
    );
  });

  test("expansion to what the batch does not broadcast to", () => {
    expect(message(() => Normal(input("l", [2, 3]), 1).expand([3]))).toBe(
      "ShapeError: Normal.expand: batch shape [2, 3] does not broadcast to [3]; give a shape that ends with it.",
    );
  });

  test("known parameters that break their constraint", () => {
    expect(message(() => Normal(0, [1, -2]))).toBe(
      "UsageError: Normal: parameter 'scale' must be positive, found [1, -2].",
    );
    expect(message(() => Normal(Number.NaN, 1))).toBe(
      "UsageError: Normal: parameter 'loc' must be real, found NaN.",
    );
    expect(message(() => Uniform(2, 1))).toBe(
      "UsageError: Uniform: parameter 'high' must be greaterThan 2, found 1.",
    );
    expect(message(() => Bernoulli({ probs: 1.5 }))).toBe(
      "UsageError: Bernoulli: parameter 'probs' must be unitInterval, found 1.5.",
    );
    expect(message(() => Categorical({ probs: [0.5, 0.6] }))).toBe(
      "UsageError: Categorical: parameter 'probs' must be simplex, found [0.5, 0.6].",
    );
  });

  test("parameters: both, neither, too few dimensions, unlike dtypes", () => {
    const both = { logits: 0, probs: 0.5 } as unknown as { logits: number };
    expect(message(() => Bernoulli(both))).toBe(
      "UsageError: Bernoulli: give either logits or probs, found both.",
    );
    expect(message(() => Bernoulli({} as unknown as { logits: number }))).toBe(
      "UsageError: Bernoulli: give either logits or probs, found neither.",
    );
    expect(message(() => Categorical({ logits: 0 }))).toBe(
      "ShapeError: Categorical: parameter 'logits' (logitVector) needs at least 1 dimension, found shape [].",
    );
    expect(message(() => Normal(input("l", [2]), input("s", [2], "float64")))).toBe(
      "ShapeError: Normal: parameters loc float32, scale float64 differ in dtype; cast them to one.",
    );
  });

  test("a continuous value of another dtype", () => {
    expect(message(() => Normal(0, 1).logProb(input("x", [2], "float64")))).toBe(
      'ShapeError: Normal.logProb: expected a value of dtype float32, found float64; cast it (x.cast("float32")).',
    );
  });

  test("no closed form, no finite support", () => {
    expect(() => Categorical({ logits: [0, 0] }).mean()).toThrow(ClosedFormError);
    expect(message(() => Categorical({ logits: [0, 0] }).mean())).toBe(
      "ClosedFormError: Categorical: no closed form of the mean; estimate it from draws (sample, logProb).",
    );
    expect(message(() => Normal(0, 1).enumerate())).toBe(
      "ClosedFormError: Normal: the support is not finite and cannot be enumerated.",
    );
    expect(
      message(() =>
        Bernoulli({ logits: [0, 0] })
          .toEvent(1)
          .enumerate(),
      ),
    ).toContain("Independent(Bernoulli, 1): the independent parts have too many joint values to list");
  });

  test("two draws under one site are refused when they run", async () => {
    const d = Normal(0, 1);
    await expect(d.sample("z").add(d.sample("z")).value()).rejects.toThrow(UsageError);
  });
});

describe("graphs stay small", () => {
  const logits = input("logits", [128, 784]);
  const x = input("x", [128, 784]);
  const big = 128 * 784;

  test("Bernoulli pixels: x l − softplus(l), one sum", () => {
    expect(passes([Bernoulli({ logits }).unchecked().toEvent(1).logProb(x)], big).sort()).toEqual([
      "mul",
      "softplus",
      "sub",
      "sum",
    ]);
  });

  test("its gradient in the logits: x − σ(l), scaled", () => {
    const loss = mean(Bernoulli({ logits }).unchecked().toEvent(1).logProb(x)).neg();
    const names = passes(grad(loss, [logits]), big).sort();
    expect(names.length).toBeLessThanOrEqual(4);
    expect(names).toContain("sigmoid");
    expect(names).not.toContain("expand");
  });

  test("Normal pixels with one scale: centre, scale, square, sum; the constant is added once", () => {
    const scale = input("scale", []);
    expect(passes([Normal(logits, scale).toEvent(1).logProb(x)], big)).toEqual(["sub", "div", "mul", "sum"]);
  });

  test("KL of an encoder to the standard normal touches the latent array a few times and expands nothing", () => {
    const mu = input("mu", [128, 20]);
    const logVariance = input("v", [128, 20]);
    const q = Normal(mu, { logScale: logVariance.mul(0.5) }).toEvent(1);
    const prior = Normal(0, 1).expand([20]).toEvent(1);
    // exp(v) + mu² − 1, halved, − v/2: the exponential of the log-variance itself, no logarithm, no division.
    // Factors below 1 are joined natively alone: on the host products keep what they round to, subnormal numbers too.
    const names = passes([kl(q, prior)], 128 * 20, (outputs) => applyNativeRules(simplify(outputs)));
    expect(names.length).toBeLessThanOrEqual(8);
    expect(names.filter((n) => ["expand", "div", "log"].includes(n))).toEqual([]);
    expect(names.filter((n) => n === "exp").length).toBe(1);
  });

  test("a standard normal prior holds no array and its density is one square and one sum", () => {
    const z = input("z", [128, 20]);
    const logProb = Normal(0, 1).expand([20]).toEvent(1).logProb(z);
    expect(passes([logProb], 128 * 20)).toEqual(["mul", "sum"]);
    expect(topological(simplify([logProb])).filter((t) => t.op.name === "constant" && t.size > 1)).toEqual(
      [],
    );
  });

  test("the density of a draw is that of its noise", () => {
    const mu = input("mu", [128, 20]);
    const { logProb } = Normal(mu, { logScale: input("s", [128, 20]) })
      .toEvent(1)
      .sampleAndLogProb("z");
    expect(topological(simplify([logProb]))).not.toContain(mu);
  });
});
