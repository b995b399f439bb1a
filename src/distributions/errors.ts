import { TightboundError } from "../errors.ts";

/** A quantity was asked for that has no closed form here. The message names the distributions and the way out. */
export class ClosedFormError extends TightboundError {
  override readonly name = "ClosedFormError";
}
