/** The MPI library of the machine, called through koffi. Its two families differ in what their handles are. */
import { loadKoffi, setDefault } from "#platform/koffi";
import { UsageError } from "../errors.ts";

/** The part of koffi that is used. It is an optional dependency, so its types may not be there. */
interface Koffi {
  load(path: string, options: { readonly global: boolean }): Library;
}
interface Library {
  func(name: string, result: string, parameters: readonly string[]): (...args: readonly unknown[]) => number;
  symbol(name: string, type: string): unknown;
}

/** The calls that are used; each throws where MPI reports an error. */
export interface Mpi {
  /** `Open MPI` or `MPICH`. */
  readonly family: string;
  init(): void;
  rank(): number;
  size(): number;
  sum(values: Float32Array | Float64Array): void;
  /** Part r of the values, `counts[r]` of them, goes to rank r, unless that is this one; this rank's parts of the others go to `received` in their order. */
  exchange(rank: number, values: Float32Array, received: Float32Array, counts: Int32Array): void;
  /** Part r has `counts[r]` values, and rank r has it in its place; afterwards every rank has all. */
  allGather(values: Float32Array, counts: Int32Array): void;
  broadcast(bytes: Uint8Array): void;
  gatherBytes(mine: Uint8Array, all: Uint8Array): void;
  barrier(): void;
  finalize(): void;
  abort(code: number): void;
}

/** Handles of MPICH's ABI are integers, `mpi.h` of MPICH 3 and 4. `MPI_IN_PLACE` is an address that no array has. */
const MPICH = {
  world: 0x44000000,
  byte: 0x4c00010d,
  float: 0x4c00040a,
  double: 0x4c00080b,
  sum: 0x58000003,
  inPlace: -1n,
};

/** The level at which only the main thread calls MPI. */
const FUNNELED = 1;

const INSTALL =
  "Install one that fits the launcher: on Debian and Ubuntu `apt-get install openmpi-bin` or `apt-get install mpich`.";

/** @throws UsageError when koffi is not installed. */
async function requireKoffi(): Promise<Koffi> {
  const found = await loadKoffi();
  if (found !== undefined) return found as Koffi;
  throw new UsageError(
    "mpi: a launcher of MPI has started this process, and the npm package koffi, through which MPI is called, is not installed. " +
      "Install it: `npm install koffi`.",
  );
}

function open(koffi: Koffi, names: readonly string[]): Library {
  for (const name of names) {
    try {
      // Global: Open MPI loads its parts later, and they look for its symbols.
      return koffi.load(name, { global: true });
    } catch {}
  }
  throw new UsageError(
    `mpi: a launcher of MPI has started this process, and none of its libraries can be loaded (${names.join(", ")}). ${INSTALL}`,
  );
}

/** Where each part begins. */
function startsOf(counts: Int32Array): Int32Array {
  let end = 0;
  return counts.map((count) => {
    end += count;
    return end - count;
  });
}

const has = (library: Library, symbol: string): boolean => {
  try {
    library.symbol(symbol, "void *");
    return true;
  } catch {
    return false;
  }
};

/** Loads the first of the libraries that is there. @throws UsageError when none is, or koffi is missing. */
export async function loadMpi(names: readonly string[]): Promise<Mpi> {
  const koffi = await requireKoffi();
  // UCX, through which MPICH sends, otherwise replaces `brk` in the running process, and tries its version by moving the heap's end one page up and
  // down again. If V8's code lies behind the heap, the way up fails, and the way down takes the heap's last page with what is in it.
  setDefault("UCX_MEM_EVENTS", "n");
  const library = open(koffi, names);
  const open_ = has(library, "ompi_mpi_comm_world");
  const handle = open_ ? "void *" : "int";
  const symbol = (name: string): unknown => library.symbol(name, "void *");
  const handles = open_
    ? {
        world: symbol("ompi_mpi_comm_world"),
        byte: symbol("ompi_mpi_byte"),
        float: symbol("ompi_mpi_float"),
        double: symbol("ompi_mpi_double"),
        sum: symbol("ompi_mpi_op_sum"),
        inPlace: 1n,
      }
    : MPICH;
  const { world, byte, inPlace } = handles;
  const call = (name: string, parameters: readonly string[]) => {
    const mpi = library.func(name, "int", parameters);
    return (...args: readonly unknown[]): void => {
      const code = mpi(...args);
      if (code !== 0) throw new UsageError(`mpi: ${name} failed with code ${code}.`);
    };
  };
  const init = call("MPI_Init_thread", ["void *", "void *", "int", "void *"]);
  const commRank = call("MPI_Comm_rank", [handle, "void *"]);
  const commSize = call("MPI_Comm_size", [handle, "void *"]);
  const allreduce = call("MPI_Allreduce", ["void *", "void *", "int", handle, handle, handle]);
  const side = ["void *", "void *", "void *", handle];
  const alltoallv = call("MPI_Alltoallv", [...side, ...side, handle]);
  const allgatherv = call("MPI_Allgatherv", [
    ...["void *", "int", handle, "void *", "void *", "void *", handle, handle],
  ]);
  const bcast = call("MPI_Bcast", ["void *", "int", handle, "int", handle]);
  const allgather = call("MPI_Allgather", ["void *", "int", handle, "void *", "int", handle, handle]);
  const barrier = call("MPI_Barrier", [handle]);
  const finalize = call("MPI_Finalize", []);
  const abort = call("MPI_Abort", [handle, "int"]);
  const number = (ask: (...args: readonly unknown[]) => void): number => {
    const out = new Int32Array(1);
    ask(world, out);
    return out[0];
  };
  return {
    family: open_ ? "Open MPI" : "MPICH",
    init: () => init(null, null, FUNNELED, new Int32Array(1)),
    rank: () => number(commRank),
    size: () => number(commSize),
    sum(values) {
      const type = values instanceof Float32Array ? handles.float : handles.double;
      allreduce(inPlace, values, values.length, type, handles.sum, world);
    },
    exchange(rank, values, received, counts) {
      const sent = counts.map((count, other) => (other === rank ? 0 : count));
      const got = counts.map((_, other) => (other === rank ? 0 : counts[rank]));
      const { float } = handles;
      alltoallv(values, sent, startsOf(counts), float, received, got, startsOf(got), float, world);
    },
    allGather(values, counts) {
      allgatherv(inPlace, 0, handles.float, values, counts, startsOf(counts), handles.float, world);
    },
    broadcast: (bytes) => bcast(bytes, bytes.length, byte, 0, world),
    gatherBytes: (mine, all) => allgather(mine, mine.length, byte, all, mine.length, byte, world),
    barrier: () => barrier(world),
    finalize: () => finalize(),
    abort: (code) => abort(world, code),
  };
}
