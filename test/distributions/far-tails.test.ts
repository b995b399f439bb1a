/** Derivatives of ln P(X ≤ x) and ln P(X > x) of both orders, far out in both tails, against mpmath (far-tails.py). */
import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import {
  Categorical,
  Cauchy,
  censor,
  type Distribution,
  Gumbel,
  HalfCauchy,
  HalfNormal,
  Logistic,
  LogNormal,
  Mixture,
  Normal,
  StudentT,
} from "../../src/distributions/index.ts";
import { type DType, grad, sum, type Tensor, tensor } from "../../src/tensor/index.ts";

interface Row {
  readonly x: number;
  readonly lower: readonly [number, number];
  readonly upper: readonly [number, number];
}

const table: Readonly<Record<string, readonly Row[]>> = JSON.parse(
  readFileSync(new URL("./far-tails.json", import.meta.url), "utf8"),
);

const families: Readonly<Record<string, (of: (v: number) => Tensor) => Distribution>> = {
  Normal: (of) => Normal(of(0), of(1)),
  Logistic: (of) => Logistic(of(0), of(1)),
  StudentT: (of) => StudentT(of(3), of(0), of(1)),
  Cauchy: (of) => Cauchy(of(0), of(1)),
  Gumbel: (of) => Gumbel(of(0), of(1)),
  HalfNormal: (of) => HalfNormal(of(1)),
  HalfCauchy: (of) => HalfCauchy(of(1)),
  LogNormal: (of) => LogNormal(of(0), of(1)),
};

async function derivatives(
  make: (x: Tensor) => Tensor,
  at: readonly number[],
  dtype: DType,
  native: boolean,
) {
  const program = compile(
    (x: Tensor) => {
      const [first] = grad(sum(make(x)), [x]);
      return { first, second: grad(sum(first), [x])[0] };
    },
    { executor: native ? "native" : "host", threads: 1 },
  );
  const found = await program(await tensor(at as number[], { dtype }).value());
  return { first: Array.from(found.first.data, Number), second: Array.from(found.second.data, Number) };
}

describe.each(Object.entries(families))("%s", (name, make) => {
  test.each([
    ["float64", false, 1e-11],
    ["float64", true, 1e-11],
    ["float32", true, 3e-5],
  ] as const)("%s, native %s", async (dtype, native, bound) => {
    const d = make((v) => tensor(v, { dtype }));
    const [least, most] = dtype === "float32" ? [1e-36, 1e18] : [1e-300, 1e300];
    const rows = table[name].filter(
      ({ x, lower, upper }) =>
        Math.abs(x) < most &&
        [...lower, ...upper].every((v) => Math.abs(v) < most ** (dtype === "float32" ? 2 : 1)),
    );
    expect(rows.length).toBeGreaterThan(7);
    for (const side of ["lower", "upper"] as const) {
      const found = await derivatives(
        (x) => (side === "lower" ? d.logCdf(x) : d.logSurvival(x)),
        rows.map(({ x }) => x),
        dtype,
        native,
      );
      rows.forEach((row, i) => {
        const [first, second] = row[side];
        const at = `${side} at ${row.x}`;
        const near = (a: number, e: number, size: number, which: string) =>
          expect(Math.abs(a - e), `${which} ${at}: ${a}, ${e}`).toBeLessThanOrEqual(bound * size + least);
        near(found.first[i], first, Math.abs(first), "first");
        // The second is a difference of p′/F and (p/F)²: in float64 it has the digits of what is left, but for what rounds away beside the first.
        const beside = (dtype === "float32" ? 1 : 1e-5) * first * first;
        near(found.second[i], second, Math.max(Math.abs(second), beside), "second");
      });
    }
  });
});

test("mixtures and censored normals 38 scales out and more: curvatures are finite, and that of the nearest normal", async () => {
  const wide = (v: number | number[]) => tensor(v, { dtype: "float64" });
  const mixture = Mixture(Categorical({ probs: wide([0.3, 0.7]) }), Normal(wide([0, 3]), wide(1)));
  const far = [-1e6, -1000, -60, -39];
  const below = await derivatives((x) => mixture.logCdf(x), far, "float64", false);
  const single = await derivatives((x) => Normal(wide(0), wide(1)).logCdf(x), far, "float64", false);
  for (let i = 0; i < far.length; i++) expect(below.second[i]).toBeCloseTo(single.second[i], 9);
  const censored = await derivatives(
    (loc) => censor(Normal(loc, wide(1)), wide(-1), wide(1)).logProb(wide(1)),
    [-1e5, -100, -39, 39, 100],
    "float64",
    false,
  );
  for (const v of [...censored.first, ...censored.second]) expect(v).toBeLessThan(Number.POSITIVE_INFINITY);
  for (const v of censored.second.slice(0, 3)) expect(v).toBeCloseTo(-1, 2);
  expect(censored.second.slice(3).map(Math.abs)).toEqual([expect.closeTo(0, 200), expect.closeTo(0, 200)]);
});
