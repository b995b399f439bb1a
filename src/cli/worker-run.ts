/** What `tightbound worker` does once its command line is read. */
import { availableParallelism, hostname } from "node:os";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../errors.ts";
import { connectQueue, serve } from "../sweep/index.ts";
import { version } from "../version.ts";
import { watchInterrupts } from "./interrupt.ts";
import { CHILD_OF_SWEEP } from "./sweep-child.ts";
import { checkPlan } from "./sweep-plan.ts";
import { type Context, speaker } from "./terminal.ts";
import type { WorkerOptions } from "./verbs/worker.ts";

export async function workerVerb(options: WorkerOptions, context: Context): Promise<void> {
  const { queue, root, jobs, lease } = options;
  if (queue === undefined)
    throw new UsageError("--queue: expected the address of a Redis, such as redis://host; found none.");
  const say = speaker(context.terminal, options);
  const server = await connectQueue(queue, process.env.TIGHTBOUND_QUEUE_PASSWORD);
  const name = `${hostname()}/${process.pid}`;
  const kill = new AbortController();
  const interrupts = watchInterrupts(
    () =>
      context.terminal.err.write("Stopping each run after its step. Press Ctrl-C again to end at once.\n"),
    () => kill.abort(),
  );
  try {
    say(`Worker ${name}: ${jobs} at a time from ${server.shown}, in folders under ${resolve(root)}.`);
    await serve(server, {
      jobs,
      lease,
      root,
      name,
      version: version(),
      threads: Math.max(1, Math.floor(availableParallelism() / jobs)),
      command: [process.execPath, fileURLToPath(new URL("./main.js", import.meta.url))],
      env: { ...process.env, [CHILD_OF_SWEEP]: "1" },
      stop: interrupts.signal,
      kill: kill.signal,
      check: checkPlan,
      onBegin: (run, folder) => say(`${run}: training in ${folder}.`),
      onEnd: (run, ending) =>
        say(
          ending === undefined
            ? `${run}: given back.`
            : ending.state === "done"
              ? `${run}: done.`
              : `${run}: failed: ${ending.message.split("\n").at(-1)}`,
        ),
    });
    if (interrupts.exitCode !== undefined) context.exitCode = interrupts.exitCode;
  } finally {
    interrupts.release();
  }
}
