// Chains that ranks share: a hash of all draws and reports, for NUTS, HMC and both directions of annealing, and why a rank with other data was refused.
import { createHash } from "node:crypto";

export async function chainsOf(dist, ranks) {
  const { nuts, hmc } = await import(`${dist}/public/mcmc.js`);
  const { annealedImportanceSampling, bidirectionalMonteCarlo } = await import(`${dist}/public/inference.js`);
  const { mul } = await import(`${dist}/public/tensor.js`);
  const { Normal, HalfNormal, LogNormal } = await import(`${dist}/public/distributions.js`);
  const { model, svi } = await import(`${dist}/public/tightbound.js`);
  const { initializers } = await import(`${dist}/public/nn.js`);
  const program = (data) =>
    model(({ sample, observe, plate }) => {
      const centre = sample("centre", Normal(0, 3));
      const scale = sample("scale", HalfNormal(1));
      plate("row", data.length, () => observe("x", Normal(centre, scale), data));
    });
  const data = [0.3, 1.2, -0.5, 2.2, 0.9];
  const hashOf = ({ values, statistics, adapted }) => {
    const hash = createHash("sha256");
    for (const [name, value] of values) hash.update(name).update(value.data ?? value.values);
    for (const [name, all] of Object.entries(statistics)) hash.update(name).update(all);
    for (const { stepSize, metric } of adapted)
      hash.update(String(stepSize)).update(metric.kind).update(metric.inverse).update(metric.root);
    return hash.digest("hex");
  };
  const shared = ranks.size > 1 ? { ranks } : {};
  const options = { chains: 5, draws: 40, warmUp: 60, seed: 3, ...shared };
  const found = [
    hashOf(await nuts(program(data)).run([], options)),
    hashOf(await hmc(program(data)).run([], { ...options, chains: 3, metric: "dense" })),
  ];
  // A matrix and a row each, so that coordinates of a chain lie apart; starts and the pilot run are shared too.
  const regression = model(({ sample, observe, plate }) => {
    const weights = sample("weights", Normal([0, 0, 0], 1).toEvent(1));
    const scale = sample("scale", HalfNormal(1));
    plate("row", data.length, () =>
      observe("y", Normal(mul([0.5, -1, 2, 0.1, 0.3], weights.sum()), scale), data),
    );
  });
  const rows = model(({ sample, observe, plate }) =>
    plate("row", data.length, () => observe("x", Normal(sample("z", Normal(0, 1)), 0.5), data)),
  );
  for (const each of [regression, rows]) {
    const annealed = { chains: 5, temperatures: 30, seed: 2, ...shared };
    const { lower, upper } = await bidirectionalMonteCarlo(each, [], annealed);
    for (const { logEvidence, standardError, bound, acceptance, logWeights, draws } of [lower, upper]) {
      const hash = createHash("sha256").update(
        JSON.stringify([logEvidence, standardError, bound, acceptance, logWeights.shape]),
      );
      hash.update(logWeights.data);
      for (const [name, { shape, data }] of draws) hash.update(`${name} ${shape}`).update(data);
      found.push(hash.digest("hex"));
    }
  }
  // A rank with other data is refused on all.
  const own = ranks.rank === 1 ? [0.3, 1.2] : data;
  const refused = async (run, expected) => {
    const message = await run.then(
      () => "not refused",
      (error) => error.message,
    );
    found.push(ranks.size === 1 || expected.test(message) ? "" : message);
  };
  await refused(nuts(program(own)).run([], options), /^nuts: rank 1 does not run the chains of rank 0/);
  const other = (method) => new RegExp(`^${method}: rank 1 \\(on .*\\) has another program than rank 0`);
  await refused(annealedImportanceSampling(program(own), [], { chains: 5, ...shared }), other("annealing"));
  await refused(
    annealedImportanceSampling(program(data), [], { chains: 5, seed: ranks.rank, ...shared }),
    other("annealing"),
  );
  const guide = model(({ sample, param }) => {
    sample("centre", Normal(param("its mean", [], initializers.zeros), 1));
    sample("scale", LogNormal(param("its log mean", [], initializers.zeros), 1));
  });
  await refused(svi(program(own), guide).run([], { steps: 1, seed: 0, ...shared }), other("svi"));
  return found;
}
