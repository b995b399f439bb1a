// `npm run posteriors [-- NAME … --seed 0]`: NUTS against reference posteriors, all of them or those named.
import { spawnSync } from "node:child_process";

const { status } = spawnSync("npx", ["tsc", "-p", "tsconfig.examples.json"], { stdio: "inherit" });
if (status !== 0) process.exit(1);
const { main } = await import("../dist-examples/test/posteriors/run.js");
process.exit(await main(process.argv.slice(2)));
