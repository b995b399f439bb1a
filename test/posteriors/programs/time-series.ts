/** Autoregression, moving averages and changing volatility. */
import { concat, HalfCauchy, model, Normal, type Tensor, tensor } from "tightbound";
import { constraints, flat } from "tightbound/distributions";
import { scan } from "tightbound/tensor";
import { type Posterior, posterior } from "../posterior.ts";

const { real, positive, unitInterval, interval } = constraints;

interface Series {
  readonly y: readonly number[];
}

/** sₜ = a sₜ₋₁ + cₜ with s before the first 0, of vectors [T]. */
const recurrence = (a: Tensor, c: Tensor): Tensor =>
  scan(tensor(0), c, (before, now) => {
    const next = a.mul(before).add(now);
    return { carry: next, output: next };
  }).outputs;

/** Five lags. */
const ar = posterior<Series & { readonly K: number }>("arK-arK", {}, ({ y, K }) => {
  const later = y.slice(K);
  const lagged = tensor(later.map((_, t) => Array.from({ length: K }, (_, k) => y[K + t - 1 - k])));
  return model(({ sample, observe, plate }) => {
    const alpha = sample("alpha", Normal(0, 10));
    const beta = sample("beta", Normal(0, 10).expand([K]).toEvent(1));
    const sigma = sample("sigma", HalfCauchy(2.5));
    plate("time", later.length, () =>
      observe("y", Normal(alpha.add(lagged.matmul(beta)), sigma), tensor(later)),
    );
  });
});

/** ARMA(1, 1); the error before the first is 0, and the value before the first is the mean. */
const arma = posterior<Series>("arma-arma11", {}, ({ y }) =>
  model(({ sample, observe, plate }) => {
    const mu = sample("mu", Normal(0, 10));
    const phi = sample("phi", Normal(0, 2));
    const theta = sample("theta", Normal(0, 2));
    const sigma = sample("sigma", HalfCauchy(2.5));
    const before = concat([mu.reshape([1]), tensor(y.slice(0, -1))], 0);
    // yₜ − mu − phi yₜ₋₁ is an error and theta times the one before.
    const surprise = tensor(y).sub(mu).sub(phi.mul(before));
    const error = recurrence(theta.neg(), surprise);
    plate("time", y.length, () => observe("y", Normal(tensor(y).sub(error), sigma), tensor(y)));
  }),
);

/** GARCH(1, 1); the first standard deviation is given. */
const garch = posterior<Series & { readonly sigma1: number }>("garch-garch11", {}, ({ y, sigma1 }) =>
  model(({ sample, observe, plate }) => {
    const mu = sample("mu", flat(real));
    const alpha0 = sample("alpha0", flat(positive));
    const alpha1 = sample("alpha1", flat(unitInterval));
    const beta1 = sample("beta1", flat(interval(0, alpha1.neg().add(1))));
    const shocks = tensor(y.slice(0, -1)).sub(mu).square().mul(alpha1).add(alpha0);
    const variance = recurrence(beta1, concat([tensor([sigma1 ** 2]), shocks], 0));
    plate("time", y.length, () => observe("y", Normal(mu, variance.sqrt()), tensor(y)));
  }),
);

export const timeSeries: readonly Posterior[] = [ar, arma, garch];
