/** Joint guides over supports whose coordinates have another shape than their values, in plates and with particles. */
import { expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import {
  Beta,
  Dirichlet,
  HalfCauchy,
  Normal,
  Transformed,
  transforms,
} from "../../../src/distributions/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { autoFlow, autoFullRankNormal, autoLowRankNormal, elbo } from "../../../src/inference/index.ts";
import { latentSites, model, trace } from "../../../src/program/index.ts";
import { noise, vmap } from "../../../src/tensor/index.ts";
import { isNoise } from "../../../src/tensor/leaf.ts";
import { nodesOf } from "../../../src/tensor/substitute.ts";

const vector = (n: number) => Normal(0, 1).expand([n]).toEvent(1);
const program = model(({ sample, plate }) => {
  sample("scale", HalfCauchy(1));
  plate("group", 2, () => {
    sample("share", Beta(2, 2));
    sample("simplex", Dirichlet([1, 2, 3]));
    sample("ordered", Transformed(vector(3), transforms.ordered));
    sample("factor", Transformed(vector(3), transforms.lowerCholesky()));
  });
});

interface Part {
  /** Coordinates and value of one event. */
  readonly coordinates: number;
  readonly size: number;
  /** From a value back to its coordinates, and ln |∂value/∂coordinates|. */
  readonly invert: (y: readonly number[]) => { readonly u: readonly number[]; readonly logDet: number };
}

const logit = (p: number) => Math.log(p / (1 - p));
const parts: Readonly<Record<string, Part>> = {
  scale: { coordinates: 1, size: 1, invert: ([y]) => ({ u: [Math.log(y)], logDet: Math.log(y) }) },
  share: { coordinates: 1, size: 1, invert: ([y]) => ({ u: [logit(y)], logDet: Math.log(y * (1 - y)) }) },
  simplex: {
    coordinates: 2,
    size: 3,
    // Sticks z₁ = y₁, z₂ = y₂ / (1 − y₁), z_k = σ(u_k − ln(3 − k)), so that u = 0 is the centre.
    invert: ([a, b]) => ({
      u: [logit(a) + Math.log(2), logit(b / (1 - a))],
      logDet: Math.log(a * (1 - a)) + Math.log(b * (1 - b / (1 - a))),
    }),
  },
  ordered: {
    coordinates: 3,
    size: 3,
    invert: ([a, b, c]) => ({
      u: [a, Math.log(b - a), Math.log(c - b)],
      logDet: Math.log(b - a) + Math.log(c - b),
    }),
  },
  factor: {
    coordinates: 3,
    size: 4,
    invert: ([a, , b, c]) => ({ u: [Math.log(a), b, Math.log(c)], logDet: Math.log(a) + Math.log(c) }),
  },
};

const particles = 3;

test.each([
  ["full-rank", autoFullRankNormal(program)],
  ["low-rank", autoLowRankNormal(program)],
  ["flow", autoFlow(program)],
])(
  "%s: values lie on the joint draw's coordinates, and the densities add up to that of the change of variables",
  async (_, guide) => {
    const sites = latentSites(trace(guide, []));
    expect(sites.map((s) => [s.name, s.value.shape, s.distribution.batchShape])).toEqual([
      ["joint", [19], []],
      ["scale", [], []],
      ["share", [2], [2]],
      ["simplex", [2, 3], [2]],
      ["ordered", [2, 3], [2]],
      ["factor", [2, 2, 2], [2]],
    ]);
    const single = sites.flatMap((s) => [s.value, s.distribution.logProb(s.value)]);
    const leaves = new Set(single.flatMap((t) => [...nodesOf(t)].filter(isNoise)));
    const many = [...leaves].map((leaf) => {
      const { kind, site, shape } = leaf.attributes;
      return [leaf, noise(kind, site, [particles, ...shape])] as const;
    });
    const outputs = vmap(single, new Map(many));
    const found = (await compile(() => outputs, { executor: "host", seed: 3 })()).map((v) =>
      Array.from(v.data, Number),
    );
    const [joint] = found;
    for (let p = 0; p < particles; p++) {
      let at = p * 19;
      sites.slice(1).forEach(({ name }, i) => {
        const { coordinates, size, invert } = parts[name];
        const groups = name === "scale" ? 1 : 2;
        for (let g = 0; g < groups; g++) {
          const element = p * groups + g;
          const { u, logDet } = invert(found[2 * i + 2].slice(element * size, (element + 1) * size));
          u.forEach((v, k) => {
            expect(v).toBeCloseTo(joint[at + k], 4);
          });
          expect(found[2 * i + 3][element]).toBeCloseTo(-logDet, 4);
          at += coordinates;
        }
      });
      expect(at).toBe((p + 1) * 19);
    }
    expect(elbo(program, guide, [], { particles: 10 }).value.shape).toEqual([]);
  },
);

test("a site in a minibatch is refused", () => {
  const local = model(({ sample, plate }) =>
    plate("row", 100, () => sample("z", Normal(0, 1)), { rows: 10 }),
  );
  for (const guide of [autoFullRankNormal(local), autoLowRankNormal(local), autoFlow(local)])
    expect(() => trace(guide, [])).toThrow(UsageError);
  expect(() => trace(autoFlow(local), [])).toThrow(/site 'z' is in plate 'row', of which only 10 of 100/);
});
