/**
 * Three inferences of one posterior, eight schools: how much do the schools differ? The mode says not at all, τ = 0: the density is highest
 * there, but there is little mass. A mean-field guide finds the mass but is too certain. The no-U-turn sampler agrees with the moments by
 * quadrature, and costs most. (Laplace, a normal around the mode, shows how poor a mode at an edge is.)
 */
import { writeFileSync } from "node:fs";
import {
  type ArrayValue,
  adam,
  autoNormal,
  HalfCauchy,
  importance,
  laplace,
  map,
  model,
  Normal,
  nuts,
  schedules,
  svi,
  tensor,
  withChainBars,
} from "tightbound";
import { drawCurves } from "./support/curves.ts";
import { momentsOf } from "./support/moments.ts";
import { table } from "./table.ts";

const effects = tensor([28, 8, -3, 7, -1, 1, 18, 12]);
const errors = tensor([15, 10, 16, 11, 9, 11, 10, 18]);

/** μ ~ N(0, 5), τ ~ HalfCauchy(5), a school's effect μ + τ zⱼ with zⱼ ~ N(0, 1), and its estimate yⱼ with a known error. */
export const schools = model(
  ({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 5));
    const tau = sample("tau", HalfCauchy(5));
    plate("school", 8, () => {
      const theta = mu.add(tau.mul(sample("z", Normal(0, 1))));
      observe("y", Normal(theta, errors), effects);
    });
  },
  { name: "schools" },
);

/** Moments by quadrature. */
export const exact = {
  mu: { mean: 4.3968, sd: 3.318 },
  tau: { mean: 3.5984, sd: 3.22 },
  logEvidence: -31.3115,
} as const;

export interface Moments {
  readonly mean: number;
  readonly sd: number;
}

export interface Row {
  readonly method: "MAP" | "Laplace" | "VI, mean-field" | "NUTS";
  readonly mu: Moments;
  readonly tau: Moments;
  /** Nats; an estimate, or a lower bound. NUTS and MAP give none. */
  readonly logEvidence?: number;
  readonly seconds: number;
  /** Draws of (μ, τ), or a single point. */
  readonly draws: { readonly mu: readonly number[]; readonly tau: readonly number[] };
}

interface Found {
  readonly values: ReadonlyMap<string, ArrayValue>;
  readonly logEvidence?: number;
}

/** Runs each method on the same program; makes `draws` draws from each that can be drawn from. */
export async function mapMcmcVi(draws: number, steps: number, seed: number): Promise<Row[]> {
  const methods: Readonly<Record<Row["method"], () => Promise<Found>>> = {
    MAP: () => map(schools).run([], { seed }),
    Laplace: () => laplace(schools).run([], { draws, seed }),
    "VI, mean-field": async () => {
      const guide = autoNormal(schools);
      const optimizer = adam({ learningRate: schedules.cosine({ peak: 0.05, steps }) });
      const { parameters, elbo } = await svi(schools, guide).run([], {
        steps,
        particles: 10,
        seed,
        optimizer,
      });
      const found = await importance(schools, guide, [], { parameters, draws, seed });
      const last = elbo.subarray(-steps / 10);
      return { values: found.draws, logEvidence: momentsOf(last).mean };
    },
    NUTS: () =>
      withChainBars(process.stderr, (onProgress) =>
        nuts(schools).run([], { chains: 4, draws: draws / 4, seed, onProgress }),
      ),
  };
  const rows: Row[] = [];
  for (const [method, run] of Object.entries(methods) as [Row["method"], () => Promise<Found>][]) {
    const start = performance.now();
    const { values, logEvidence } = await run();
    const seconds = (performance.now() - start) / 1000;
    const numbers = (site: string) => Array.from(values.get(site)?.data ?? [], Number);
    const found = { mu: numbers("mu"), tau: numbers("tau") };
    rows.push({
      method,
      mu: momentsOf(found.mu),
      tau: momentsOf(found.tau),
      ...(logEvidence !== undefined && { logEvidence }),
      seconds,
      draws: found,
    });
  }
  return rows;
}

export function asTable(rows: readonly Row[]): string {
  const moments = ({ mean, sd }: Moments) =>
    sd === 0 ? mean.toFixed(2) : `${mean.toFixed(2)} ± ${sd.toFixed(2)}`;
  return table(
    ["method", "μ", "τ", "log evidence", "seconds"],
    [
      ...rows.map((r) => [
        r.method,
        moments(r.mu),
        moments(r.tau),
        r.logEvidence?.toFixed(2) ?? "",
        r.seconds.toFixed(2),
      ]),
      ["exact", moments(exact.mu), moments(exact.tau), exact.logEvidence.toFixed(2), ""],
    ],
  );
}

/** A histogram of draws as a density, in bins from 0 to 12. */
function densityOf(draws: readonly number[]): {
  readonly x: readonly number[];
  readonly y: readonly number[];
} {
  const [width, count] = [0.4, 30];
  const bins = new Array<number>(count).fill(0);
  for (const v of draws) if (v < width * count) bins[Math.floor(v / width)]++;
  return { x: bins.map((_, i) => (i + 0.5) * width), y: bins.map((n) => n / (draws.length * width)) };
}

/** `npm run example -- map-mcmc-vi [figure.svg]` */
export async function main([path = "map-mcmc-vi.svg"]: readonly string[]): Promise<void> {
  const rows = await mapMcmcVi(40_000, 4000, 0);
  console.log(asTable(rows));
  const [mode, , field, sampler] = rows;
  const figure = await drawCurves({
    title: "How different are the eight schools?",
    xLabel: "τ, standard deviation of the schools' effects",
    yLabel: "posterior density",
    curves: [
      { name: "NUTS", ...densityOf(sampler.draws.tau) },
      { name: "VI, mean-field", ...densityOf(field.draws.tau) },
      { name: "MAP", x: mode.draws.tau, y: [0], mark: "dots" },
    ],
  });
  writeFileSync(path, figure);
  console.log(`\nwritten: ${path}`);
}
