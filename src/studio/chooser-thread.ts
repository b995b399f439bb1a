/** The thread that chooses rows for a session. */
import { parentPort, workerData } from "node:worker_threads";
import { type Choice, chosenRows } from "./chooser.ts";
import type { Features } from "./features.ts";

const features = workerData as Features;
parentPort?.on("message", (choice: Choice) => parentPort?.postMessage(chosenRows(features, choice)));
