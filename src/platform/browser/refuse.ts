import { UsageError } from "../../errors.ts";

/** Takes the place of a function that a browser cannot have. */
export const refusing = (what: string, instead: string) => (): never => {
  throw new UsageError(`${what}: not available in a browser. ${instead}`);
};
