import { TightboundError } from "../errors.ts";

/** A quantity was requested that has no closed form here. The message names the distributions and what to do instead. */
export class ClosedFormError extends TightboundError {
  override readonly name = "ClosedFormError";
}
