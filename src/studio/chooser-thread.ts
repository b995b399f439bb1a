/** The thread that chooses rows for a session. */
import { parentPort, workerData } from "node:worker_threads";
import { answerOf, type Choice } from "./chooser.ts";
import type { Features } from "./features.ts";

const features = workerData as Features;
parentPort?.on("message", (choice: Choice) => parentPort?.postMessage(answerOf(features, choice)));
