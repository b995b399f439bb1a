import { spawnSync } from "#platform/processes";

/** Programs that put an flock(2) lock on the file that they inherit as descriptor 3. They exit with 1 if another process has the lock. */
const HELPERS: readonly (readonly [program: string, ...args: readonly string[]])[] = [
  ["flock", "-n", "3"],
  [
    "perl",
    "-MFcntl=:flock",
    "-MErrno",
    "-e",
    'open(my $file, "+<&=", 3) or exit 2; exit(flock($file, LOCK_EX | LOCK_NB) ? 0 : $!{EWOULDBLOCK} ? 1 : 2)',
  ],
];

/**
 * Locks an open file through the operating system, without waiting. The lock belongs to the open file, which the helper shares with
 * this process: it outlives the helper and ends when this process closes the file or ends in any way. It also works between containers,
 * which cannot see each other's processes.
 *
 * Node.js has no such call, and the packages that add it must be compiled when they are installed.
 *
 * @param file opened for reading and writing
 * @returns `unavailable` if there is no such program, or the file system does not support such locks.
 */
export const lockInKernel = (file: number): "taken" | "busy" | "unavailable" => {
  for (const [program, ...args] of HELPERS) {
    const { status, error } = spawnSync(program, args, { stdio: ["ignore", "ignore", "ignore", file] });
    if (error !== undefined) continue;
    if (status === 0) return "taken";
    if (status === 1) return "busy";
  }
  return "unavailable";
};
