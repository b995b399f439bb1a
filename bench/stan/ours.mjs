// node ours.mjs NAME FILE SEED: NUTS on one posterior of test/posteriors, 4 x (1000 + 1000) on one thread; writes CPU seconds and the fewest effective draws.
import { writeFileSync } from "node:fs";
import { essBulk } from "../../dist/public/mcmc.js";
import { nuts } from "../../dist/public/tightbound.js";
import { posteriors } from "../../dist-examples/test/posteriors/posteriors.js";

const [name, file, seed] = process.argv.slice(2);
const { program, options } = posteriors.find((p) => p.name === name);
const { maxTreeDepth, ...adaptation } = options;
const target = program();
const before = process.cpuUsage();
const chains = await nuts(target, maxTreeDepth === undefined ? {} : { maxTreeDepth }).run([], {
  ...adaptation,
  chains: 4,
  warmUp: 1000,
  draws: 1000,
  workers: 1,
  seed: Number(seed),
});
const { user, system } = process.cpuUsage(before);
let least = { name: "", draws: Number.POSITIVE_INFINITY };
for (const [site, { data }] of chains.values) {
  const width = data.length / 4000;
  for (let k = 0; k < width; k++) {
    const draws = essBulk(
      Float64Array.from({ length: 4000 }, (_, i) => data[i * width + k]),
      4,
    );
    if (draws < least.draws) least = { name: `${site}${width > 1 ? `[${k}]` : ""}`, draws };
  }
}
writeFileSync(file, JSON.stringify({ ...least, seconds: (user + system) / 1e6 }));
