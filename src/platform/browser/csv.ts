/** The CSV reader. Tables are read from files, and a page has no files. */
import { refusing } from "./refuse.ts";

export type { Info } from "csv-parse/sync";

export const parse: typeof import("csv-parse/sync").parse = refusing(
  "tables in files",
  "Make a dataset in memory (createDataset).",
);
