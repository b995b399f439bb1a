/** Chains in worker threads, which start from compiled files: the library is built first. */
import { execFileSync } from "node:child_process";
import { copyFileSync, mkdirSync, writeFileSync } from "node:fs";
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
import { HalfCauchy, Normal, model, nn, nuts, tensor } from "./dist/index.js";
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
console.log(JSON.stringify({ alone, side, before, seen: seen.size, failing }));
`;

test("draws do not depend on where the chains ran; progress comes back; a worker's error is the run's", () => {
  const script = join(built, "workers.mjs");
  writeFileSync(script, program);
  const found = JSON.parse(execFileSync(process.execPath, [script], { encoding: "utf8" }));
  expect(found.side).toBe(found.alone);
  expect([found.before, found.seen]).toEqual([3, 3]);
  expect(found.failing).toBe("TypeError");
});

test("workers start from a program on the command line, whose flags are not theirs", () => {
  const found = execFileSync(process.execPath, ["--input-type=module", "--eval", program], {
    cwd: built,
    encoding: "utf8",
  });
  expect(JSON.parse(found).seen).toBe(3);
});
