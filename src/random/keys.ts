import { UsageError } from "../errors.ts";
import { philox4x32, type Words2 } from "./philox.ts";

/**
 * A family of random numbers, one for each (step, element index). Plain data; two streams with the same seed and
 * site are the same stream.
 */
export interface Stream {
  readonly seed: number;
  /** The name of whatever draws from it: a sample site, a dropout layer, `"shuffle"`. */
  readonly site: string;
  /** The Philox key, (low word, high word). */
  readonly key: Words2;
}

const TWO_32 = 2 ** 32;

/** A non-negative safe integer as (low, high) words. */
export const split = (value: number): Words2 => [value % TWO_32, Math.floor(value / TWO_32)];

/** FNV-1a, 64 bits (Fowler, Noll and Vo; offset basis and prime of draft-eastlake-fnv), of the UTF-8 bytes. */
export const fnv1a64 = (text: string): bigint => {
  let hash = 0xcbf29ce484222325n;
  for (const byte of new TextEncoder().encode(text)) {
    hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  }
  return hash;
};

/**
 * Checks a seed.
 *
 * @throws UsageError when it is not an integer in 0 … 2⁵³ - 1.
 */
export const checkSeed = (seed: number): number => {
  if (!Number.isSafeInteger(seed) || seed < 0) {
    throw new UsageError(`seed: expected an integer from 0 to ${Number.MAX_SAFE_INTEGER}, found ${seed}`);
  }
  return seed;
};

/** A fixed key ("tightbnd" in ASCII), so that key derivation shares a key with a stream only by chance. */
const DERIVATION_KEY: Words2 = [0x74696768, 0x74626e64];

/**
 * The stream of a seed and a site name. Its key is the first 64 bits of
 * `philox4x32((FNV-1a-64 of the name, seed), fixed key)`. FNV-1a distinguishes names but mixes poorly; Philox mixes well.
 * Philox is a bijection, so different (name hash, seed) pairs give different 128-bit blocks, of which one half is
 * kept. Among n streams, two share a key with probability about n²/2⁶⁵.
 *
 * ```ts
 * const noise = stream(0, "z");
 * fillNormal(new Float32Array(8), noise, { step: 3 });
 * ```
 *
 * @throws UsageError when the seed is not an integer in 0 … 2⁵³ - 1.
 */
export const stream = (seed: number, site: string): Stream => {
  const [seedLow, seedHigh] = split(checkSeed(seed));
  const hash = fnv1a64(site);
  const counter = [Number(hash & 0xffffffffn), Number(hash >> 32n), seedLow, seedHigh] as const;
  const [low, high] = philox4x32(counter, DERIVATION_KEY);
  return { seed, site, key: [low, high] };
};
