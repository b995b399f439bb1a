/**
 * Counter-based random numbers: a function of seed, name and index.
 *
 * @module
 */
export { normal32, normal64, uniform32, uniform64 } from "./draws.ts";
export { checkSeed, fnv1a64, type Stream, stream } from "./keys.ts";
export { permutation } from "./permutation.ts";
export { philox4x32, type Words2, type Words4 } from "./philox.ts";
export { type DrawOptions, drawBernoulli, fillBits, fillNormal, fillUniform } from "./streams.ts";
