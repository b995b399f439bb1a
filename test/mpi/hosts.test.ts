/** Two hosts that reach each other by TCP alone: two network namespaces, each with a host name of its own. Needs root, iproute2 and Open MPI. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { loadCheckpoint } from "../../src/files/index.ts";
import { temporary, writeDigits } from "../cli/harness.ts";
import { buildProgram } from "../cli/program.ts";

const folder = temporary();
const hosts = [1, 2].map((n) => ({
  space: `tb${process.pid}-${n}`,
  link: `tb${process.pid}${n}`,
  address: `10.77.31.${n}`,
}));
const ip = (...args: string[]) => spawnSync("ip", args, { encoding: "utf8" });

/** Whether this process may make network namespaces, and has made them. */
function connected(): boolean {
  if (spawnSync("mpirun.openmpi", ["--version"]).status !== 0) return false;
  const [one, two] = hosts;
  const made = [
    ...hosts.map(({ space }) => ["netns", "add", space]),
    [
      "link",
      "add",
      one.link,
      "netns",
      one.space,
      "type",
      "veth",
      "peer",
      "name",
      two.link,
      "netns",
      two.space,
    ],
    ...hosts.flatMap(({ space, link, address }) => [
      ["-n", space, "addr", "add", `${address}/24`, "dev", link],
      ["-n", space, "link", "set", "lo", "up"],
      ["-n", space, "link", "set", link, "up"],
    ]),
  ].every((args) => ip(...args).status === 0);
  return made && spawnSync("ip", ["netns", "exec", one.space, "unshare", "-u", "true"]).status === 0;
}
const canConnect = connected();
afterAll(() => {
  for (const { space } of hosts) ip("netns", "del", space);
});

test.skipIf(!canConnect)(
  `two hosts train as one process does${canConnect ? "" : " (skipped: no network namespaces, or no Open MPI)"}`,
  () => {
    const main = buildProgram("mpi-hosts");
    mkdirSync(join(folder, "digits"));
    writeDigits(join(folder, "digits"), { train: 200, test: 20 });
    const train = [
      ...["train", "vae", "--data", "digits", "--hidden", "16", "--latent", "3", "--batch", "20"],
      ...["--epochs", "2", "--threads", "1", "--quiet"],
    ];
    execFileSync(process.execPath, [main, ...train, "--out", "one"], { cwd: folder });
    const [one, two] = hosts;
    // Open MPI starts what it needs on the other host by a remote shell, which is called with the host and a command.
    const shell = join(folder, "remote-shell");
    writeFileSync(
      shell,
      `#!/bin/sh\nshift\nexec ip netns exec ${two.space} unshare -u sh -c 'hostname host-two; exec sh -c "$0"' "$*"\n`,
    );
    chmodSync(shell, 0o755);
    const network = "10.77.31.0/24";
    execFileSync(
      "ip",
      [
        ...["netns", "exec", one.space, "unshare", "-u", "sh", "-c", 'hostname host-one; exec "$@"', "sh"],
        ...[
          "mpirun.openmpi",
          "--allow-run-as-root",
          "-n",
          "2",
          "--host",
          `${one.address}:1,${two.address}:1`,
        ],
        ...["--mca", "plm_rsh_agent", shell, "--mca", "btl", "tcp,self"],
        ...["--mca", "btl_tcp_if_include", network, "--mca", "oob_tcp_if_include", network],
        ...["sh", "-c", `cat /proc/sys/kernel/hostname >> hosts; exec "$0" "$@"`],
        ...[process.execPath, main, ...train, "--out", "two"],
      ],
      { cwd: folder, stdio: ["ignore", "pipe", "pipe"], timeout: 120_000 },
    );
    expect(readFileSync(join(folder, "hosts"), "utf8").trim().split("\n").toSorted()).toEqual([
      "host-one",
      "host-two",
    ]);
    const [alone, together] = ["one", "two"].map((run) =>
      loadCheckpoint(join(folder, run, "checkpoint.safetensors")),
    );
    expect(together.step).toBe(alone.step);
    for (const [t, { name, data }] of alone.tensors.entries()) {
      if (name.startsWith("optimizer/")) continue;
      const scale = data.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
      const most = data.reduce(
        (far, value, i) => Math.max(far, Math.abs(value - together.tensors[t].data[i])),
        0,
      );
      expect(most / scale).toBeLessThan(1e-5);
    }
  },
  180_000,
);
