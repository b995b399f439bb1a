import { existsSync } from "node:fs";
import { basename, resolve } from "node:path";

/** `runs/<data>-<model>-<n>` with the first n from 1 that is free. */
export const nextRunFolder = (spec: string, model: string): string => {
  const data = spec === "mnist" ? spec : basename(resolve(spec)).replace(/(\.(csv|tsv|npy|gz|idx))+$/i, "");
  const stem = `runs/${data.replaceAll(/[^\w.-]+/g, "-") || "data"}-${model}`;
  let n = 1;
  while (existsSync(`${stem}-${n}`)) n++;
  return `${stem}-${n}`;
};
