// New cases for the tests that draw theirs:
// `npm run fuzz -- --readers [--cases 20000] [--seed 1]`: damaged files for every reader;
// `npm run fuzz -- --graphs 2000 [--seed 2]`: random graphs on degenerate shapes, native against host.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    readers: { type: "boolean" },
    graphs: { type: "string" },
    cases: { type: "string", default: "20000" },
    seed: { type: "string", default: "1" },
  },
});
if (!values.readers && values.graphs === undefined) {
  console.error("What is to be tried? Expected --readers or --graphs NUMBER; found neither.");
  process.exit(2);
}
const files = [
  ...(values.readers ? ["test/data/damaged-files.test.ts"] : []),
  ...(values.graphs === undefined ? [] : ["test/compile/random-views.test.ts"]),
];
const { status } = spawnSync(
  join("node_modules", ".bin", "vitest"),
  ["run", "--reporter=verbose", ...files],
  {
    stdio: "inherit",
    env: {
      ...process.env,
      TIGHTBOUND_FUZZ_CASES: values.cases,
      TIGHTBOUND_FUZZ_SEED: values.seed,
      ...(values.graphs !== undefined && { TIGHTBOUND_FUZZ_GRAPHS: values.graphs }),
    },
  },
);
process.exit(status ?? 1);
