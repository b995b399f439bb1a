/**
 * The errors of the library, by what to do about them.
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

/** An expression breaks a rule of shapes or dtypes. */
export class ShapeError extends TightboundError {
  override readonly name = "ShapeError";
}

/** A data file or dataset cannot be used: the message names the file and the place in it. */
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

/** A value, loss or gradient is not finite: the message names the step and the site or parameter. */
export class NonFiniteError extends TightboundError {
  override readonly name = "NonFiniteError";
}

/** An iteration did not converge: the message says how close it came, and what is in the way. */
export class ConvergenceError extends TightboundError {
  override readonly name = "ConvergenceError";
}

/** A queue on another machine cannot be used: it is not there, or refuses. */
export class QueueError extends TightboundError {
  override readonly name = "QueueError";
}

/** A bug in the library. The message starts with `internal:`. */
export class InternalError extends TightboundError {
  override readonly name = "InternalError";
  constructor(message: string) {
    super(`internal: ${message}`);
  }
}
