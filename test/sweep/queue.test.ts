/**
 * Sweeps on a queue: real workers, a Redis of our own. `TIGHTBOUND_KILLS=20 npx vitest run test/sweep/queue.test.ts` kills workers 20 times in a
 * sweep of 30 runs; without it, once in a sweep of 4.
 */
import { type ChildProcess, execFile, execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, openSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { gzipSync } from "node:zlib";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { loadCheckpoint } from "../../src/files/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { connectQueue } from "../../src/sweep/index.ts";
import { pack, unpack } from "../../src/sweep/queue/archive.ts";
import { jobId, PREFIX, QUEUE } from "../../src/sweep/queue/job.ts";
import { loadPackages } from "../../src/sweep/queue/packages.ts";
import { cli, temporary, writeDigits } from "../cli/harness.ts";
import { buildProgram, processesWith } from "../cli/program.ts";

const folder = temporary();
const PASSWORD = "s3cret word";
const hasRedis = spawnSync("redis-server", ["--version"]).status === 0;
const hasPackages = await loadPackages().then(
  () => true,
  () => false,
);
// A mount needs root, and a kernel that gives it.
const canMount = spawnSync("unshare", ["--mount", "mount", "-t", "tmpfs", "none", "/mnt"]).status === 0;
const KILLS = Number(process.env.TIGHTBOUND_KILLS ?? 1);
const SEEDS = KILLS > 1 ? 15 : 2;

const settings = [
  ...["--data", "table.csv", "--hidden", "16", "--latent", "2", "--batch", "8", "--epochs", "6"],
  ...["--threads", "1"],
];
const plan = ["sweep", "--model", "vae", ...settings, "--grid", "lr=1e-3,3e-3", "--seeds", `0..${SEEDS - 1}`];
const names = ["1e-3", "3e-3"].flatMap((lr) =>
  Array.from({ length: SEEDS }, (_, seed) => `lr=${lr},seed=${seed}`),
);

let main = "";
let address = "";
/** What workers and Redis print. */
const said = join(folder, "said.txt");
const children = new Set<ChildProcess>();
const started = (command: string, args: readonly string[], cwd = folder, env: object = {}): ChildProcess => {
  const child = spawn(command, args, {
    cwd,
    stdio: ["ignore", openSync(said, "a"), openSync(said, "a")],
    env: { ...process.env, TIGHTBOUND_QUEUE_PASSWORD: PASSWORD, ...env },
  });
  children.add(child);
  child.on("close", () => children.delete(child));
  return child;
};
const worker = (args: readonly string[], cwd = folder): ChildProcess =>
  started(process.execPath, [main, "worker", "--queue", address, "--lease", "2", ...args], cwd);
const end = async (child: ChildProcess, signal: NodeJS.Signals): Promise<void> => {
  // It ends when it is told to, and not by itself.
  expect(children.has(child), readFileSync(said, "utf8").slice(-2000)).toBe(true);
  const closed = new Promise((resolve) => child.on("close", resolve));
  child.kill(signal);
  await closed;
};

/** The program to its end, while workers of this test work. */
const run = (argv: readonly string[], env: object = {}) =>
  new Promise<{ code: number; out: string; err: string }>((resolve) => {
    execFile(
      process.execPath,
      [main, ...argv],
      { cwd: folder, encoding: "utf8", env: { ...process.env, TIGHTBOUND_QUEUE_PASSWORD: PASSWORD, ...env } },
      (error, out, err) => resolve({ code: error === null ? 0 : Number(error.code), out, err }),
    );
  });

/** All that a run has learnt. */
const learnt = (path: string) => {
  const { tensors, step } = loadCheckpoint(join(folder, path, "checkpoint.safetensors"));
  return { step, tensors: tensors.map(({ name, data }) => [name, [...data]]) };
};

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const found = server.address();
      server.close(() => resolve(typeof found === "object" && found !== null ? found.port : 0));
    });
  });

const until = async (condition: () => boolean): Promise<void> => {
  for (let tries = 0; !condition(); tries++) {
    if (tries > 1200) throw new Error("waited for two minutes in vain");
    await wait(100);
  }
};

/** The trainings of the sweep whose workers are killed. */
const trainings = (): readonly number[] =>
  processesWith(
    (args) => args[1] === main && args[2] === "train" && args.some((word) => word.includes("/killed/")),
  );

test("a run's folder goes through an archive, and nothing out of the folder", () => {
  const from = join(folder, "from");
  mkdirSync(join(from, "m1"), { recursive: true });
  for (const [path, text] of [
    ["checkpoint.safetensors", "weights"],
    ["config.json", "{}"],
    ["lock", "of this machine"],
    ["m1/metrics.jsonl", ""],
  ])
    writeFileSync(join(from, path), text);
  const bytes = pack(from);
  unpack(bytes, join(folder, "to"));
  expect(readdirSync(join(folder, "to")).toSorted()).toEqual(["checkpoint.safetensors", "config.json", "m1"]);
  expect(readFileSync(join(folder, "to/checkpoint.safetensors"), "utf8")).toBe("weights");
  const archive = (path: string): Uint8Array => {
    const list = Buffer.from(JSON.stringify([{ path, size: 1 }]));
    const length = Buffer.alloc(4);
    length.writeUInt32BE(list.length);
    return gzipSync(Buffer.concat([length, list, Buffer.from("x")]));
  };
  for (const path of ["../out", "/tmp/out", "a/../../out", "..", "a\\..\\out", ""]) {
    expect(() => unpack(archive(path), join(folder, "bad"))).toThrow("it has a file outside of the folder");
  }
  for (const cut of [0, 3, 10, bytes.length - 1]) {
    expect(() => unpack(bytes.subarray(0, cut), join(folder, "bad"))).toThrow("it is damaged");
  }
  expect(existsSync(join(folder, "bad"))).toBe(false);
});

describe.skipIf(!hasRedis || !hasPackages)("with Redis", () => {
  beforeAll(async () => {
    main = buildProgram("queue");
    const port = await freePort();
    address = `redis://127.0.0.1:${port}`;
    started("redis-server", [
      ...["--port", String(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD],
      ...["--save", "", "--appendonly", "no"],
    ]);
    const rows = new Float32Array(1200);
    fillNormal(rows, stream(0, "table"));
    const lines = Array.from({ length: 300 }, (_, i) => [...rows.subarray(4 * i, 4 * i + 4)].join());
    writeFileSync(join(folder, "table.csv"), `a,b,c,d\n${lines.join("\n")}\n`);
    execFileSync(process.execPath, [main, ...plan, "--out", "straight", "--quiet"], { cwd: folder });
  }, 600_000);
  afterAll(async () => {
    await Promise.all([...children].map((child) => end(child, "SIGKILL")));
  });

  test(`workers that are killed, ${KILLS} times: every run is trained once, to the same end`, async () => {
    const begun = () =>
      names.filter((name) => existsSync(join(folder, "killed", name, "config.json"))).length;
    const sweep = run([...plan, "--out", "killed", "--queue", address, "--json"]);
    const workers = [worker([]), worker([])];
    for (let kill = 0; kill < KILLS; kill++) {
      const before = begun();
      await until(() => begun() > before || begun() === names.length);
      await wait(100 * (kill % 5));
      const at = kill % workers.length;
      await end(workers[at], "SIGKILL");
      // As if the machine was gone: its training does not get to save a checkpoint.
      if (kill % 2 === 1) for (const pid of trainings()) process.kill(pid, "SIGKILL");
      workers[at] = worker([]);
    }
    const { code, out, err } = await sweep;
    expect({ code, err }).toMatchObject({ code: 0 });
    const { runs } = JSON.parse(out) as { runs: { state: string }[] };
    expect(runs.map(({ state }) => state)).toEqual(names.map(() => "done"));
    for (const name of names) expect(learnt(`killed/${name}`)).toEqual(learnt(`straight/${name}`));
    for (const one of workers) await end(one, "SIGTERM");
  }, 1_200_000);

  test("a worker without the sweep's disk sends its runs back, and keeps nothing", async () => {
    const elsewhere = join(folder, "elsewhere");
    mkdirSync(elsewhere);
    const one = worker(["--root", elsewhere, "--jobs", "2"]);
    const { code } = await run([...plan, "--out", "sent", "--queue", address, "--quiet"]);
    expect(code).toBe(0);
    for (const name of names) expect(learnt(`sent/${name}`)).toEqual(learnt(`straight/${name}`));
    const [own] = readdirSync(elsewhere);
    expect(readdirSync(join(elsewhere, own))).toEqual(["logs"]);
    await end(one, "SIGTERM");
  }, 600_000);

  test.runIf(canMount)(
    "a worker whose disk is full says so and ends, and another trains its run",
    async () => {
      const disk = join(folder, "small-disk");
      mkdirSync(disk);
      // Too small for a run, and then for one of its logs.
      const script = `mount -t tmpfs -o size=16k none "${disk}" && exec "$@"`;
      const argv = ["worker", "--queue", address, "--lease", "2", "--root", disk];
      const full = started("unshare", ["--mount", "sh", "-c", script, "sh", process.execPath, main, ...argv]);
      const ended = new Promise((resolve) => full.on("close", resolve));
      const sweep = run([
        ...plan.slice(0, -2),
        "--seeds",
        "0",
        "--out",
        "roomy",
        "--queue",
        address,
        "--json",
      ]);
      expect(await ended).not.toBe(0);
      expect(readFileSync(said, "utf8")).toMatch(/disk is full.* Its run went back to the queue\./);
      const one = worker([]);
      const { code, out } = await sweep;
      expect({ code, out }).toMatchObject({ code: 0 });
      for (const name of names.filter((name) => name.endsWith("seed=0")))
        expect(learnt(`roomy/${name}`)).toEqual(learnt(`straight/${name}`));
      await end(one, "SIGTERM");
    },
    120_000,
  );

  test("the table of a paper is the same when a worker trains its runs", async () => {
    const digits = join(folder, "digits");
    mkdirSync(digits);
    writeDigits(digits, { train: 120, test: 40 });
    const command = [
      ...[
        "reproduce",
        "kingma2014",
        "--data",
        digits,
        "--validation",
        "20",
        "--labels",
        "20",
        "--draws",
        "2",
      ],
      ...["--methods", "m2", "--length", "0.01", "--threads", "1", "--json"],
    ];
    const results = async (more: readonly string[]) => {
      const { out, err } = await run([...command, ...more]);
      const { draws, table } = JSON.parse(out, (key, value: unknown) =>
        key === "seconds" ? undefined : value,
      ) as Record<string, unknown>;
      return { draws, table, err };
    };
    const one = worker(["--jobs", "2"]);
    const [alone, queued] = await Promise.all([
      results(["--out", "alone"]),
      results(["--out", "queued", "--queue", address]),
    ]);
    expect({ ...queued, err: "" }).toEqual({ ...alone, err: "" });
    for (const draw of [0, 1]) expect(queued.err).toContain(`m2-20-${draw}: trained.`);
    await end(one, "SIGTERM");
  }, 120_000);

  test("a worker of another version refuses, and both versions are named; a job that is no plan of ours is not run", async () => {
    const { bull, connect } = await connectQueue(address, PASSWORD);
    const connection = connect();
    const queue = new bull.Queue(QUEUE, { connection, prefix: PREFIX });
    const one = worker([]);
    const sweep = "11111111-1111-4111-8111-111111111111";
    const { version } = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
    const task = {
      version,
      sweep,
      plan: { model: "vae", settings: { data: "mnist" }, axes: [] },
      run: "run-1",
      out: "/nowhere",
      cwd: folder,
    };
    const bad = [
      [
        { ...task, version: "0.0.0" },
        `has version ${version} of the program, and the sweep was begun by 0.0.0`,
      ],
      [
        { ...task, plan: { ...task.plan, settings: { data: "mnist", out: "/etc" } } },
        "out: there is no such setting",
      ],
      [{ ...task, run: "run-2" }, "the plan has no run run-2"],
      [{ ...task, run: "../../etc" }, "the job cannot be read"],
      [{ ...task, run: ".." }, "the job cannot be read"],
      [{ ...task, plan: undefined, out: "/etc", run: "ssh" }, "/etc is not under"],
      [{ ...task, plan: undefined, out: folder, run: "straight" }, `${folder} is not under`],
      [{ ...task, verb: "export" }, "the job cannot be read"],
      [{ ...task, plan: { ...task.plan, model: "--out=/etc" } }, "model: expected"],
      [
        { ...task, plan: { ...task.plan, settings: { data: "mnist", "out=/etc": true } } },
        "there is no such setting",
      ],
      [
        { ...task, plan: { ...task.plan, settings: { data: "mnist", resume: "/etc" } } },
        "resume: there is no such setting",
      ],
      [
        { ...task, plan: { ...task.plan, axes: [{ name: "overwrite", values: ["x"] }] } },
        "there is no such setting",
      ],
      [{ command: "rm" }, "the job cannot be read"],
    ] as const;
    for (const [i, [data, message]] of bad.entries()) {
      const id = jobId(sweep, i);
      await queue.add("run", data, { jobId: id });
      let state = "";
      for (let tries = 0; state !== "completed" && state !== "failed"; tries++) {
        if (tries > 300) throw new Error("waited in vain");
        await wait(100);
        state = await queue.getJobState(id);
      }
      const { returnvalue } = (await queue.getJob(id)) ?? {};
      expect(returnvalue).toMatchObject({
        ending: { state: "failed", message: expect.stringContaining(message) },
      });
      await (await queue.getJob(id))?.remove();
    }
    await end(one, "SIGTERM");
    await queue.close();
    connection.disconnect();
  }, 120_000);

  test.skipIf(spawnSync("openssl", ["version"]).status !== 0)(
    "TLS: a certificate that nobody vouches for is refused; one that is trusted is not",
    async () => {
      const [key, certificate] = ["key.pem", "certificate.pem"].map((name) => join(folder, name));
      execFileSync(
        "openssl",
        [
          ...[
            "req",
            "-x509",
            "-newkey",
            "ec",
            "-pkeyopt",
            "ec_paramgen_curve:prime256v1",
            "-nodes",
            "-days",
            "2",
          ],
          ...[
            "-keyout",
            key,
            "-out",
            certificate,
            "-subj",
            "/CN=localhost",
            "-addext",
            "subjectAltName=DNS:localhost",
          ],
        ],
        { stdio: "ignore" },
      );
      const port = await freePort();
      started("redis-server", [
        ...["--port", "0", "--tls-port", String(port), "--bind", "127.0.0.1", "--requirepass", PASSWORD],
        ...["--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"],
        ...["--save", "", "--appendonly", "no"],
      ]);
      const queue = `rediss://localhost:${port}`;
      const refusal = () => connectQueue(queue, PASSWORD).then(String, (error: Error) => error.message);
      let told = await refusal();
      // Redis takes a moment to start.
      for (let tries = 0; told.includes("ECONNREFUSED") && tries < 100; tries++) {
        await wait(100);
        told = await refusal();
      }
      expect(told).toContain(`the Redis at ${queue} and this program do not agree on TLS`);
      const short = [
        "--data",
        "table.csv",
        "--hidden",
        "4",
        "--latent",
        "1",
        "--epochs",
        "1",
        "--threads",
        "1",
      ];
      const trusting = { NODE_EXTRA_CA_CERTS: certificate };
      const sweep = run(["sweep", "--model", "vae", ...short, "--out", "tls", "--queue", queue], trusting);
      const one = started(process.execPath, [main, "worker", "--queue", queue], folder, trusting);
      expect(await sweep).toMatchObject({ code: 0, out: expect.stringContaining("1 of 1 runs are done") });
      await end(one, "SIGTERM");
    },
    120_000,
  );

  test("no Redis, a wrong password and another address are said within 5 s", async () => {
    const port = await freePort();
    const cases = [
      [`redis://127.0.0.1:${port}`, `no Redis answers at redis://127.0.0.1:${port}: connect ECONNREFUSED`],
      [address.replace("//", "//:wrong@"), "refuses the password"],
      ["http://127.0.0.1", "expected the address of a Redis"],
    ] as const;
    // In this process, which is there already.
    for (const [queue, message] of cases) {
      for (const argv of [[...plan, "--out", join(folder, "none")], ["worker"]]) {
        const since = Date.now();
        const { code, err } = await cli(
          ...argv.map((word) => (word === "table.csv" ? join(folder, word) : word)),
          ...["--queue", queue],
        );
        expect(err).toContain(message);
        expect(err).not.toContain("wrong@");
        expect(code).not.toBe(0);
        // On a busy machine these 5 s are longer.
        expect(Date.now() - since).toBeLessThan(15_000);
      }
    }
    expect(existsSync(join(folder, "none"))).toBe(false);
    const silent = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => silent.on("listening", resolve));
    const found = silent.address();
    const at = typeof found === "object" && found !== null ? found.port : 0;
    await expect(connectQueue(`redis://127.0.0.1:${at}`, undefined)).rejects.toThrow("no answer within 4 s");
    silent.on("connection", (socket) => socket.end("HTTP/1.1 400 Bad Request\r\n\r\n"));
    await expect(connectQueue(`redis://127.0.0.1:${at}`, undefined)).rejects.toThrow("not as a Redis does");
    silent.close();
  }, 120_000);
});

test("the script for Slurm trains each run, and the sweep collects them", async () => {
  main ||= buildProgram("queue");
  if (!existsSync(join(folder, "table.csv")))
    writeFileSync(join(folder, "table.csv"), "a,b\n1,2\n2,1\n3,3\n4,1\n5,2\n1,1\n");
  const short = [
    "sweep",
    "--model",
    "vae",
    "--data",
    "table.csv",
    "--hidden",
    "4",
    "--latent",
    "1",
    "--epochs",
    "1",
  ];
  const of = [...short, "--grid", "lr=1e-3,3e-3", "--out", "it's a sweep"];
  const { out, code, err } = await run([...of, "--slurm", "--dry-run"]);
  expect({ code, err }).toEqual({ code: 0, err: "" });
  expect(out).toContain("#SBATCH --array=0-1\n");
  const task = (index: number) =>
    spawnSync("sh", ["-s"], {
      cwd: "/",
      input: out,
      encoding: "utf8",
      env: { ...process.env, SLURM_ARRAY_TASK_ID: String(index) },
    });
  for (const index of [0, 1, 0]) expect(task(index)).toMatchObject({ status: 0 });
  expect(task(2).status).toBe(2);
  for (const lr of ["1e-3", "3e-3"]) expect(learnt(`it's a sweep/lr=${lr}`).step).toBeGreaterThan(0);
  const collected = await run([...of, "--json"]);
  const { runs } = JSON.parse(collected.out) as { runs: { state: string }[] };
  expect(runs.map(({ state }) => state)).toEqual(["done", "done"]);
  const without = await cli(...of, "--out", join(folder, "other"), "--dry-run");
  expect(without.err).toContain("--dry-run: it prints the script of --slurm");
}, 120_000);
