/** A sweep as a job array of Slurm: one task for each run, which is trained or continued. */
import type { SweepFolder } from "./folder.ts";
import { type Plan, trainArguments } from "./plan.ts";

/** A word that a shell takes as it is. */
const quoted = (word: string): string => `'${word.replaceAll("'", "'\\''")}'`;

export interface SlurmOptions {
  /** The program, as a process is started with it. */
  readonly command: readonly string[];
  /** Where relative paths of the plan begin. */
  readonly cwd: string;
  /** At most so many tasks at a time. Default: as many as Slurm starts. */
  readonly jobs?: number;
  /** Cores of a task, and threads of its run. */
  readonly threads: number;
}

/** The script for `sbatch`: each task trains one run that is not done, from its checkpoint if it has one. */
export function slurmScript(
  plan: Plan,
  sweep: SweepFolder,
  { command, cwd, jobs, threads }: SlurmOptions,
): string {
  const program = command.map(quoted).join(" ");
  const waiting = sweep.runs.filter(({ name }) => sweep.ended.get(name)?.state !== "done");
  const ownThreads = (values: object): boolean => "threads" in plan.settings || "threads" in values;
  const cases = waiting.map((run, i) => {
    const given = [
      ...trainArguments(plan, run),
      ...(ownThreads(run.values) ? [] : [`--threads=${threads}`]),
      `--out=${sweep.folderOf(run)}`,
    ];
    return `  ${i}) run=${quoted(sweep.folderOf(run))} log=${quoted(sweep.logOf(run))}; set -- ${given.map(quoted).join(" ")} ;;`;
  });
  return [
    "#!/bin/sh",
    `#SBATCH --job-name=${quoted(`tightbound ${plan.model}`)}`,
    `#SBATCH --array=0-${waiting.length - 1}${jobs === undefined ? "" : `%${jobs}`}`,
    `#SBATCH --cpus-per-task=${threads}`,
    `#SBATCH --output=${quoted(`${sweep.path}/logs/slurm-%A-%a.txt`)}`,
    `cd ${quoted(cwd)} || exit 1`,
    'case "$SLURM_ARRAY_TASK_ID" in',
    ...cases,
    '  *) echo "no run has the number $SLURM_ARRAY_TASK_ID" >&2; exit 2 ;;',
    "esac",
    // Settings are in the folder from then on.
    'if [ -e "$run/config.json" ]; then set -- train --resume "$run"; fi',
    `exec ${program} "$@" --json 2>> "$log"`,
    "",
  ].join("\n");
}
