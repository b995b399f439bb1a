// node ours.mjs NAME FILE SEED DRAWS: NUTS on one posterior of test/posteriors, 4 x (1000 + DRAWS) on one thread, twice in one process: first with everything
// still to be compiled, then with another seed. Writes of each run CPU seconds and the fewest effective draws.
import { writeFileSync } from "node:fs";
import { essBulk } from "../../dist/public/mcmc.js";
import { nuts } from "../../dist/public/tightbound.js";
import { posteriors } from "../../dist-examples/test/posteriors/posteriors.js";

const [name, file, seed, draws] = process.argv.slice(2);
const CHAINS = 4;
const kept = CHAINS * Number(draws);
const { program, options } = posteriors.find((p) => p.name === name);
const { maxTreeDepth, ...adaptation } = options;
const sampler = nuts(program(), maxTreeDepth === undefined ? {} : { maxTreeDepth });

async function timed(seed) {
  const before = process.cpuUsage();
  const chains = await sampler.run([], {
    ...adaptation,
    chains: CHAINS,
    warmUp: 1000,
    draws: Number(draws),
    workers: 1,
    seed,
  });
  const { user, system } = process.cpuUsage(before);
  return { chains, seconds: (user + system) / 1e6 };
}

function fewest({ chains, seconds }) {
  let least = { name: "", draws: Number.POSITIVE_INFINITY };
  for (const [site, { data }] of chains.values) {
    const width = data.length / kept;
    for (let k = 0; k < width; k++) {
      const column = Float64Array.from({ length: kept }, (_, i) => data[i * width + k]);
      const draws = essBulk(column, CHAINS);
      if (draws < least.draws) least = { name: `${site}${width > 1 ? `[${k}]` : ""}`, draws };
    }
  }
  return { ...least, seconds };
}

const cold = await timed(Number(seed));
const warm = await timed(Number(seed) + 1000);
writeFileSync(file, JSON.stringify({ cold: fewest(cold), warm: fewest(warm) }));
