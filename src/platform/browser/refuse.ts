import { UsageError } from "../../errors.ts";

/** Stands where a browser has nothing of the kind. */
export const refusing = (what: string, instead: string) => (): never => {
  throw new UsageError(`${what}: there is no such thing in a browser. ${instead}`);
};
