/** The reader of CSV: tables are read from files, which a page has not. */
import { refusing } from "./refuse.ts";

export type { Info } from "csv-parse/sync";

export const parse: typeof import("csv-parse/sync").parse = refusing(
  "tables in files",
  "Make a dataset in memory (createDataset).",
);
