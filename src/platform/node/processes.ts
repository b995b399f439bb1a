/** This process and others, by Node. */
export { spawnSync } from "node:child_process";
export { cpuUsage, kill, pid } from "node:process";
export { threadId, Worker } from "node:worker_threads";
