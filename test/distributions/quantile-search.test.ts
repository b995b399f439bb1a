/** Quantiles by a search: mixtures and the inverse Gaussian against mpmath (quantile-search.py), counts against sums of their masses. */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile, compileHost, fromPlainGraph, simplify, toPlainGraph } from "../../src/compile/index.ts";
import { inPrecision } from "../../src/compile/precision.ts";
import {
  Categorical,
  ClosedFormError,
  censor,
  Delta,
  type Distribution,
  Geometric,
  InverseGaussian,
  Mixture,
  Normal,
  Poisson,
  SkewNormal,
  StudentT,
  Transformed,
  transforms,
  Uniform,
} from "../../src/distributions/index.ts";
import { grad, input, scan, sum, type Tensor, tensor, vmap } from "../../src/tensor/index.ts";

interface Row {
  readonly parameters: Readonly<Record<string, number | readonly number[]>>;
  readonly tail: "lower" | "upper";
  readonly l: number;
  readonly x: number;
  /** dx/dl. */
  readonly slope: number;
}

const table: Readonly<Record<string, readonly Row[]>> = JSON.parse(
  readFileSync(new URL("./quantile-search.json", import.meta.url), "utf8"),
);

const mixed = ({ weights, loc, scale }: Readonly<Record<string, Tensor>>): Distribution =>
  Mixture(Categorical({ probs: weights.div(weights.sum(-1, { keepDims: true })) }), Normal(loc, scale));
const families: Readonly<Record<string, (p: Readonly<Record<string, Tensor>>) => Distribution>> = {
  normals: mixed,
  inverseGaussian: (p) => InverseGaussian(p.loc, p.concentration),
};

describe.each(Object.entries(families))("quantiles of %s against mpmath", (name, make) => {
  const all = table[name];

  test.each([
    ["host", "float64", 1e-12],
    ["native", "float64", 1e-11],
    ["native", "float32", 1e-5],
  ] as const)("in both tails, with their slope, %s, %s", async (executor, dtype, bound) => {
    for (const tail of ["lower", "upper"] as const) {
      const rows = all.filter((r) => r.tail === tail);
      const names = Object.keys(rows[0].parameters);
      const program = compile(
        (l: Tensor, ...p: Tensor[]) => {
          const d = make(Object.fromEntries(names.map((k, i) => [k, p[i]])));
          const x = tail === "upper" ? d.logIsf(l) : d.logIcdf(l);
          return { x, slope: grad(sum(x), [l])[0] };
        },
        { executor, threads: 1 },
      );
      const given = (values: readonly unknown[]) => tensor(values as number[], { dtype });
      const feeds = [rows.map((r) => r.l), ...names.map((k) => rows.map((r) => r.parameters[k]))];
      const arrays = await Promise.all(feeds.map((v) => given(v).value()));
      const found = await program(...arrays);
      rows.forEach(({ l, x, slope, parameters }, i) => {
        const at = `${JSON.stringify(parameters)}, ${tail} ${l}`;
        // l has its rounding, and the smaller tail's logarithm that of a probability; a mixture's components that of their own x − loc.
        const size = Math.max(Math.abs(x), ...[parameters.loc].flat().map(Math.abs));
        const other = Math.abs(slope) * Math.max(1, Math.abs(l), 1 / (1 - Math.exp(l)) - 1);
        expect(Math.abs(Number(found.x.data[i]) - x), at).toBeLessThanOrEqual(bound * (size + other));
        if (dtype === "float64")
          expect(Math.abs(Number(found.slope.data[i]) / slope - 1), at).toBeLessThanOrEqual(1e-8);
      });
    }
  });

  test("their second derivative is that of the density", async () => {
    const rows = all.filter((r) => r.tail === "lower");
    expect(rows.length).toBeGreaterThan(5);
    for (const { l, parameters } of rows.slice(0, 8)) {
      const program = compile(
        (l: Tensor) => {
          const p = Object.fromEntries(
            Object.entries(parameters).map(([k, v]) => [k, tensor(v as number[], { dtype: "float64" })]),
          );
          const d = make(p);
          const x = d.logIcdf(l);
          const [first] = grad(x, [l]);
          const y = x.mul(1);
          const [steep] = grad(d.logProb(y), [y]);
          return { second: grad(first, [l])[0], expected: first.mul(first.mul(steep).neg().add(1)) };
        },
        { executor: "host" },
      );
      const found = await program(await tensor(l, { dtype: "float64" }).value());
      const [second, expected] = [Number(found.second.data[0]), Number(found.expected.data[0])];
      expect(Math.abs(second - expected), `${second} ${expected}`).toBeLessThanOrEqual(
        1e-6 * Math.abs(expected) + 1e-9,
      );
    }
  });
});

test("a mixture moves with its components: the quantile's derivatives in their locations add up to 1", async () => {
  for (const { parameters, l } of table.normals) {
    const [loc, scale, weights] = ["loc", "scale", "weights"].map((k) =>
      tensor(parameters[k] as number[], { dtype: "float64" }),
    );
    const own = loc.mul(1);
    const x = mixed({ loc: own, scale, weights }).logIcdf(tensor(l, { dtype: "float64" }));
    const slopes = await grad(x, [own])[0].value();
    expect(Array.from(slopes.data, Number).reduce((a, b) => a + b, 0)).toBeCloseTo(1, 8);
  }
});

test.each([
  [
    "Poisson",
    (p: Tensor) => Poisson(p.mul(30)),
    (p: number) => masses((k, before) => (k === 0 ? Math.exp(-30 * p) : (before * 30 * p) / k)),
  ],
  ["Geometric", (p: Tensor) => Geometric({ probs: p }), (p: number) => masses((k) => p * (1 - p) ** k)],
] as const)("a mixture of counts, %s: the smallest one that is enough", async (_, make, each) => {
  const parameters = [0.05, 0.4, 0.9];
  const probs = [0.2, 0.5, 0.3];
  const d = Mixture(
    Categorical({ probs: tensor(probs, { dtype: "float64" }) }),
    make(tensor(parameters, { dtype: "float64" })),
  );
  const all = parameters.map(each);
  const ps = Array.from({ length: 60 }, (_, i) => (i + 0.5) / 60.3);
  const expected = ps.map((p) => {
    let total = 0;
    for (let k = 0; ; k++) {
      total += all.reduce((sum, m, j) => sum + probs[j] * m[k], 0);
      if (total >= p) return k;
    }
  });
  const found = await d.icdf(tensor(ps, { dtype: "float64" })).value();
  expect(Array.from(found.data, Number)).toEqual(expected);
});

function masses(at: (k: number, before: number) => number): number[] {
  const found: number[] = [];
  for (let k = 0; k < 2000; k++) found.push(at(k, found[k - 1]));
  return found;
}

test("components of several families, of unlike scales, and one of them alone", async () => {
  const weights = (probs: number[]) => Categorical({ probs: tensor(probs, { dtype: "float64" }) });
  const wide = (v: number) => tensor(v, { dtype: "float64" });
  const several = Mixture(weights([0.9, 0.1]), [
    Normal(wide(1e-6), wide(1e-9)),
    StudentT(wide(3), wide(0), wide(1e6)),
  ]);
  const l = tensor([-30, -5, -1, -0.1, -1e-4], { dtype: "float64" });
  const back = await several.logCdf(several.logIcdf(l)).value();
  Array.from(back.data, Number).forEach((x, i) => {
    expect(x).toBeCloseTo([-30, -5, -1, -0.1, -1e-4][i], 6);
  });
  const alone = Mixture(weights([1]), Normal(tensor([2], { dtype: "float64" }), wide(3)));
  expect((await alone.icdf(wide(0.3)).value()).item()).toBeCloseTo(
    (await Normal(wide(2), wide(3)).icdf(wide(0.3)).value()).item(),
    12,
  );
});

test("the ends of the components at 0 and 1; NaN of NaN; no quantile of single values with a probability", async () => {
  const weights = Categorical({ probs: [0.5, 0.5] });
  const d = Mixture(weights, Uniform(tensor([0, 3]), tensor([1, 5])));
  const found = await d.icdf(tensor([0, 0.25, 0.75, 1])).value();
  expect(Array.from(found.data, Number)).toEqual([0, 0.5, 4, 5]);
  const missing = compile(
    (loc: Tensor) => ({
      x: Mixture(Categorical({ probs: tensor([0.5, 0.5], { dtype: "float64" }) }), Normal(loc, 1)).icdf(0.3),
    }),
    { executor: "host" },
  );
  const none = await missing(await tensor([0, Number.NaN], { dtype: "float64" }).value());
  expect(Number(none.x.data[0])).toBeNaN();
  // However deep the single values are wrapped.
  const two = tensor([0, 1]);
  const atoms = [
    Delta(two),
    Transformed(Delta(two), transforms.affine(1, 2)),
    Transformed(Transformed(Delta(two), transforms.affine(1, 2)), transforms.exp),
    censor(Normal(two, 1), -1, 1),
    Transformed(censor(Normal(two, 1), -1, 1), transforms.affine(1, 2)),
  ];
  for (const d of atoms) {
    expect(d.hasAtoms).toBe(true);
    expect(() => Mixture(weights, d).icdf(0.5), d.name).toThrow(ClosedFormError);
    expect(() =>
      Mixture(weights, [Normal(0, 1), d.mapParameters((t) => t.slice({ axis: 0, end: 1 }))]).icdf(0.5),
    ).toThrow();
  }
  expect(Transformed(Normal(two, 1), transforms.affine(1, 2)).hasAtoms).toBe(false);
});

test("derivatives of the first four orders, in the probability and in parameters, are those of the equation", async () => {
  const wide = (v: number | number[]) => tensor(v, { dtype: "float64" });
  // A mixture of equal normals is a normal, whose quantile is a formula; so is a skew normal without skewness.
  const [loc, scale] = [wide(0.3), wide(1.7)];
  const normal = Normal(loc, scale);
  const same: readonly Distribution[] = [
    Mixture(Categorical({ probs: wide([0.4, 0.6]) }), Normal(loc.add(wide([0, 0])), scale)),
    SkewNormal(loc, scale, wide(0)),
  ];
  for (const d of same) {
    for (const at of [-8, -0.4]) {
      for (const which of ["logIcdf", "logIsf"] as const) {
        for (const of of [wide(at), scale]) {
          const l = of === scale ? wide(at) : of;
          let [found, expected] = [d[which](l), normal[which](l)];
          for (let order = 1; order <= 4; order++) {
            [found, expected] = [found, expected].map((t) => grad(sum(t), [of])[0]);
            const [a, e] = [(await found.value()).item(), (await expected.value()).item()];
            expect(Math.abs(a - e), `${d.name} ${which} ${at}, order ${order}`).toBeLessThanOrEqual(
              1e-6 * Math.abs(e) + 1e-8,
            );
          }
        }
      }
    }
  }
});

test("in a batch, in a loop, after a change of precision and from plain data, the derivatives stay", async () => {
  const wide = (v: number | number[]) => tensor(v, { dtype: "float64" });
  const x = wide(0.3);
  const quantile = (a: Tensor): Tensor => SkewNormal(wide(0), wide(1), a).icdf(wide(0.8));
  const slope = (t: Tensor): Tensor => grad(t, [x])[0];
  const twice = async (of: (a: Tensor) => Tensor): Promise<number> =>
    (await slope(slope(of(x))).value()).item();
  const expected = await twice(quantile);
  const [batched] = vmap([quantile(x)], new Map([[x, wide([0.3, 1])]]));
  expect((await batched.value()).data[0]).toBeCloseTo((await quantile(x).value()).item(), 13);
  const leaf = wide([0.3, 1]);
  const [over] = vmap([quantile(x)], new Map([[x, leaf]]));
  const second = grad(sum(grad(sum(over), [leaf])[0]), [leaf])[0];
  expect((await second.value()).data[0]).toBeCloseTo(expected, 8);
  const looped = await twice(
    (a) =>
      scan(wide(0), undefined, (h) => ({ carry: h.mul(0).add(quantile(a.add(h.mul(0)))) }), { length: 2 })
        .carry,
  );
  expect(looped).toBeCloseTo(expected, 8);
  const narrow = inPrecision([quantile(x), x], "float32").outputs;
  const single = (await grad(narrow[0], [narrow[1]])[0].value()).item();
  expect(single).toBeCloseTo((await slope(quantile(x)).value()).item(), 3);
  const p = input("p", [], "float64");
  const outputs = grad(SkewNormal(wide(0), wide(1), wide(2)).icdf(p), [p]);
  const plain = fromPlainGraph(structuredClone(toPlainGraph(outputs, [p])));
  const [there, here] = [compileHost(simplify(plain.outputs)), compileHost(simplify(outputs))].map(
    (program) => {
      const out = new Float64Array(1);
      program.bind([Float64Array.of(0.8)], [out])();
      return out[0];
    },
  );
  expect(there).toBe(here);
});
