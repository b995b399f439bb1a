/**
 * The gap of the evidence lower bound is exactly the divergence of the guide from the posterior: log p(x) = ELBO(q) + KL(q ‖ p(·|x)).
 * For a normal mean with a normal prior all three have closed forms. Normal guides are moved across the posterior, and the table adds up.
 */
import { writeFileSync } from "node:fs";
import {
  ArrayValue,
  compile,
  condition,
  kl,
  logDensity,
  MultivariateNormal,
  model,
  Normal,
  type Tensor,
  tensor,
  trace,
} from "tightbound";
import { drawCurves } from "./support/curves.ts";
import { table } from "./table.ts";

const F = { dtype: "float64" } as const;
const y = [2.1, 0.4, 1.7, -0.3, 1.2];
const n = y.length;

/** μ ~ N(0, 2²), yᵢ ~ N(μ, 1). */
export const normalMean = model(({ sample, observe, plate }) => {
  const mu = sample("mu", Normal(tensor(0, F), 2));
  plate("datum", n, () => observe("y", Normal(mu, 1), tensor(y, F)));
});
/** Its posterior: precisions add up. */
const precision = 1 / 4 + n;
export const posterior = { loc: y.reduce((a, b) => a + b) / precision, scale: 1 / Math.sqrt(precision) };

export interface Row {
  readonly loc: number;
  readonly scale: number;
  readonly elbo: number;
  readonly kl: number;
}

/** The bound and the divergence of each guide N(loc, scale²), and the log evidence. */
export async function elboGap(guides: readonly { readonly loc: number; readonly scale: number }[]) {
  const terms = compile(
    (loc: Tensor, scale: Tensor) => {
      const q = Normal(loc, scale);
      const joint = (mu: Tensor) => logDensity(trace(normalMean, [], [condition({ mu })]));
      // log p(y, μ) is a parabola in μ, whose expectation under q is the mean of its values at loc ± scale.
      const expected = joint(loc.add(scale))
        .add(joint(loc.sub(scale)))
        .mul(0.5);
      const exact = Normal(tensor(posterior.loc, F), tensor(posterior.scale, F));
      return { elbo: expected.add(q.entropy()), kl: kl(q, exact) };
    },
    { executor: "host" },
  );
  const number = (v: number) => new ArrayValue([], "float64", Float64Array.of(v));
  const rows: Row[] = [];
  for (const { loc, scale } of guides) {
    const { elbo, kl } = await terms(number(loc), number(scale));
    rows.push({ loc, scale, elbo: elbo.item(), kl: kl.item() });
  }
  // With μ integrated out, y ~ N(0, I + 4 · 11ᵀ).
  const covariance = tensor(
    y.map((_, i) => y.map((_, j) => 4 + Number(i === j))),
    F,
  );
  const evidence = MultivariateNormal(tensor(new Array<number>(n).fill(0), F), { covariance });
  const logEvidence = await compile(() => evidence.logProb(tensor(y, F)), { executor: "host" })();
  return { rows, logEvidence: logEvidence.item() };
}

/** `npm run example -- elbo-gap [figure.svg]` */
export async function main([path = "elbo-gap.svg"]: readonly string[]): Promise<void> {
  const locs = Array.from({ length: 33 }, (_, i) => i / 16);
  const { rows, logEvidence } = await elboGap(locs.map((loc) => ({ loc, scale: 0.6 })));
  const best = await elboGap([posterior]);
  console.log(
    table(
      ["guide", "ELBO", "KL to the posterior", "sum", "sum − log evidence"],
      [...rows.filter((_, i) => i % 4 === 0), ...best.rows].map(({ loc, scale, elbo, kl }) => [
        `N(${loc.toFixed(3)}, ${scale.toFixed(3)}²)`,
        elbo.toFixed(6),
        kl.toFixed(6),
        (elbo + kl).toFixed(6),
        (elbo + kl - logEvidence).toExponential(1),
      ]),
    ),
  );
  console.log(`\nlog evidence: ${logEvidence.toFixed(6)}`);
  const figure = await drawCurves({
    title: "What the bound leaves out",
    xLabel: "mean of the guide N(loc, 0.6²)",
    yLabel: "nats",
    curves: [
      { name: "ELBO", x: locs, y: rows.map((r) => r.elbo) },
      {
        name: "KL to the posterior",
        x: locs,
        y: rows.map((r) => r.elbo + r.kl / 2),
        band: rows.map((r) => r.kl / 2),
        mark: "band",
      },
      { name: "ELBO + KL", x: locs, y: rows.map((r) => r.elbo + r.kl), mark: "dots" },
    ],
    lines: [{ name: "log evidence", y: logEvidence }],
  });
  writeFileSync(path, figure);
  console.log(`written: ${path}`);
}
