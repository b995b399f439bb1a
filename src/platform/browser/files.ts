/** Files. A page has none, so each of these functions throws. */
import type * as fs from "node:fs";
import { refusing } from "./refuse.ts";

export type { Stats } from "node:fs";

const refuse = refusing(
  "files",
  "Fetch the data and make a dataset in memory (createDataset); train in memory (train), without a folder.",
);

export const closeSync: typeof fs.closeSync = refuse;
export const existsSync: typeof fs.existsSync = refuse;
export const fstatSync: typeof fs.fstatSync = refuse;
export const fsyncSync: typeof fs.fsyncSync = refuse;
export const ftruncateSync: typeof fs.ftruncateSync = refuse;
export const lstatSync: typeof fs.lstatSync = refuse;
export const mkdirSync: typeof fs.mkdirSync = refuse;
export const openSync: typeof fs.openSync = refuse;
export const readdirSync: typeof fs.readdirSync = refuse;
export const readFileSync: typeof fs.readFileSync = refuse;
export const readlinkSync: typeof fs.readlinkSync = refuse;
export const renameSync: typeof fs.renameSync = refuse;
export const rmdirSync: typeof fs.rmdirSync = refuse;
export const rmSync: typeof fs.rmSync = refuse;
export const statSync: typeof fs.statSync = refuse;
export const truncateSync: typeof fs.truncateSync = refuse;
export const writeSync: typeof fs.writeSync = refuse;
