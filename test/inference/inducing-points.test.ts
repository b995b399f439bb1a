/**
 * svi of a Gaussian process's values at inducing points. With q(u) normal the bound's optimum over q is known in closed form (Titsias 2009): it is
 * `SparseGaussianProcess.logMarginal`, which is below the exact evidence.
 */
import { expect, test } from "vitest";
import { compile } from "../../src/compile/index.ts";
import { GaussianProcess, kernels, Normal, SparseGaussianProcess } from "../../src/distributions/index.ts";
import { autoFullRankNormal, importance, svi } from "../../src/inference/index.ts";
import { adam, schedules } from "../../src/optim/index.ts";
import { model } from "../../src/program/index.ts";
import { cholesky, matmul, sub, sum, type Tensor, tensor, triangularSolve } from "../../src/tensor/index.ts";

const x = tensor([0, 0.4, 1.1, 1.9, 2.6, 3.3]);
const y = [0.2, 0.5, 1.1, 0.7, -0.3, -0.9];
const z = tensor([0.2, 1.6, 3]);
const NOISE = 0.25;
const kernel = kernels.matern52({ scale: 1.3, lengthScale: 0.8 });

/** Values at the inducing points are L v with v standard normal; f at x is Vᵀ v and a rest whose variance the bound is charged for. */
function explained(): { readonly v: Tensor; readonly rest: Tensor } {
  const v = triangularSolve(cholesky(kernel.covariance(z, z)), kernel.covariance(z, x));
  return { v, rest: sum(sub(kernel.variance(x), sum(v.square(), 0))) };
}

const program = model(({ sample, observe, plate, factor }) => {
  const { v, rest } = explained();
  const u = sample("u", Normal(0, 1).expand([3]).toEvent(1));
  const mean = matmul(u.reshape([1, 3]), v).reshape([6]);
  plate("row", 6, () => observe("y", Normal(mean, NOISE), y));
  factor("rest", rest.mul(-0.5 / NOISE ** 2));
});

test("svi comes to the collapsed bound from below, and stays below the exact evidence", async () => {
  const closed = compile(
    () => ({
      collapsed: SparseGaussianProcess(kernel, z, { noise: NOISE, jitter: 0 }).logMarginal(x, y),
      exact: GaussianProcess(kernel, { noise: NOISE, jitter: 0 }).at(x).logProb(y),
    }),
    { executor: "host" },
  );
  const { collapsed, exact } = await closed();
  const steps = 3000;
  const guide = autoFullRankNormal(program);
  const { parameters } = await svi(program, guide).run([], {
    steps,
    particles: 10,
    seed: 1,
    optimizer: adam({ learningRate: schedules.cosine({ peak: 0.03, steps }) }),
  });
  const { logWeights } = await importance(program, guide, [], { draws: 2000, parameters, seed: 7 });
  const bound = logWeights.reduce((a, b) => a + b, 0) / logWeights.length;
  const variance = logWeights.reduce((a, b) => a + (b - bound) ** 2, 0) / logWeights.length;
  const error = Math.sqrt(variance / logWeights.length);
  // The posterior is in the guide's family: the log weights become one number, and the distance to it is training's and rounding's. 6 standard errors:
  // false-alarm rate 1e-9.
  const best = collapsed.data[0];
  expect(Math.abs(bound - Number(best))).toBeLessThan(0.01 + 6 * error);
  expect(bound).toBeLessThan(Number(best) + 1e-4 + 6 * error);
  expect(error).toBeLessThan(0.005);
  expect(bound).toBeLessThan(Number(exact.data[0]));
  expect(Number(best)).toBeLessThan(Number(exact.data[0]));
});
