/** Processes. A page cannot see any; only code that writes files needs them. */
import type * as children from "node:child_process";
import type * as process from "node:process";
import type * as threads from "node:worker_threads";
import { refusing } from "./refuse.ts";

const refuse = refusing("processes and their files", "Train in memory (train), without a folder.");

export const spawnSync: typeof children.spawnSync = refuse;
export const cpuUsage: typeof process.cpuUsage = refuse;
export const kill: typeof process.kill = refuse;
export const pid = 0;
export const threadId = 0;
/** A thread that reads a file. */
export const Worker = refuse as unknown as typeof threads.Worker;
