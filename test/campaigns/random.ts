/** Marsaglia's xorshift32: the cases of a seed are the same everywhere. Gives whole numbers below its argument. */
export const generator = (seed: number): ((below: number) => number) => {
  let state = (seed * 2654435761) >>> 0 || 1;
  return (below) => {
    state ^= state << 13;
    state >>>= 0;
    state ^= state >>> 17;
    state ^= state << 5;
    state >>>= 0;
    return state % below;
  };
};
