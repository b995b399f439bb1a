/** The ranks of this process, where a launcher of MPI has started it with others. */
import { allCores, coreNumbers, cores, hostname } from "#platform/machine";
import { UsageError } from "../errors.ts";
import { bindingProblem, type Place, threadsOf } from "./binding.ts";
import { launchOf } from "./launcher.ts";
import { loadMpi, type Mpi } from "./library.ts";
import { alone, type Ranks } from "./ranks.ts";

/** Ranks that are connected, and how that ends. */
export interface Connection {
  readonly ranks: Ranks;
  /** What makes the ranks slower than they could be, for a person to read. */
  readonly warning?: string;
  /** Ends the connection; waits for the other ranks. */
  close(): void;
  /** Ends every rank at once, with this exit code: a rank that cannot go on would leave the others waiting. */
  abort(code: number): void;
}

function gather(mpi: Mpi, size: number, text: string): readonly string[] {
  const bytes = new TextEncoder().encode(text);
  const lengths = new Uint8Array(8 * size);
  mpi.gatherBytes(new Uint8Array(Float64Array.of(bytes.length).buffer), lengths);
  const counts = [...new Float64Array(lengths.buffer)];
  const longest = Math.max(1, ...counts);
  const mine = new Uint8Array(longest);
  mine.set(bytes);
  const all = new Uint8Array(longest * size);
  mpi.gatherBytes(mine, all);
  return counts.map((count, i) => new TextDecoder().decode(all.subarray(i * longest, i * longest + count)));
}

/**
 * Connects to the other ranks, if a launcher has started some: `mpirun` of Open MPI or MPICH, or `srun`. Without one nothing is loaded.
 *
 * @param env the variables of the environment
 * @throws UsageError when MPI cannot be loaded, or is not the launcher's.
 */
export async function connectRanks(env: Readonly<Record<string, string | undefined>>): Promise<Connection> {
  const launch = launchOf(env);
  if (launch === undefined) return { ranks: alone, close: () => undefined, abort: () => undefined };
  const mpi = await loadMpi(launch.libraries);
  mpi.init();
  const [rank, size] = [mpi.rank(), mpi.size()];
  if (size !== launch.size) {
    throw new UsageError(
      `mpi: the launcher has started ${launch.size} processes, and ${mpi.family}'s library sees ${size}: launcher and library are of ` +
        "different families or versions. Start with the launcher of the same family, mpirun.openmpi or mpirun.mpich.",
    );
  }
  const place: Place = {
    host: hostname(),
    cores: coreNumbers() ?? Array.from({ length: cores() }, (_, i) => i),
    threads: cores(),
    all: allCores(),
  };
  const places = gather(mpi, size, JSON.stringify(place)).map((text) => JSON.parse(text) as Place);
  const warning = bindingProblem(places);
  return {
    ...(warning !== undefined && { warning }),
    ranks: {
      rank,
      size,
      threads: threadsOf(places, rank),
      hosts: places.map(({ host }) => host),
      sum: (values) => mpi.sum(values),
      exchange: (values, received, counts) => mpi.exchange(rank, values, received, counts),
      allGather: (values, counts) => mpi.allGather(values, counts),
      broadcast: (bytes) => mpi.broadcast(bytes),
      gather: (text) => gather(mpi, size, text),
      barrier: () => mpi.barrier(),
    },
    close: () => mpi.finalize(),
    abort: (code) => mpi.abort(code),
  };
}
