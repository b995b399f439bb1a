/** Whether a launcher of MPI has started this process, as the variables of its environment tell. */

/** What the launcher says. */
export interface Launch {
  readonly size: number;
  /** The libraries to try, the likeliest first. */
  readonly libraries: readonly string[];
}

const OPEN_MPI = ["libmpi.so.40", "libmpi.so"];
// MPICH's own name, and the one that libraries of its ABI agree on.
const MPICH = ["libmpich.so.12", "libmpi.so.12", "libmpich.so"];

const count = (text: string | undefined): number => {
  const n = Number(text);
  return Number.isSafeInteger(n) && n > 0 ? n : 1;
};

/**
 * The launcher that started this process with others; undefined if there is none, or one process alone. Open MPI's `mpirun` says
 * `OMPI_COMM_WORLD_SIZE`, MPICH's `PMI_SIZE`, Slurm's `srun` `SLURM_NTASKS` beside `PMIX_RANK` or `PMI_RANK`.
 */
export function launchOf(env: Readonly<Record<string, string | undefined>>): Launch | undefined {
  if (count(env.OMPI_COMM_WORLD_SIZE) > 1)
    return { size: count(env.OMPI_COMM_WORLD_SIZE), libraries: OPEN_MPI };
  if (count(env.PMI_SIZE) > 1) return { size: count(env.PMI_SIZE), libraries: MPICH };
  const tasks = count(env.SLURM_STEP_NUM_TASKS ?? env.SLURM_NTASKS);
  if (tasks === 1) return undefined;
  if (env.PMIX_RANK !== undefined) return { size: tasks, libraries: [...OPEN_MPI, ...MPICH] };
  if (env.PMI_RANK !== undefined) return { size: tasks, libraries: [...MPICH, ...OPEN_MPI] };
  return undefined;
}
