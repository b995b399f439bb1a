/** Chains in worker threads, which start from compiled files: the library is built first. */
import { execFileSync } from "node:child_process";
import { copyFileSync, cpSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";

const ROOT = new URL("../../../", import.meta.url).pathname;
const built = join(ROOT, "node_modules/.cache/tightbound-workers");

beforeAll(() => {
  mkdirSync(built, { recursive: true });
  execFileSync(join(ROOT, "node_modules/.bin/tsc"), [
    ...["-p", join(ROOT, "tsconfig.build.json"), "--noCheck", "--declaration", "false"],
    ...["--outDir", join(built, "dist")],
  ]);
  copyFileSync(join(ROOT, "package.json"), join(built, "package.json"));
});

const program = `
import { createHash } from "node:crypto";
import { HalfCauchy, Normal, model, nuts, tensor } from "./dist/public/tightbound.js";
import * as nn from "./dist/public/nn.js";
import { runInWorkers } from "./dist/inference/mcmc/workers.js";

const schools = model(({ sample, observe, plate, param, deterministic }) => {
  const mu = sample("mu", Normal(param("loc", [], nn.initializers.zeros), 5));
  const tau = sample("tau", HalfCauchy(5));
  plate("school", 8, () => {
    const z = sample("z", Normal(0, 1));
    const theta = deterministic("theta", mu.add(tau.mul(z)));
    observe("y", Normal(theta, tensor([15, 10, 16, 11, 9, 11, 10, 18])), tensor([28, 8, -3, 7, -1, 1, 18, 12]));
  });
});
const seen = new Set();
const digest = async (workers) => {
  const onProgress = ({ chain, iteration, total }) => iteration === total && seen.add(chain);
  const { values } = await nuts(schools).run([], { chains: 3, draws: 200, warmUp: 200, seed: 4, workers, onProgress });
  return createHash("sha256").update(values.get("theta").data).digest("hex");
};
const alone = await digest(1);
const before = seen.size;
seen.clear();
const side = await digest(2);
const failing = await runInWorkers({ graph: {} }, [{}], 1).then(() => "none", (error) => error.name);
const thrown = await nuts(schools)
  .run([], { chains: 2, draws: 20, warmUp: 20, workers: 2, onProgress: () => { throw new Error("not shown"); } })
  .then(() => "none", (error) => error.message);
console.log(JSON.stringify({ alone, side, before, seen: seen.size, failing, thrown }));
`;

test("draws do not depend on where the chains ran; progress comes back; a worker's error is the run's", () => {
  const script = join(built, "workers.mjs");
  writeFileSync(script, program);
  const found = JSON.parse(execFileSync(process.execPath, [script], { encoding: "utf8" }));
  expect(found.side).toBe(found.alone);
  expect([found.before, found.seen]).toEqual([3, 3]);
  expect(found.failing).toBe("TypeError");
  expect(found.thrown).toBe("not shown");
});

test("workers start from a program on the command line, whose flags are not theirs", () => {
  const found = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: built,
    encoding: "utf8",
  });
  expect(JSON.parse(found).seen).toBe(3);
});

test("a worker that ends without a word is an error, not a wait", () => {
  const quiet = join(built, "quiet");
  cpSync(join(built, "dist"), join(quiet, "dist"), { recursive: true });
  copyFileSync(join(ROOT, "package.json"), join(quiet, "package.json"));
  writeFileSync(join(quiet, "dist/inference/mcmc/chain-worker.js"), "process.exit(0);");
  const script = join(quiet, "quiet.mjs");
  writeFileSync(
    script,
    `import { runInWorkers } from "./dist/inference/mcmc/workers.js";
    console.log(await runInWorkers({}, [{}], 1).then(() => "none", (error) => error.message));`,
  );
  expect(execFileSync(process.execPath, [script], { encoding: "utf8" })).toBe(
    "internal: a worker of chain 0 ended with exit code 0 before its chain did; set workers: 1.\n",
  );
});
