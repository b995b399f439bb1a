/** Sweeps as a job array of Slurm: a cluster of this machine alone, with ports and files of its own. */
import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { cpus, hostname, tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { temporary } from "../cli/harness.ts";
import { buildProgram } from "../cli/program.ts";

const folder = temporary();
// A socket's path has to be short.
const cluster = mkdtempSync(join(tmpdir(), "slurm-"));
const env = {
  ...process.env,
  PATH: `${process.env.PATH}:/usr/sbin`,
  SLURM_CONF: join(cluster, "slurm.conf"),
};
const hasSlurm = ["slurmctld", "slurmd", "munged", "sbatch"].every(
  (name) => spawnSync(name, ["--version"], { env }).error === undefined,
);

const freePort = () =>
  new Promise<number>((resolve) => {
    const server = createServer().listen(0, "127.0.0.1", () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });

const daemons: ChildProcess[] = [];
/** Starts a daemon in the foreground. */
const daemon = (command: string, ...args: string[]): void => {
  daemons.push(spawn(command, args, { env, stdio: "ignore" }));
};

/** The logs of the daemons, for the message of a test that fails. */
const logs = (): string =>
  ["munged", "slurmctld", "slurmd"]
    .map((name) => join(cluster, `${name}.log`))
    .map((path) =>
      existsSync(path) ? `${path}:\n${readFileSync(path, "utf8").slice(-2000)}` : `${path}: none`,
    )
    .join("\n");

async function startCluster(): Promise<void> {
  const node = hostname().split(".")[0];
  const socket = join(cluster, "munge.socket");
  writeFileSync(join(cluster, "key"), randomBytes(1024), { mode: 0o400 });
  for (const name of ["state", "spool"]) mkdirSync(join(cluster, name));
  writeFileSync(
    env.SLURM_CONF,
    [
      "ClusterName=one",
      `SlurmctldHost=${node}(127.0.0.1)`,
      `SlurmUser=${userInfo().username}`,
      `SlurmdUser=${userInfo().username}`,
      `SlurmctldPort=${await freePort()}`,
      `SlurmdPort=${await freePort()}`,
      "AuthType=auth/munge",
      `AuthInfo=socket=${socket}`,
      `StateSaveLocation=${join(cluster, "state")}`,
      `SlurmdSpoolDir=${join(cluster, "spool")}`,
      `SlurmctldPidFile=${join(cluster, "slurmctld.pid")}`,
      `SlurmdPidFile=${join(cluster, "slurmd.pid")}`,
      `SlurmctldLogFile=${join(cluster, "slurmctld.log")}`,
      `SlurmdLogFile=${join(cluster, "slurmd.log")}`,
      // Without the kernel's groups of processes, which a container does not give.
      "ProctrackType=proctrack/linuxproc",
      "TaskPlugin=task/none",
      "MpiDefault=none",
      "JobAcctGatherType=jobacct_gather/none",
      "SelectType=select/cons_tres",
      "SelectTypeParameters=CR_CPU",
      "ReturnToService=2",
      `NodeName=${node} NodeAddr=127.0.0.1 CPUs=${cpus().length} State=UNKNOWN`,
      "PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP",
      "",
    ].join("\n"),
  );
  const at = (name: string) => join(cluster, name);
  daemon(
    "munged",
    ...["--foreground", "--force", `--key-file=${at("key")}`, `--socket=${socket}`],
    ...[`--pid-file=${at("munged.pid")}`, `--log-file=${at("munged.log")}`, `--seed-file=${at("seed")}`],
  );
  await vi.waitFor(() => expect(existsSync(socket), logs()).toBe(true), { timeout: 30_000 });
  daemon("slurmctld", "-D", "-i");
  daemon("slurmd", "-D", "-N", node);
  await vi.waitFor(
    () =>
      expect(spawnSync("sinfo", ["-h", "-o", "%T"], { env, encoding: "utf8" }).stdout, logs()).toBe("idle\n"),
    { timeout: 60_000, interval: 500 },
  );
}

describe.runIf(hasSlurm)("a cluster", () => {
  let main = "";
  beforeAll(async () => {
    main = buildProgram("slurm");
    await startCluster();
  }, 180_000);
  afterAll(() => {
    for (const child of daemons) child.kill("SIGKILL");
    rmSync(cluster, { recursive: true, force: true });
  });
  const run = (...argv: string[]) =>
    execFileSync(process.execPath, [main, ...argv], { cwd: folder, env, encoding: "utf8", stdio: "pipe" });

  test("trains the runs of a sweep, continues one that was cancelled, and the sweep collects them", async () => {
    const rows = Array.from({ length: 60 }, (_, i) => `${Math.sin(i)},${Math.cos(3 * i)}`);
    writeFileSync(join(folder, "table.csv"), `a,b\n${rows.join("\n")}\n`);
    const sweep = [
      ...["sweep", "--model", "vae", "--data", "table.csv", "--hidden", "4", "--latent", "1"],
      ...["--epochs", "3", "--threads", "1", "--grid", "lr=1e-3,3e-3", "--seeds", "0..1"],
      ...["--out", "it's a sweep"],
    ];
    const ended = () =>
      vi.waitFor(
        () => expect(spawnSync("squeue", ["-h"], { env, encoding: "utf8" }).stdout, logs()).toBe(""),
        { timeout: 120_000, interval: 500 },
      );
    expect(run(...sweep, "--slurm")).toMatch(/^Submitted as job 1\b/m);
    // Whatever it had reached; the second array goes on from there.
    execFileSync("scancel", ["1"], { env });
    await ended();
    run(...sweep, "--slurm");
    await ended();
    const { runs } = JSON.parse(run(...sweep, "--json")) as { runs: { state: string }[] };
    expect(runs.map(({ state }) => state)).toEqual(Array(4).fill("done"));
    for (const lr of ["1e-3", "3e-3"])
      for (const seed of [0, 1]) {
        const config = readFileSync(
          join(folder, "it's a sweep", `lr=${lr},seed=${seed}`, "config.json"),
          "utf8",
        );
        expect(JSON.parse(config)).toMatchObject({ train: { seed, lr: Number(lr), epochs: 3 } });
      }
    // The folder, and all that a shell finds in it, are its four runs.
    const whole = run("compare", "it's a sweep");
    expect(
      run(
        "compare",
        ...execFileSync("sh", ["-c", 'ls -d "it\'s a sweep"/*'], { cwd: folder, encoding: "utf8" })
          .trim()
          .split("\n"),
      ),
    ).toBe(whole);
    expect(whole).toContain("lr=3e-3,seed=1");
  }, 300_000);
});
