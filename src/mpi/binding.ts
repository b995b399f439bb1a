/** The cores of each rank: launchers bind ranks to cores, some of them by default. */

/** Where a rank runs. */
export interface Place {
  readonly host: string;
  /** The numbers of the cores that it may use. */
  readonly cores: readonly number[];
  /** How many threads may run at the same time: as many as cores, or fewer where a container has a limit. */
  readonly threads: number;
  /** How many cores its machine has. */
  readonly all: number;
}

/** How many threads a rank gets: those that its cores allow, shared with the ranks of its machine that may use these cores too. */
export function threadsOf(places: readonly Place[], rank: number): number {
  const mine = places[rank];
  const sharing = places.filter(
    ({ host, cores }) => host === mine.host && cores.some((core) => mine.cores.includes(core)),
  );
  return Math.max(1, Math.floor(mine.threads / Math.max(1, sharing.length)));
}

/**
 * What is wrong with the binding; undefined if nothing. A rank on one core shares it with all threads of its own process: the collector's, the
 * runtime's, those that read files. In our measurements one such rank did a sixth less than an unbound one, and ranks wait for the slowest.
 */
export function bindingProblem(places: readonly Place[]): string | undefined {
  // Ranks that all have the same core were started so by someone who limits the whole job.
  const bound = places.findIndex(
    ({ cores, all }, rank) => cores.length === 1 && all > 1 && threadsAlone(places, rank),
  );
  if (bound === -1) return undefined;
  return (
    `mpi: rank ${bound} is bound to one core (core ${places[bound].cores[0]} of ${places[bound].host}), so that the threads of its own process ` +
    "wait for each other. Start without binding: Open MPI's `mpirun --bind-to none`, MPICH's `mpirun -bind-to none`, `srun --cpu-bind=none`."
  );
}

/** Whether no other rank of the machine may use this rank's cores. */
const threadsAlone = (places: readonly Place[], rank: number): boolean =>
  places.every(
    ({ host, cores }, other) =>
      other === rank || host !== places[rank].host || !cores.includes(places[rank].cores[0]),
  );
