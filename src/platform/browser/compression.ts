/** Unpacking. It is only needed for files, and a page has no files. */
import type * as zlib from "node:zlib";
import { refusing } from "./refuse.ts";

const refuse = refusing("packed files", "Unpack with DecompressionStream before the values go in.");

export const gunzipSync: typeof zlib.gunzipSync = refuse;
export const inflateRawSync: typeof zlib.inflateRawSync = refuse;
export const crc32: ((data: Uint8Array) => number) | undefined = undefined;
