// `npm run fuzz -- --readers [--cases 20000] [--seed 1]`: damaged files for every reader.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    readers: { type: "boolean" },
    cases: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
  },
});
if (!values.readers) {
  console.error("What is to be tried? Expected --readers; found none.");
  process.exit(2);
}
const { status } = spawnSync(
  join("node_modules", ".bin", "vitest"),
  ["run", "--reporter=verbose", "test/data/damaged-files.test.ts"],
  {
    stdio: "inherit",
    env: { ...process.env, TIGHTBOUND_FUZZ_CASES: values.cases, TIGHTBOUND_FUZZ_SEED: values.seed },
  },
);
process.exit(status ?? 1);
