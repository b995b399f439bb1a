/**
 * The errors that are thrown, by what is to be done about them.
 *
 * @module
 */
import { printable } from "./printable.ts";

/**
 * Every error a user can cause is a {@link TightboundError}: its message says what was expected, what was
 * found, where, and what to do. The program prints the message alone; a stack trace from our depths is a bug.
 */
export class TightboundError extends Error {
  override readonly name: string = "TightboundError";
  constructor(message: string, options?: ErrorOptions) {
    super(printable(message), options);
  }
}

/** A shape or dtype rule was broken while an expression was being built. */
export class ShapeError extends TightboundError {
  override readonly name = "ShapeError";
}

/** A data file or data set cannot be used: the message names the file and the place in it. */
export class DataError extends TightboundError {
  override readonly name = "DataError";
}

/** A run folder or checkpoint cannot be read, written, or does not fit the model. */
export class CheckpointError extends TightboundError {
  override readonly name = "CheckpointError";
}

/** A run folder that another process is training in. */
export class BusyError extends CheckpointError {}

/** Options or arguments that cannot be right, from the command line or a call. */
export class UsageError extends TightboundError {
  override readonly name = "UsageError";
}

/** A value, loss or gradient stopped being finite: the message names the step and the site or parameter. */
export class NonFiniteError extends TightboundError {
  override readonly name = "NonFiniteError";
}

/** An iteration ended before it reached what it was to reach: the message says how near it came, and what stands in the way. */
export class ConvergenceError extends TightboundError {
  override readonly name = "ConvergenceError";
}

/** A fault of our own. The message starts with `internal:`. */
export class InternalError extends TightboundError {
  override readonly name = "InternalError";
  constructor(message: string) {
    super(`internal: ${message}`);
  }
}
