// `npm test`: types, lint, all tests; the last line says how many passed.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { installMissing } from "./system-packages.mjs";

const run = (title, command, args) => {
  console.log(`\n# ${title}`);
  const { status } = spawnSync(command, args, { stdio: "inherit", shell: false });
  return status === 0;
};

const folder = mkdtempSync(join(tmpdir(), "tightbound-tests-"));
const results = join(folder, "results.json");
const bin = (name) => join("node_modules", ".bin", name);

// In a fresh clone the command installs what it needs.
if (!existsSync(bin("vitest")) && !run("dependencies (npm ci)", "npm", ["ci"])) process.exit(1);
installMissing();
const checks = [
  run("kernels (AssemblyScript to WebAssembly)", process.execPath, ["scripts/build-kernels.mjs"]),
  run("types (tsc)", bin("tsc"), ["--noEmit"]),
  run("lint and format (biome)", bin("biome"), ["check", "--error-on-warnings", "."]),
];
const tested = run("tests (vitest)", bin("vitest"), [
  "run",
  // Without a terminal, the dots of all tests would be one endless line.
  `--reporter=${process.stdout.isTTY ? "dot" : "default"}`,
  "--reporter=json",
  `--outputFile.json=${results}`,
  ...process.argv.slice(2),
]);

let counts = { numPassedTests: 0, numFailedTests: 0, numPendingTests: 0, testResults: [] };
try {
  counts = JSON.parse(readFileSync(results, "utf8"));
} catch {
  console.error("vitest wrote no results");
}
rmSync(folder, { recursive: true, force: true });
const { numPassedTests: passed, numPendingTests: skipped, testResults } = counts;
// A file whose hook failed, or that could not be read, counts no failed test; nor does an error between tests.
const broken = testResults.filter(
  ({ status, assertionResults }) =>
    status === "failed" && !assertionResults.some((test) => test.status === "failed"),
);
for (const { name } of broken) console.log(`failed outside its tests: ${name}`);
const failed = Math.max(counts.numFailedTests + broken.length, tested ? 0 : 1);
const failedChecks = checks.filter((ok) => !ok).length;
console.log(`\nchecks: ${checks.length - failedChecks} of ${checks.length} passed`);
console.log(`${passed} passed, ${failed + failedChecks} failed${skipped > 0 ? `, ${skipped} skipped` : ""}`);
process.exit(failedChecks === 0 && tested && passed > 0 ? 0 : 1);
