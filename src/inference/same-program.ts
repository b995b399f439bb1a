/** Whether ranks have traced the same program: the same sites, shapes and constants, among them observed values that are written into it. */
import { toPlainGraph, topological } from "../compile/index.ts";
import { UsageError } from "../errors.ts";
import { type Ranks, rankName } from "../mpi/index.ts";
import { isConstant, type Tensor } from "../tensor/index.ts";

/**
 * Rows that are fed at each step are a rank's own, and are not compared.
 *
 * @param start what else must be the same, such as the seed; arrays in it are compared by their bytes
 * @throws UsageError, the same on every rank, when one has another graph, seed or start than rank 0.
 */
export async function checkSameProgram(
  method: string,
  ranks: Ranks,
  outputs: readonly Tensor[],
  start: unknown,
): Promise<void> {
  // Only this is loaded later: whatever else a file that is loaded later reads would split the scripts of every page.
  const { sha256 } = await import("#platform/hashing");
  /** Arrays as the hash of their bytes. */
  const written = (_: string, value: unknown): unknown => {
    if (!ArrayBuffer.isView(value)) return Number.isNaN(value) || value === Infinity ? String(value) : value;
    return sha256()
      .update(new Uint8Array(value.buffer, value.byteOffset, value.byteLength))
      .digest("hex");
  };
  const leaves = topological(outputs).filter((node) => node.inputs.length === 0 && !isConstant(node));
  const graph = toPlainGraph(outputs, leaves);
  const all = ranks.gather(
    sha256()
      .update(JSON.stringify([start, graph], written))
      .digest("hex"),
  );
  const other = all.findIndex((hash) => hash !== all[0]);
  if (other < 0) return;
  throw new UsageError(
    `${method}: ${rankName(ranks, other)} has another program than ${rankName(ranks, 0)}: its data, options or seed differ. Give every rank the same ` +
      "files, and start all with the same command.",
  );
}
