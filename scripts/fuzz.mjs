// New cases for the tests that draw theirs; docs/notebook/trying-to-break-it.md says what each campaign does and what it found.
// `npm run fuzz -- --graphs 2000`: random graphs on degenerate shapes, native against host;
// `npm run fuzz -- --readers [--cases 20000] [--from 0]`: damaged files for every reader, from a case on;
// `npm run fuzz -- --kills 200`: processes killed at random moments, over all verbs that write;
// `npm run fuzz -- --disks 29`: training on disks of this many sizes that fill up;
// `npm run fuzz -- --studio 50`: the studio killed at random moments while labels are given;
// `npm run fuzz -- --values`: absurd values of every number that the command line takes.
// `--seed 2` draws other cases; `--only WORDS` runs only those whose name contains the words.
import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { parseArgs } from "node:util";

const { values } = parseArgs({
  options: {
    readers: { type: "boolean" },
    values: { type: "boolean" },
    graphs: { type: "string" },
    kills: { type: "string" },
    disks: { type: "string" },
    studio: { type: "string" },
    cases: { type: "string", default: "20000" },
    from: { type: "string", default: "0" },
    seed: { type: "string", default: "1" },
    only: { type: "string", default: "" },
  },
});

/** The flag of each campaign, its test file, and the variable that the file reads. */
const campaigns = [
  ["readers", "test/data/damaged-files.test.ts", {}],
  ["graphs", "test/compile/random-views.test.ts", { TIGHTBOUND_FUZZ_GRAPHS: values.graphs }],
  ["kills", "test/campaigns/kills.test.ts", { TIGHTBOUND_FUZZ_KILLS: values.kills }],
  ["disks", "test/campaigns/full-disk.test.ts", { TIGHTBOUND_FUZZ_DISKS: values.disks }],
  ["studio", "test/studio/kills.test.ts", { TIGHTBOUND_FUZZ_STUDIO: values.studio }],
  ["values", "test/campaigns/values.test.ts", { TIGHTBOUND_FUZZ_VALUES: "all" }],
].filter(([name]) => values[name] !== undefined);
if (campaigns.length === 0) {
  console.error(
    "What is to be tried? Expected --graphs NUMBER, --readers, --kills NUMBER, --disks NUMBER, --studio NUMBER or --values; found none.",
  );
  process.exit(2);
}
/** Runs the campaigns in a process of their own, with more variables; its exit status. */
function run(variables) {
  const { status } = spawnSync(
    join("node_modules", ".bin", "vitest"),
    ["run", ...campaigns.map(([, file]) => file), "--reporter=verbose", "--disableConsoleIntercept"],
    {
      stdio: "inherit",
      env: {
        ...process.env,
        TIGHTBOUND_FUZZ_SEED: values.seed,
        TIGHTBOUND_FUZZ_ONLY: values.only,
        ...Object.assign({}, ...campaigns.map(([, , env]) => env)),
        ...variables,
      },
    },
  );
  return status ?? 1;
}

if (!values.readers) process.exit(run({}));
// The test runner keeps some 2 KB of each case, the readers nothing: a campaign of many cases takes a process for every 20,000.
const PIECE = 20_000;
const [cases, from] = [Number(values.cases), Number(values.from)];
for (let done = 0; done < cases; done += PIECE) {
  const status = run({
    TIGHTBOUND_FUZZ_CASES: String(Math.min(PIECE, cases - done)),
    TIGHTBOUND_FUZZ_FROM: String(from + done),
  });
  if (status !== 0) process.exit(status);
}
