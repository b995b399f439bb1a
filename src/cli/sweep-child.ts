/** The environment variable that a sweep sets for the trainings that it starts. */
export const CHILD_OF_SWEEP = "TIGHTBOUND_SWEEP";
