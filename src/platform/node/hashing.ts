/** SHA-256, by Node. */
import { createHash } from "node:crypto";

/** A SHA-256 hash that is being computed. */
export interface Sha256 {
  update(data: string | Uint8Array): Sha256;
  digest(encoding: "hex" | "base64"): string;
}

// `update` takes at most 2 GiB at a time.
const CHUNK_BYTES = 2 ** 28;

export const sha256 = (): Sha256 => {
  const hash = createHash("sha256");
  const sum: Sha256 = {
    update(data) {
      if (typeof data === "string") hash.update(data);
      else
        for (let from = 0; from < data.length; from += CHUNK_BYTES)
          hash.update(data.subarray(from, from + CHUNK_BYTES));
      return sum;
    },
    digest: (encoding) => hash.digest(encoding),
  };
  return sum;
};
