/** Several dependent finite sites against brute force in float64: a chain a → b → x in a plate. */
import { expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { Bernoulli, Normal } from "../../../src/distributions/index.ts";
import { elbo } from "../../../src/inference/index.ts";
import { model } from "../../../src/program/index.ts";
import { grad, parameter, tensor } from "../../../src/tensor/index.ts";

const F = "float64";
const x = [0.3, -1.1, 2.4];
const theta = [0.4, -0.7];
const leaf = parameter([2], { name: "theta", values: () => theta }, { dtype: F });
const at = (i: number) => leaf.slice({ axis: 0, start: i, end: i + 1 }).reshape([]);
const sigmoid = (v: number) => 1 / (1 + Math.exp(-v));
const bit = (p: number, v: number) => (v === 1 ? p : 1 - p);
const states = [0, 1].flatMap((a) => [0, 1].map((b) => [a, b] as const));
const normal = (v: number, m: number) => -0.5 * (v - m) ** 2 - 0.5 * Math.log(2 * Math.PI);

const chain = model(({ sample, observe, plate }) => {
  plate("row", 3, () => {
    const a = sample("a", Bernoulli({ logits: at(0) }));
    const b = sample("b", Bernoulli({ logits: a.mul(1.5).add(at(1)) }));
    observe("x", Normal(a.add(b.mul(2)), 1), tensor(x, { dtype: F }));
  });
});
const prior = (t: readonly number[], a: number, b: number) =>
  bit(sigmoid(t[0]), a) * bit(sigmoid(1.5 * a + t[1]), b);

async function check(guide: typeof chain, exact: (t: readonly number[]) => number) {
  const { value, surrogate } = elbo(chain, guide, []);
  const [found, slope] = await compile(() => [value, grad(surrogate, [leaf])[0]], { executor: "host" })();
  expect(found.item()).toBeCloseTo(exact(theta), 10);
  theta.forEach((_, i) => {
    const moved = (h: number) => exact(theta.map((v, j) => (i === j ? v + h : v)));
    expect(Number(slope.data[i])).toBeCloseTo((moved(1e-5) - moved(-1e-5)) / 2e-5, 7);
  });
}

test("left to the model they are summed out: the marginal density", async () => {
  await check(
    model(() => undefined),
    (t) =>
      x.reduce(
        (sum, v) =>
          sum +
          Math.log(states.reduce((p, [a, b]) => p + prior(t, a, b) * Math.exp(normal(v, a + 2 * b)), 0)),
        0,
      ),
  );
});

test("in the guide they are weighed by their joint probability", async () => {
  const guide = model(({ sample, plate }) => {
    plate("row", 3, () => {
      const a = sample("a", Bernoulli({ logits: at(1).mul(0.5) }));
      sample("b", Bernoulli({ logits: a.sub(at(0)) }));
    });
  });
  await check(guide, (t) =>
    x.reduce(
      (sum, v) =>
        sum +
        states.reduce((e, [a, b]) => {
          const q = bit(sigmoid(0.5 * t[1]), a) * bit(sigmoid(a - t[0]), b);
          return e + q * (Math.log(prior(t, a, b)) + normal(v, a + 2 * b) - Math.log(q));
        }, 0),
      0,
    ),
  );
});
