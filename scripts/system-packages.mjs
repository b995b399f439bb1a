/** What some tests need of the machine, beyond Node: installed from Debian where this process may, and said where not. */
import { spawnSync } from "node:child_process";
import { accessSync, constants, existsSync } from "node:fs";
import { delimiter, isAbsolute, join } from "node:path";

/** Packages of Debian and Ubuntu, the commands or files by which each is known to be there, and the tests that are skipped without it. */
export const WANTED = [
  { name: "openmpi-bin", commands: ["mpirun.openmpi"], tests: "several processes by Open MPI (test/mpi)" },
  { name: "mpich", commands: ["mpirun.mpich"], tests: "several processes by MPICH (test/mpi)" },
  {
    name: "redis-server",
    commands: ["redis-server"],
    tests: "sweeps on several machines (test/sweep/queue.test.ts)",
  },
  {
    name: "slurm-wlm",
    // Its dependencies bring the daemon that signs messages.
    commands: ["slurmctld", "/usr/sbin/slurmctld"],
    tests: "sweeps as a job array of Slurm (test/sweep/slurm.test.ts)",
  },
  {
    name: "chromium",
    commands: ["chromium", "chromium-browser", "google-chrome"],
    tests:
      "pages in a browser (test/platform/browser.test.ts), and training on a graphics processor in software",
  },
  {
    name: "libvulkan1",
    commands: ["x86_64-linux-gnu", "aarch64-linux-gnu"].map((kind) => `/usr/lib/${kind}/libvulkan.so.1`),
    tests: "training on a graphics processor in software (device.test.ts)",
  },
];

/** At most this long, in ms, for all that apt does; at most this long, in s, for another apt to end. */
const LONGEST = 300_000;
const OTHERS = 30;

/** A command of the path, or a file by its whole name. */
const canRun = (command, path) =>
  (isAbsolute(command) && existsSync(command)) ||
  path.split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });

/** Those that are not there. */
export const missingOf = (wanted, path = process.env.PATH ?? "") =>
  wanted.filter(({ commands }) => !commands.some((command) => canRun(command, path)));

/** apt asks nothing, waits for no other apt for long, and is ended after a while. Returns what went wrong, or undefined. */
function apt(args, longest) {
  const { status, error, stderr } = spawnSync(
    "apt-get",
    [
      "-qq",
      "-o",
      `DPkg::Lock::Timeout=${OTHERS}`,
      "-o",
      "Acquire::Retries=1",
      "-o",
      "Acquire::http::Timeout=20",
      ...args,
    ],
    {
      encoding: "utf8",
      stdio: ["ignore", "ignore", "pipe"],
      timeout: longest,
      killSignal: "SIGKILL",
      // In the runlevel of one user no service is started: a test starts the server that it needs.
      env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1", LC_ALL: "C" },
    },
  );
  if (error?.code === "ETIMEDOUT") return `it did not end within ${longest / 1000} s`;
  if (error) return error.message;
  return status === 0 ? undefined : (stderr.trim().split("\n").at(-1) ?? `exit code ${status}`);
}

/**
 * Installs what is missing, if this is Debian or a relative of it and the process may; says what stays missing, and what is skipped for it.
 * A failure is no failure of the tests. `TIGHTBOUND_NO_INSTALL=1` installs nothing.
 */
export function installMissing({
  wanted = WANTED,
  env = process.env,
  isRoot = process.getuid?.() === 0,
  longest = LONGEST,
  say = console.log,
} = {}) {
  const path = env.PATH ?? "";
  const missing = missingOf(wanted, path);
  if (missing.length === 0) return missing;
  const names = missing.map(({ name }) => name);
  let why;
  if (!canRun("apt-get", path)) why = "there is no apt-get";
  else if (!isRoot) why = "only root may install packages";
  else if (env.TIGHTBOUND_NO_INSTALL) why = "TIGHTBOUND_NO_INSTALL is set";
  else {
    say(`\n# packages of the system: ${names.join(" ")} (apt-get)`);
    const until = Date.now() + longest;
    // Without fresh lists a package may still be found in old ones.
    apt(["update"], longest);
    // One by one where not all can be had: another distribution may lack one of them.
    const install = (list) =>
      apt(["install", "-y", "--no-install-recommends", ...list], Math.max(1, until - Date.now()));
    why = install(names);
    if (why !== undefined && names.length > 1 && Date.now() < until)
      why = names.map((name) => install([name])).findLast((failure) => failure !== undefined);
  }
  const still = missingOf(wanted, path);
  if (still.length > 0) say("");
  for (const { name, tests } of still) say(`skipped: ${tests}, because ${name} is not installed`);
  if (still.length > 0)
    say(
      `${why === undefined ? "" : `Not installed: ${why}. `}To run them: apt-get install ${still.map(({ name }) => name).join(" ")}`,
    );
  return still;
}
