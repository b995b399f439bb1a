/**
 * Several ranks train the model that one process trains. Real processes, started by the launchers that are installed.
 * `TIGHTBOUND_KILLS=20 npx vitest run test/mpi/ranks.test.ts` kills a rank 20 times.
 */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { loadMnist, minibatches, take } from "../../src/data/index.ts";
import { loadCheckpoint } from "../../src/files/index.ts";
import { bindingProblem, type Place, threadsOf } from "../../src/mpi/binding.ts";
import { alone, launchOf } from "../../src/mpi/index.ts";
import { temporary, writeDigits } from "../cli/harness.ts";
import { buildProgram, processesWith } from "../cli/program.ts";

const folder = temporary();
const digits = join(folder, "digits");
const KILLS = Number(process.env.TIGHTBOUND_KILLS ?? 1);
const SEVERAL = new URL("several.mjs", import.meta.url).pathname;
const NORMALISED = new URL("normalised.mjs", import.meta.url).pathname;

/** koffi is an optional dependency. */
const canCall = (): boolean => {
  try {
    return createRequire(import.meta.url).resolve("koffi") !== "";
  } catch {
    return false;
  }
};

/** The launchers that are here, with what makes them start more ranks than cores, as root too. */
const launchers = (
  [
    ["mpirun.openmpi", ["--allow-run-as-root", "--oversubscribe"]],
    ["mpirun.mpich", []],
  ] as const
).filter(([name]) => canCall() && spawnSync(name, ["--version"]).status === 0);

let main = "";
beforeAll(() => {
  if (launchers.length === 0) return;
  main = buildProgram("mpi");
  mkdirSync(digits);
  writeDigits(digits, { train: 500, test: 20 });
  mkdirSync(join(folder, "few"));
  writeDigits(join(folder, "few"), { train: 500, test: 20, every: 4 });
});

const started = (count: number, launcher = launchers[0], args: readonly string[] = []): readonly string[] => [
  launcher[0],
  ...launcher[1],
  ...["-n", String(count), process.execPath],
  ...args,
];

const runRanks = (count: number, args: readonly string[], launcher = launchers[0]): string => {
  const [command, ...rest] = started(count, launcher, args);
  return execFileSync(command, rest, { cwd: folder, encoding: "utf8", stdio: ["ignore", "pipe", "pipe"] });
};

/** The largest difference of a parameter, relative to the largest value of its tensor. */
function farthest(
  a: readonly (readonly [string, readonly number[]])[],
  b: readonly (readonly [string, readonly number[]])[],
): number {
  expect(a.map(([name]) => name)).toEqual(b.map(([name]) => name));
  return Math.max(
    ...a.map(([, values], t) => {
      const scale = Math.max(...values.map(Math.abs), 1e-3);
      return Math.max(...values.map((value, i) => Math.abs(value - b[t][1][i]))) / scale;
    }),
  );
}

/** What `several.mjs` prints. */
interface Outcome {
  readonly fit: [string, number[]][];
  readonly normalised: [string, number[]][];
  readonly parts: readonly { readonly problems: readonly string[]; readonly message: string }[];
  readonly chains: readonly string[];
  readonly ended: readonly { readonly codes: readonly string[]; readonly err: string }[];
}

/** Parameters without the optimiser's moments, and how many steps made them. */
const learnt = (run: string) => {
  const { tensors, buffers, step } = loadCheckpoint(join(folder, run, "checkpoint.safetensors"));
  return {
    step,
    parameters: [...tensors, ...buffers]
      .filter(({ name }) => !name.startsWith("optimizer/"))
      .map(({ name, data }) => [name, [...data]] as const),
  };
};

test("a launcher is known by the variables that it sets", () => {
  expect(launchOf({})).toBeUndefined();
  expect(launchOf({ OMPI_COMM_WORLD_SIZE: "1" })).toBeUndefined();
  expect(launchOf({ OMPI_COMM_WORLD_SIZE: "4" })).toMatchObject({ size: 4 });
  expect(launchOf({ PMI_SIZE: "3" })).toMatchObject({ size: 3 });
  expect(launchOf({ SLURM_NTASKS: "8" })).toBeUndefined();
  expect(launchOf({ SLURM_NTASKS: "8", PMIX_RANK: "0" })).toMatchObject({ size: 8 });
});

test("each rank gets its share of the cores that it may use, and one that is bound to a single core is told", () => {
  const at = (host: string, cores: readonly number[], all: number, threads = cores.length): Place => ({
    host,
    cores,
    threads,
    all,
  });
  const range = (first: number, count: number) => Array.from({ length: count }, (_, i) => first + i);
  const threads = (places: readonly Place[]) => places.map((_, rank) => threadsOf(places, rank));
  const shared = [at("a", range(0, 8), 8), at("a", range(0, 8), 8), at("b", range(0, 8), 8)];
  expect(threads(shared)).toEqual([4, 4, 8]);
  expect(bindingProblem(shared)).toBeUndefined();
  const sockets = [at("a", range(0, 4), 8), at("a", range(4, 4), 8)];
  expect(threads(sockets)).toEqual([4, 4]);
  expect(bindingProblem(sockets)).toBeUndefined();
  const container = [at("a", range(0, 64), 64, 2), at("a", range(0, 64), 64, 2)];
  expect(threads(container)).toEqual([1, 1]);
  expect(bindingProblem(container)).toBeUndefined();
  const bound = [at("a", [0], 2), at("a", [1], 2)];
  expect(threads(bound)).toEqual([1, 1]);
  expect(bindingProblem(bound)).toContain("rank 0 is bound to one core (core 0 of a)");
  const limited = [at("a", [5], 8), at("a", [5], 8)];
  expect(threads(limited)).toEqual([1, 1]);
  expect(bindingProblem(limited)).toBeUndefined();
  expect(bindingProblem([at("a", [0], 1), at("b", [0], 1)])).toBeUndefined();
});

test("the rows of the ranks are the rows of the minibatch, and so are their pixels", () => {
  const data = take(loadMnist("train"), 100);
  const options = { batch: 24, seed: 3, binarize: "dynamic" } as const;
  const whole = minibatches(data, options);
  const out = new Float32Array(24 * 784);
  for (const size of [2, 3, 8]) {
    for (const step of [0, 5]) {
      const rows = whole.fill(step, out);
      const parts = Array.from({ length: size }, (_, rank) => {
        const own = minibatches(data, { ...options, ranks: { ...alone, rank, size } });
        const part = new Float32Array(own.batch * 784);
        return { rows: [...own.fill(step, part)], part: [...part] };
      });
      expect(parts.flatMap(({ rows }) => rows)).toEqual([...rows]);
      expect(parts.flatMap(({ part }) => part)).toEqual([...out]);
    }
  }
  expect(() => minibatches(data, { batch: 24, seed: 0, ranks: { ...alone, rank: 0, size: 5 } })).toThrow(
    "5 ranks cannot share 24 rows equally",
  );
});

describe.skipIf(launchers.length === 0)("with MPI", () => {
  const flags = ["--threads", "1", "--epochs", "2", "--quiet"];
  const common = ["--data", "digits", ...flags];
  const small = ["--hidden", "16", "--latent", "3"];
  test("1, 2 and 4 ranks train the same models, draw the same chains, and refuse alike", () => {
    const few = `${small.join(" ")} --batch 20 --labels 20 --labelled-batch 20`;
    // 50 steps each, of 480 unlabelled rows or of 500 rows, in two epochs.
    const models: Readonly<Record<string, string>> = {
      vae: `--data digits ${small.join(" ")} --batch 20 --clip 5`,
      // Every fourth pixel of every fourth line: q(y|x) learns from differences between the bounds of classes, and float32 keeps fewer digits
      // of these the larger the bounds are. On 784 pixels its weights were 3.3e-5 apart; float64.test.ts shows that float64 has them the same.
      m2: `--data few ${few} --dropout 0.2 --clip 5`,
      // What is of all ranks' rows in the middle of a step: statistics of batches, and means of divergences that free bits hold up.
      "vae norm": `--data digits ${small.join(" ")} --batch 20 --batch-norm --free-bits 0.1`,
      "vae convolutional": `--data few --network convolutional --channels 2,2 --latent 3 --batch 20 --batch-norm`,
      // The weights of a pixel that is the same in all rows of a minibatch have no gradient but rounding, as normalisation takes their mean away. Of 784
      // pixels many are, and weights were 2.2e-5 apart; the next test shows that float64 has them the same.
      "autoencoder norm": `--data few ${small.join(" ")} --batch 20 --batch-norm`,
      m1m2: `--data digits ${few} --m1-epochs 2 --m1-batch 20 --m1-hidden 16 --m1-latent 4`,
    };
    const refused = [["--batch 25 --out uneven", "ranks cannot share 25 rows equally"]] as const;
    const outcomes = [1, 2, 4].map((count) => {
      const commands = Object.entries(models).map(
        ([run, own]) =>
          `train ${run.split(" ")[0]} ${own} ${flags.join(" ")} --out ${run.replace(" ", "-")}-${count}`,
      );
      // One process does not refuse them.
      const more =
        count === 1
          ? []
          : refused.map(([own]) => `train vae --data digits ${small.join(" ")} ${own}-${count}`);
      const printed = runRanks(
        count,
        [SEVERAL, join(main, "../.."), ...commands, ...more],
        launchers.at(count === 2 ? -1 : 0),
      );
      return { count, trained: commands.length, ...(JSON.parse(printed) as Outcome) };
    });
    for (const { count, trained, ended, parts, chains } of outcomes) {
      ended.forEach(({ codes, err }, i) => {
        if (i < trained) expect({ codes, err }).toEqual({ codes: codes.map(() => "0"), err: "" });
        else {
          expect(codes).not.toContain("0");
          expect(err).toContain(refused[i - trained][1]);
        }
      });
      // Every rank has the draws of all chains, and they are those of one process.
      expect(chains).toEqual(Array.from({ length: count }, () => outcomes[0].chains[0]));
      expect(parts).toHaveLength(count === 1 ? 0 : count);
      for (const { problems, message } of parts) {
        expect(problems).toEqual([]);
        expect(message).toBe(
          'step 5: expected a finite gradient of parameter "w", found Infinity at element 0; try a lower learning rate or gradient clipping',
        );
      }
    }
    for (const name of ["fit", "normalised"] as const) {
      const [one, ...others] = outcomes.map((outcome) => outcome[name]);
      for (const several of others) expect(farthest(one, several)).toBeLessThan(1e-5);
    }
    for (const run of [...Object.keys(models), "m1m2/m1"]) {
      const [model, ...base] = run.replace(" ", "-").split("/");
      const [one, two, four] = [1, 2, 4].map((count) => learnt([`${model}-${count}`, ...base].join("/")));
      expect(one.step).toBeGreaterThanOrEqual(48);
      for (const several of [two, four]) {
        expect(several.step).toBe(one.step);
        expect(farthest(one.parameters, several.parameters)).toBeLessThan(1e-5);
      }
    }
  });

  test.each(["vae", "autoencoder"])(
    "1, 2 and 4 ranks train the same %s with batch normalisation on 784 pixels, in float64",
    (kind) => {
      const [one, ...others] = [1, 2, 4].map((count) => {
        const printed = runRanks(count, [NORMALISED, join(main, "../.."), kind]);
        return JSON.parse(printed) as readonly [string, readonly number[]][];
      });
      // Sums in another order differ by 1e-16; Adam divides by the size of a gradient, which may be what is left of larger terms.
      for (const several of others) expect(farthest(one, several)).toBeLessThan(1e-12);
    },
  );

  test(`a rank that is killed ends the job, ${KILLS} times, and another number of ranks goes on`, async () => {
    const epochs = KILLS === 1 ? 6 : 8 * KILLS;
    const long = [...common, ...small, "--batch", "20", "--epochs", String(epochs)];
    runRanks(1, [main, "train", "vae", ...long, "--out", "straight"]);
    const metrics = join(folder, "killed/metrics.jsonl");
    const lines = (): readonly string[] =>
      existsSync(metrics) ? readFileSync(metrics, "utf8").trimEnd().split("\n") : [];
    const checkpoint = join(folder, "killed/checkpoint.safetensors");
    const first = ["train", "vae", ...long, "--out", "killed"];
    const again = ["train", "--resume", "killed", "--quiet"];
    for (let kill = 0; kill < KILLS; kill++) {
      const count = [4, 2, 5][kill % 3];
      const before = lines().length;
      const args = existsSync(checkpoint) ? again : first;
      const [command, ...rest] = started(count, launchers[kill % launchers.length], [main, ...args]);
      const job = spawn(command, rest, { cwd: folder, stdio: ["ignore", "pipe", "pipe"] });
      let told = "";
      // MPICH's launcher tells it on the output, Open MPI's on the error stream.
      for (const stream of [job.stdout, job.stderr])
        stream.on("data", (text) => {
          told += text;
        });
      const ended = new Promise((resolve) => job.on("close", resolve));
      for (let tries = 0; lines().length <= before || !existsSync(checkpoint); tries++) {
        if (tries > 3000) throw new Error("waited for a minute in vain");
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      const ranks = processesWith((words) => words[1] === main && words.includes("train"));
      expect(ranks).toHaveLength(count);
      process.kill(ranks[kill % count], "SIGKILL");
      const since = Date.now();
      await ended;
      expect(Date.now() - since).toBeLessThan(15_000);
      expect(told).not.toBe("");
      // Whole, and not behind what was there before this job.
      expect(loadCheckpoint(checkpoint).epoch).toBeGreaterThanOrEqual(before);
    }
    runRanks(2, [main, ...again]);
    const [one, several] = [learnt("straight"), learnt("killed")];
    expect(several.step).toBe(one.step);
    expect(lines().map((line) => (JSON.parse(line) as { epoch: number }).epoch)).toEqual(
      Array.from({ length: epochs }, (_, i) => i + 1),
    );
    // Over thousands of steps, sums in another order lead elsewhere.
    if (KILLS === 1) expect(farthest(one.parameters, several.parameters)).toBeLessThan(1e-4);
  }, 1_800_000);

  test("connecting leaves the heap as it is, also where it cannot grow", () => {
    const heap = new URL("heap.mjs", import.meta.url).pathname;
    for (const launcher of launchers) {
      // With the hooks of UCX, 4096 bytes were gone that were in use: any later moment could end in a segmentation fault.
      expect(JSON.parse(runRanks(2, [heap, join(main, "../..")], launcher))).toEqual([
        { blocked: true, moved: 0 },
        { blocked: true, moved: 0 },
      ]);
    }
  });

  test("what ranks cannot do together is refused, on all ranks, with the reason", () => {
    mkdirSync(join(folder, "own0"));
    mkdirSync(join(folder, "own1"));
    writeDigits(join(folder, "own0"), { train: 200, test: 20 });
    writeDigits(join(folder, "own1"), { train: 220, test: 20 });
    cpSync(join(folder, "own0"), join(folder, "copy1"), { recursive: true });
    cpSync(join(folder, "own0"), join(folder, "copy0"), { recursive: true });
    /** Each rank with its own number in the command. */
    const trained = (launcher: (typeof launchers)[number], data: string, out: string, more = "") => {
      const own = `R=\${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; exec "${process.execPath}" "${main}" train vae --data "${data}" ${small.join(" ")} --batch 20 --epochs 1 --threads 1 --quiet --out ${out}${more}`;
      const [command, ...args] = started(2, launcher).slice(0, -1);
      const since = Date.now();
      const ended = spawnSync(command, [...args, "sh", "-c", own], { cwd: folder, encoding: "utf8" });
      expect(Date.now() - since).toBeLessThan(60_000);
      return { ...ended, isTrained: existsSync(join(folder, out, "checkpoint.safetensors")) };
    };
    for (const [i, launcher] of launchers.entries()) {
      // Copies have the rows of the original, whatever the path.
      expect(trained(launcher, "copy$R", `copies${i}`)).toMatchObject({ status: 0, isTrained: true });
      const refusals = [
        [
          "own$R",
          "",
          /ranks have different training rows: rank 0 \(on \S+\) has 200 rows of own0 \(.*; rank 1 \(on \S+\) has 220 rows of own1 .*same files/,
        ],
        ["missing$((1 - R))", "", /train: rank 1 \(on \S+\) cannot read its data: missing0: .*same files/],
        [
          "copy0",
          " --beta $((1 + R))",
          /ranks have different settings: rank 0 .* and rank 1 .*: --beta is 1 and 2\. Start every rank with the same command/,
        ],
      ] as const;
      cpSync(join(folder, "own0"), join(folder, "missing1"), { recursive: true });
      for (const [data, more, expected] of refusals) {
        const { status, stderr, isTrained } = trained(launcher, data, "other", more);
        expect(status).not.toBe(0);
        expect(stderr).toMatch(expected);
        // Once, by rank 0.
        expect(stderr.split("train: ")).toHaveLength(2);
        expect(isTrained).toBe(false);
      }
    }

    // Beside the build, so that dependencies are found from there.
    const newer = join(main, "../../..");
    const older = `${newer}-older`;
    cpSync(newer, older, { recursive: true });
    const manifest = JSON.parse(readFileSync(join(older, "package.json"), "utf8")) as { version: string };
    writeFileSync(join(older, "package.json"), JSON.stringify({ ...manifest, version: "0.0.1" }));
    const train = ["train", "vae", ...common, ...small, "--batch", "20", "--out", "versions"];
    const mixed = [older, newer].flatMap((at, rank) => [
      ...(rank === 0 ? [] : [":"]),
      ...["-n", "1", process.execPath, join(at, "dist/cli/main.js"), ...train],
    ]);
    const versions = spawnSync(launchers[0][0], [...launchers[0][1], ...mixed], {
      cwd: folder,
      encoding: "utf8",
    });
    expect(versions.status).not.toBe(0);
    expect(versions.stderr).toContain(
      `ranks have different versions of the program: rank 0 (on ${hostname()}) has 0.0.1; rank 1 (on ${hostname()}) has ${manifest.version}`,
    );
    expect(existsSync(join(folder, "versions"))).toBe(false);
  });
});
