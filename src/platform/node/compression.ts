/** Unpacking, by Node. */
import * as zlib from "node:zlib";

export { gunzipSync, inflateRawSync } from "node:zlib";

/** Absent in the first versions of Node.js 20. */
export const crc32 = (zlib as { crc32?: (data: Uint8Array) => number }).crc32;
