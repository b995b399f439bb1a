/** The npm package koffi, an optional dependency: native libraries, and addresses of memory. */
import process from "node:process";

/** The package, or undefined where it is not installed or has no binary for this machine. */
export const loadKoffi = async (): Promise<unknown> => {
  try {
    // A variable, because a compiler that does not find the optional package would stop.
    const name = "koffi";
    const found = (await import(name)) as { readonly default?: unknown };
    return found.default ?? found;
  } catch {
    return undefined;
  }
};

/** Sets a variable that native libraries read when they are loaded, unless the user has set it. */
export const setDefault = (variable: string, value: string): void => {
  process.env[variable] ??= value;
};
