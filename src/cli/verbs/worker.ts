/** `tightbound worker`: trains runs of sweeps that are on a queue. */
import { type Command, Option } from "commander";
import { ceilings } from "../../limits.ts";
import { whole } from "../parse.ts";
import type { Context } from "../terminal.ts";

export interface WorkerOptions {
  readonly queue?: string;
  readonly root: string;
  readonly jobs: number;
  readonly lease: number;
  readonly quiet?: true;
}

const EXAMPLES = `
Start one on each machine. Each run is a process of its own. If a worker dies, another one takes up its runs: from their last checkpoint if
the workers share the disk of the sweep, else from the beginning. Ctrl-C stops each run after its step and gives it back.

Where the sweep's folder is under --root on the same disk, runs are trained in it. Elsewhere they are trained in a folder under --root, and
come back through Redis; --data must then name the same rows on every machine. The variable TIGHTBOUND_QUEUE_PASSWORD is the password of
Redis, if the address has none.

Examples:
  $ tightbound worker --queue redis://queue.example.org --root /data/runs
  $ tightbound worker --queue rediss://:secret@queue.example.org:6380 --jobs 4`;

export function define(command: Command, context: Context): void {
  command
    .option("--queue <address>", "the Redis with the queue: redis://host, or rediss://host for TLS")
    .option("--root <folder>", "train only in folders under this one", ".")
    .option("--jobs <n>", "runs at a time; each has its share of the cores", whole(1, ceilings.threads), 1)
    .addOption(
      new Option("--lease <seconds>", "a worker that is not heard of for so long is taken for dead")
        .argParser(whole(1, ceilings.lease))
        .default(30),
    )
    .option("--quiet", "print nothing but errors")
    .addHelpText("after", EXAMPLES)
    .action(async (options: WorkerOptions) => {
      const { workerVerb } = await import("../worker-run.ts");
      await workerVerb(options, context);
    });
}
