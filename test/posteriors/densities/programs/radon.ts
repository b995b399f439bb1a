/** Radon in houses: levels and slopes for each county, pooled, apart, or in part. */
import { type Context, HalfNormal, model, Normal, type Tensor, tensor } from "tightbound";
import { constraints, flat } from "tightbound/distributions";
import { at, type Column, program, type StanProgram } from "../program.ts";

interface Houses {
  /** Number of counties. */
  readonly J: number;
  readonly county_idx: Column;
  /** 0 in the basement, 1 on the first floor. */
  readonly floor_measure: Column;
  readonly log_radon: Column;
  /** Logarithm of the uranium in the soil of the county. */
  readonly log_uppm: Column;
}

/** Houses about a mean. */
const radon = (name: string, mean: (context: Context, houses: Houses) => Tensor): StanProgram =>
  program<Houses>(name, (houses) =>
    model((context) => {
      const { sample, observe, plate } = context;
      const mu = mean(context, houses);
      const sigma = sample("sigma_y", HalfNormal(1));
      plate("house", houses.log_radon.length, () =>
        observe("log_radon", Normal(mu, sigma), tensor(houses.log_radon)),
      );
    }),
  );

/** One number for all counties. */
const common = ({ sample }: Context, name: string): Tensor => sample(name, Normal(0, 10));

/** A number for each county, about a common one. */
const centred = ({ sample, plate }: Context, name: string, { J }: Houses): Tensor => {
  const mu = sample(`mu_${name}`, Normal(0, 10));
  const sigma = sample(`sigma_${name}`, HalfNormal(1));
  return plate("county", J, () => sample(name, Normal(mu, sigma)));
};

/** The same, written as a shift and a scale of what is standard normal. */
const nonCentred = ({ sample, plate }: Context, name: string, { J }: Houses): Tensor => {
  const mu = sample(`mu_${name}`, Normal(0, 10));
  const sigma = sample(`sigma_${name}`, HalfNormal(1));
  return plate("county", J, () => mu.add(sigma.mul(sample(`${name}_raw`, Normal(0, 1)))));
};

interface Counties {
  readonly J: number;
  readonly county: Column;
  readonly y: Column;
}

const county = program<Counties>("radon_county", ({ J, county, y }) =>
  model(({ sample, observe, plate }) => {
    const mean = sample("mu_a", Normal(0, 1));
    const spread = sample("sigma_a", flat(constraints.interval(0, 100)));
    const a = plate("county", J, () => sample("a", Normal(mean, spread)));
    const sigma = sample("sigma_y", flat(constraints.interval(0, 100)));
    plate("house", y.length, () => observe("y", Normal(at(a, county), sigma), tensor(y)));
  }),
);

/** Each with levels and slopes centred, and not. */
const bothWays = (
  name: string,
  mean: (context: Context, houses: Houses, varying: typeof centred) => Tensor,
): readonly StanProgram[] => [
  radon(`${name}_centered`, (context, houses) => mean(context, houses, centred)),
  radon(`${name}_noncentered`, (context, houses) => mean(context, houses, nonCentred)),
];

export const radonPrograms: readonly StanProgram[] = [
  county,
  radon("radon_pooled", (context, { floor_measure }) =>
    common(context, "alpha").add(common(context, "beta").mul(tensor(floor_measure))),
  ),
  radon("radon_county_intercept", (context, { J, county_idx, floor_measure }) => {
    const alpha = context.plate("county", J, () => common(context, "alpha"));
    return at(alpha, county_idx).add(common(context, "beta").mul(tensor(floor_measure)));
  }),
  ...bothWays("radon_partially_pooled", (context, houses, varying) =>
    at(varying(context, "alpha", houses), houses.county_idx),
  ),
  ...bothWays("radon_variable_intercept", (context, houses, varying) =>
    at(varying(context, "alpha", houses), houses.county_idx).add(
      common(context, "beta").mul(tensor(houses.floor_measure)),
    ),
  ),
  ...bothWays("radon_variable_slope", (context, houses, varying) =>
    common(context, "alpha").add(
      at(varying(context, "beta", houses), houses.county_idx).mul(tensor(houses.floor_measure)),
    ),
  ),
  ...bothWays("radon_variable_intercept_slope", (context, houses, varying) =>
    at(varying(context, "alpha", houses), houses.county_idx).add(
      at(varying(context, "beta", houses), houses.county_idx).mul(tensor(houses.floor_measure)),
    ),
  ),
  ...bothWays("radon_hierarchical_intercept", (context, houses, varying) => {
    const beta = context.sample("beta", Normal(0, 10).expand([2]).toEvent(1));
    const columns = tensor(houses.log_uppm.map((u, house) => [u, houses.floor_measure[house]]));
    return at(varying(context, "alpha", houses), houses.county_idx).add(columns.matmul(beta));
  }),
];
