/** The variable of the environment that tells a training that a sweep has started it. */
export const CHILD_OF_SWEEP = "TIGHTBOUND_SWEEP";
