import { expect, test } from "vitest";
import { build } from "../../src/compile/index.ts";
import { initialValues } from "../../src/compile/leaves.ts";
import { Normal } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { elbo } from "../../src/inference/index.ts";
import { latentColumns, Stacked, type StackedOptions, VAE } from "../../src/models/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { add, input, mul, noise, sqrt, sub, type Tensor } from "../../src/tensor/index.ts";
import { isInput, isNoise, isParameter } from "../../src/tensor/leaf.ts";

const [ROWS, D, LATENT, K] = [5, 6, 4, 3];
const m1 = VAE({ shape: [D], latent: LATENT, hidden: [7], activation: "softplus" });
const stacked = (options: Partial<StackedOptions> = {}) =>
  Stacked({ m1, frozen: new Map(), classes: K, latent: 2, hidden: [5], ...options });

/** Values in float64: random parameters, and noise by the name of its site, M2's own z under the name that it has here. */
async function values(outputs: readonly Tensor[]): Promise<number[][]> {
  const program = await build(outputs, { executor: "host" });
  const leaves = program.leaves.map((leaf) => {
    if (isParameter(leaf)) return Float64Array.from(initialValues(leaf, `parameter ${leaf.id}`, 5));
    const out = new Float64Array(leaf.size);
    if (isNoise(leaf)) {
      const { site } = leaf.attributes;
      fillNormal(out, stream(2, site === "z" ? "z2" : site));
    } else if (isInput(leaf)) out.set(out.map((_, i) => Number((i * 7) % 5 < 2)));
    return out;
  });
  const out = outputs.map((t) => new Float64Array(t.size));
  await program.bind(leaves, out)();
  return out.map((o) => [...o]);
}

// Kingma et al. (2014), section 3.3: p(y) p(z2) p(z1|y, z2) p(x|z1) under q(z1|x) q(y|z1) q(z2|z1, y).
test.each([[[0, 1, 2, 3]], [[1, 3]]])(
  "the bound with dimensions %o active is M1's terms at z1, M2's bound of their part, and the prior of the rest",
  async (active) => {
    const model = stacked({ active });
    const rest = [0, 1, 2, 3].filter((d) => !active.includes(d));
    const x = input("x", [ROWS, D]);
    const whole = elbo(model.model, model.guide, [x], { analyticKl: ["z2"] }).perDatum.elbo;

    const q = m1.encode(x);
    const draw = (part: readonly number[], site: string) => {
      const { pick } = latentColumns(part, LATENT);
      const e = noise("normal", site, [ROWS, part.length]);
      return add(pick(q.mean()), mul(pick(sqrt(q.variance())), e));
    };
    const z1 = draw(active, "z1");
    const parts = [latentColumns(active, LATENT).place(z1)];
    let inactive: Tensor | undefined;
    if (rest.length > 0) {
      inactive = draw(rest, "inactive");
      parts.push(latentColumns(rest, LATENT).place(inactive));
    }
    const all = parts.reduce((a, b) => add(a, b));
    const ofM1 = sub(m1.decode(all).logProb(x), q.logProb(all));
    const ofM2 = elbo(model.m2.model, model.m2.guide, [z1], { analyticKl: ["z"] }).perDatum.elbo;
    const prior = inactive && Normal(0, 1).expand([rest.length]).toEvent(1).logProb(inactive);
    const byHand = add(ofM1, prior === undefined ? ofM2 : add(ofM2, prior));

    const [found, expected] = await values([whole, byHand]);
    found.forEach((value, row) => {
      // Bounds of 10⁷ nats, whose terms are added in another order: some units in the last place.
      expect(Math.abs(value - expected[row])).toBeLessThan(16 * 2 ** -53 * Math.abs(expected[row]));
    });
    expect(new Set(found.map((value) => value.toFixed(6))).size).toBe(ROWS);
  },
);

test("classifies by the mean of the active part of q(z1|x)", async () => {
  const model = stacked({ active: [2, 0] });
  const x = input("x", [ROWS, D]);
  const mean = m1.encode(x).mean();
  const [found, expected, encoded, means] = await values([
    model.classify(x),
    model.m2.classify(latentColumns([2, 0], LATENT).pick(mean)),
    model.encode(x),
    mean,
  ]);
  expect(found).toEqual(expected);
  expect(encoded).toEqual(Array.from({ length: 2 * ROWS }, (_, i) => means[4 * (i >> 1) + (i % 2 ? 0 : 2)]));
  // M2's parameters alone are trained.
  expect(model.parameters).toBe(model.m2.parameters);
});

test("units of q(y|z1) are dropped in training, on labelled and unlabelled rows, and not in classifying", async () => {
  const model = stacked({ dropout: 0.5 });
  const sites = async (outputs: readonly Tensor[]) =>
    (await build(outputs, { executor: "host" })).leaves.flatMap((leaf) =>
      isNoise(leaf) && leaf.attributes.site.includes("dropout") ? [leaf.attributes.site] : [],
    );
  const sizes = { labelled: { size: 9, rows: 3 }, unlabelled: { size: 90, rows: ROWS } };
  const { loss } = model.objective(sizes);
  expect((await sites([loss])).sort()).toEqual(["classifier/dropout.1", "guide/dropout.1"]);
  expect(await sites([stacked().objective(sizes).loss])).toEqual([]);
  expect(await sites([model.classify(input("x", [ROWS, D]))])).toEqual([]);
});

test("no active dimension, and one that is none", () => {
  expect(() => stacked({ active: [] })).toThrow(
    new UsageError(
      "m1m2: no dimension of M1 is active, so M2 would get no information about the data. Train M1 longer, or keep inactive dimensions.",
    ),
  );
  expect(() => stacked({ active: [0, 4] })).toThrow(
    "m1m2: dimension 4 is not one of M1's, which are 0 to 3.",
  );
});
