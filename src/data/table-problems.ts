import { DataError } from "../errors.ts";

/** Problems told at once, at most. */
const MOST = 20;

/** Throws what is wrong with a table, all of it at once. */
export const throwProblems = (path: string, problems: readonly string[]): void => {
  if (problems.length === 0) return;
  if (problems.length === 1) throw new DataError(problems[0]);
  const shown = problems.slice(0, MOST).map((problem) => `  ${problem}`);
  const more = problems.length > MOST ? [`  and ${problems.length - MOST} more.`] : [];
  throw new DataError([`${path}: ${problems.length} columns need a look:`, ...shown, ...more].join("\n"));
};
