/** The thread that makes a map by UMAP. */
import { parentPort, workerData } from "node:worker_threads";
import type { Features } from "./features.ts";
import { umapLayout } from "./layout.ts";

parentPort?.postMessage(await umapLayout(workerData as Features));
