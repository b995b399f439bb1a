// Chains that ranks share: a hash of all draws and reports, for NUTS and HMC, and why a rank with other data was refused.
import { createHash } from "node:crypto";

export async function chainsOf(dist, ranks) {
  const { nuts, hmc } = await import(`${dist}/public/mcmc.js`);
  const { Normal, HalfNormal } = await import(`${dist}/public/distributions.js`);
  const { model } = await import(`${dist}/public/tightbound.js`);
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
  // A rank with other data is refused on all.
  const own = ranks.rank === 1 ? [0.3, 1.2] : data;
  const refused = await nuts(program(own))
    .run([], options)
    .then(
      () => "",
      (error) => error.message,
    );
  if (ranks.size > 1 && !refused.startsWith("nuts: rank 1 does not run the chains of rank 0"))
    found.push(refused);
  else found.push("");
  return found;
}
