/** The location of installed packages. A page has none. */
import type * as module from "node:module";
import type * as url from "node:url";
import { refusing } from "./refuse.ts";

const refuse = refusing("installed packages", "Fetch the data and make a dataset in memory (createDataset).");

export const createRequire: typeof module.createRequire = refuse;
export const pathToFileURL: typeof url.pathToFileURL = refuse;
