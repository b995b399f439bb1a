/**
 * The maps that the bulk kernels apply to each word, here one word at a time and in double precision. They define every draw, and
 * the kernels are tested against them.
 */

/**
 * A 32-bit word to a float32 in (0, 1): (k + ½)·2⁻²³ where k is the word's top 23 bits. The results are the odd multiples of 2⁻²⁴,
 * all equally likely: never 0 or 1, with mean exactly ½; 1 - u is exact and as likely as u.
 */
export const uniform32 = (word: number): number => ((word >>> 9) + 0.5) * 2 ** -23;

/**
 * Two 32-bit words to a float64 in (0, 1): (k + ½)·2⁻⁵² where k is the top 52 of the 64 bits (first word high). The results are the
 * odd multiples of 2⁻⁵³.
 */
export const uniform64 = (high: number, low: number): number =>
  (high * 2 ** 20 + (low >>> 12) + 0.5) * 2 ** -52;

/**
 * The standard normal quantile Φ⁻¹ at p = ½ + x/2. Both x in [0, 1) and the distance 1 - x are given, because the distance
 * keeps its digits if x rounds to 1. Wichura's PPND16 (algorithm AS 241, Applied Statistics 37, 1988),
 * relative accuracy about 10⁻¹⁶.
 */
const upperQuantile = (x: number, distance: number): number => {
  const ratio = (numerator: readonly number[], denominator: readonly number[], r: number) =>
    numerator.reduce((sum, c) => sum * r + c, 0) / denominator.reduce((sum, c) => sum * r + c, 0);
  if (x <= 0.85) return 0.5 * x * ratio(CENTRE_OVER, CENTRE_UNDER, 0.180625 - 0.25 * x * x);
  const r = Math.sqrt(-Math.log(0.5 * distance));
  return r <= 5 ? ratio(TAIL_OVER, TAIL_UNDER, r - 1.6) : ratio(FAR_OVER, FAR_UNDER, r - 5);
};

/**
 * A 32-bit word to a standard normal: the word as a signed integer s, x = (s + ½)·2⁻³¹, z = Φ⁻¹((1 + x)/2). The
 * largest |z| is 6.34. The float32 kernel is within 3·2⁻²³ of this, relative.
 */
export const normal32 = (word: number): number => {
  const magnitude = (word ^ (word >> 31)) >>> 0;
  const z = upperQuantile((magnitude + 0.5) * 2 ** -31, (0x7fffffff - magnitude + 0.5) * 2 ** -31);
  return word >>> 31 === 0 ? z : -z;
};

/** Two 32-bit words (first word high) to a standard normal, as {@link normal32}. The largest |z| is 9.16. */
export const normal64 = (high: number, low: number): number => {
  const word = BigInt.asIntN(64, (BigInt(high) << 32n) | BigInt(low));
  const magnitude = word < 0n ? ~word : word;
  const x = (Number(magnitude) + 0.5) * 2 ** -63;
  const z = upperQuantile(x, (Number(0x7fffffffffffffffn - magnitude) + 0.5) * 2 ** -63);
  return word < 0n ? -z : z;
};

// Highest power first.
const CENTRE_OVER = [
  2509.0809287301227, 33430.57558358813, 67265.7709270087, 45921.95393154987, 13731.69376550946,
  1971.5909503065513, 133.14166789178438, 3.3871328727963665,
];
const CENTRE_UNDER = [
  5226.495278852546, 28729.085735721943, 39307.89580009271, 21213.794301586597, 5394.196021424751,
  687.1870074920579, 42.31333070160091, 1,
];
const TAIL_OVER = [
  0.0007745450142783414, 0.022723844989269184, 0.2417807251774506, 1.2704582524523684, 3.6478483247632045,
  5.769497221460691, 4.630337846156546, 1.4234371107496835,
];
const TAIL_UNDER = [
  1.0507500716444169e-9, 0.0005475938084995345, 0.015198666563616457, 0.14810397642748008, 0.6897673349851,
  1.6763848301838038, 2.053191626637759, 1,
];
const FAR_OVER = [
  2.0103343992922881e-7, 2.7115555687434876e-5, 0.0012426609473880784, 0.026532189526576124,
  0.29656057182850487, 1.7848265399172913, 5.463784911164114, 6.657904643501103,
];
const FAR_UNDER = [
  2.0442631033899397e-15, 1.421511758316446e-7, 1.8463183175100548e-5, 0.0007868691311456133,
  0.014875361290850615, 0.1369298809227358, 0.599832206555888, 1,
];
