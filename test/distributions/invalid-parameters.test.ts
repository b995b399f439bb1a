/**
 * Parameters that were computed, and left their range on the way: a log density is then NaN, or −∞, never a number that could be taken
 * for one. Every family of the registry, every parameter, on both executors.
 */
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import {
  Categorical,
  type Distribution,
  Mixture,
  Normal,
  OneHotCategorical,
} from "../../src/distributions/index.ts";
import { grad, type Nested, reshape, sum, type Tensor } from "../../src/tensor/index.ts";
import { arrayOf } from "./cases.ts";
import { distributionCases } from "./registry/index.ts";

const [INF, NAN] = [Number.POSITIVE_INFINITY, Number.NaN];

/** The first element of an array replaced. */
const withFirst = (v: Nested, first: number): Nested =>
  typeof v === "object" ? [withFirst(v[0], first), ...v.slice(1)] : first;

/** Outside of what a constraint keeps, and where ln Γ and the like are numbers all the same. */
const outsideOf: Readonly<Record<string, readonly number[]>> = {
  real: [NAN],
  positive: [NAN, -0.5, -1, -1.5, -7.25, -40],
  nonNegative: [NAN, -0.5, -1, -1.5, -7.25, -40],
  unitInterval: [NAN, -0.5, -3, 1.5, 4],
  halfOpenUnitInterval: [NAN, -0.5, -3, 1.5, 4],
  leftOpenUnitInterval: [NAN, -0.5, -3, 1.5, 4],
  simplex: [NAN, -0.25],
  logitVector: [NAN],
  "independent(positive, 1)": [NAN, -0.5, -1.5],
};

describe("no log density of parameters that cannot be", () => {
  test.each(distributionCases.map((c) => [c.name, c] as const))("%s", async (_, c) => {
    const names = Object.keys(c.parameters);
    for (const executor of ["host", "native"] as const) {
      const kinds: string[] = [];
      const run = compile(
        (...inputs: Tensor[]) => {
          const d = c.make(Object.fromEntries(names.map((k, i) => [k, inputs[i]])));
          names.forEach((k, i) => {
            kinds[i] = d.constraints[k]?.name ?? "";
          });
          return d.logProb(inputs[names.length]);
        },
        { executor, threads: 1 },
      );
      const feeds = names.map((k) => arrayOf(c.parameters[k], "float64"));
      const points = arrayOf(c.points, "float64");
      const clean = await run(...feeds, points);
      const rows = clean.shape.slice(1).reduce((a, b) => a * b, 1);
      for (const [i, k] of names.entries()) {
        for (const bad of outsideOf[kinds[i]] ?? []) {
          const broken = feeds.with(i, arrayOf(withFirst(c.parameters[k], bad), "float64"));
          const logs = Array.from((await run(...broken, points)).data, Number);
          logs.forEach((v, at) => {
            const where = `${executor}: ${k} = ${bad}, point ${Math.floor(at / rows)}`;
            if (at % rows === 0) expect(Number.isNaN(v) || v === -INF, `${where}: ${v}`).toBe(true);
            else expect(v, where).toBe(Number(clean.data[at]));
          });
        }
      }
    }
  });
});

describe("logits of +∞ that were computed", () => {
  const families: Record<string, (logits: Tensor) => Distribution> = {
    Categorical: (logits) => Categorical({ logits }),
    OneHotCategorical: (logits) => OneHotCategorical({ logits }),
  };
  const rows: readonly (readonly [number[], number[]])[] = [
    [
      [INF, 0, 3],
      [1, 0, 0],
    ],
    [
      [INF, -INF, INF],
      [0.5, 0, 0.5],
    ],
    [
      [0, -INF, 0],
      [0.5, 0, 0.5],
    ],
    [
      [NAN, INF, 0],
      [NAN, NAN, NAN],
    ],
  ];
  for (const executor of ["host", "native"] as const)
    test.each(Object.entries(families))(`share all probability (%s, ${executor})`, async (_, make) => {
      for (const [logits, right] of rows) {
        const run = compile(
          (l) => {
            const d = make(l);
            const drawn = d.sample("k", [200]);
            return { logs: reshape(d.logProb(d.enumerate()), [3]), drawn, entropy: d.entropy() };
          },
          { executor, threads: 1 },
        );
        const { logs, drawn, entropy } = await run(Float64Array.from(logits));
        right.forEach((p, k) => {
          if (Number.isNaN(p)) expect(logs.data[k]).toBeNaN();
          else if (p === 0) expect(logs.data[k]).toBe(-INF);
          else expect(logs.data[k]).toBeCloseTo(Math.log(p), 12);
        });
        if (Number.isNaN(right[0])) continue;
        const h = right.reduce((t, p) => t - (p === 0 ? 0 : p * Math.log(p)), 0);
        expect(entropy.item()).toBeCloseTo(h, 12);
        const width = drawn.data.length / 200;
        const places = Array.from({ length: 200 }, (_, i) =>
          width === 1
            ? Number(drawn.data[i])
            : [0, 1, 2].findIndex((k) => Number(drawn.data[3 * i + k]) === 1),
        );
        for (const k of places) expect(right[k]).toBeGreaterThan(0);
      }
    });

  test("a draw with a probability of NaN is no category", async () => {
    for (const executor of ["host", "native"] as const) {
      const run = compile((probs) => Categorical({ probs }).sample("k", [5]), { executor, threads: 1 });
      expect(Array.from((await run(Float64Array.of(0.2, NAN, 0.3))).data, Number)).toEqual([3, 3, 3, 3, 3]);
    }
  });

  test("as weights of a mixture", async () => {
    const run = compile(
      (logits) => {
        const mixed = Mixture(Categorical({ logits }), Normal([0, 5, 9], 1)).logProb(4);
        return [mixed, ...grad(sum(mixed), [logits])];
      },
      { executor: "host" },
    );
    const [value, gradient] = await run(Float32Array.of(0, INF, 1));
    expect(value.item()).toBeCloseTo(-0.5 - 0.5 * Math.log(2 * Math.PI), 6);
    expect(Array.from(gradient.data, Number)).toEqual([0, 0, 0]);
  });
});
