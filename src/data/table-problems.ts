import { DataError } from "../errors.ts";

/** The most problems that one message lists. */
const MOST = 20;

/** Throws one error that lists all problems of a table. */
export const throwProblems = (path: string, problems: readonly string[]): void => {
  if (problems.length === 0) return;
  if (problems.length === 1) throw new DataError(problems[0]);
  const shown = problems.slice(0, MOST).map((problem) => `  ${problem}`);
  const more = problems.length > MOST ? [`  and ${problems.length - MOST} more.`] : [];
  throw new DataError([`${path}: ${problems.length} columns have problems:`, ...shown, ...more].join("\n"));
};

/** An option that lists columns, with one of them, as advice. */
export const named = (option: "categorical" | "ignore", column: string): string =>
  `\`${option}: [${JSON.stringify(column)}]\``;
