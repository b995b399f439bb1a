import { test } from "vitest";

/** A test that exists only where it applies: what does not apply to a case is no skipped test. */
export const testIf = (
  applies: unknown,
): ((name: string, run: () => void | Promise<void>, timeout?: number) => void) =>
  applies ? (name, run, timeout) => test(name, run, timeout) : () => undefined;
