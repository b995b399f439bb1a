/** What looks like a mistake in the cells of a column, and may be none: told, not refused. */
import { quoted } from "./csv-records.ts";

/** Words for a missing value that may also be values. */
const ABSENT = new Set([
  "-",
  "--",
  "---",
  ".",
  "..",
  "/",
  "na",
  "nil",
  "none",
  "missing",
  "unknown",
  "undefined",
  "not available",
  "not applicable",
  "(blank)",
  "(null)",
  "k.a.",
  "k. a.",
  "keine angabe",
  "s/o",
  "n.a.",
  "n.d.",
  "nd",
]);

const countOf = (cells: readonly string[], word: string): number =>
  cells.filter((cell) => cell === word).length;

const howMany = (count: number): string => (count === 1 ? "1 cell" : `${count} cells`);

/**
 * Remarks on a column of words.
 *
 * @param given its cells that are not blank
 * @param notAvailable how many cells say NA
 * @param noun what its words are: categories or classes
 */
export const remarksOnWords = (
  given: readonly string[],
  notAvailable: number,
  noun: "category" | "class",
): readonly string[] => {
  const words = [...new Set(given)];
  const absent = words.filter((word) => ABSENT.has(word.toLowerCase()));
  const alike = new Map<string, string[]>();
  for (const word of words) {
    const key = word.toLowerCase().replace(/[\s\u200b_]+/g, " ");
    alike.set(key, [...(alike.get(key) ?? []), word]);
  }
  const same = [...alike.values()].find((group) => group.length > 1);
  return [
    ...(notAvailable > 0
      ? [`NA (${howMany(notAvailable)}) counts as missing. If it is a ${noun}, write it another way`]
      : []),
    ...(words.length > 2 || noun === "class" ? absent : []).map(
      (word) =>
        `"${word}" (${howMany(countOf(given, word))}) counts as a ${noun}. If it means missing, leave these cells blank`,
    ),
    ...(same === undefined
      ? []
      : [
          `${quoted(same)} differ only in capital letters or blanks. They count as different; if they are not, write them in one way`,
        ]),
  ];
};

/** Numbers that people write for a missing value. */
const MARKS = [1, 9, 99, 999, 9999, 99_999].flatMap((size) => (size < 99 ? [-size] : [size, -size]));

/** Whole numbers with an exponent, which may be codes: 3E2. */
const EXPONENT = /^\d+[eE]\d+$/;

/**
 * Remarks on a column of numbers: a code that reads as a number, and a number that stands for a missing value, by the looks of it: it occurs
 * several times, at the end of the values and far from the others.
 *
 * @param given its cells that are not blank
 * @param values their numbers
 */
export const remarksOnNumbers = (given: readonly string[], values: readonly number[]): readonly string[] => {
  const code = given.findIndex((cell) => EXPONENT.test(cell));
  const mark = markOf(values);
  return [
    ...(code < 0
      ? []
      : [
          `"${given[code]}" counts as the number ${values[code]}. If it is a code, declare the column categorical`,
        ]),
    ...(mark === undefined ? [] : [mark]),
  ];
};

const markOf = (values: readonly number[]): string | undefined => {
  for (const mark of MARKS) {
    const others = values.filter((value) => value !== mark);
    const count = values.length - others.length;
    if (count < 2 || others.length < 2 || 2 * count > values.length) continue;
    const low = others.reduce((a, b) => Math.min(a, b), Infinity);
    const high = others.reduce((a, b) => Math.max(a, b), -Infinity);
    const gap = mark < 0 ? low - mark : mark - high;
    if ((mark < 0 && low >= 0) || gap > high - low) {
      return `${mark} (${howMany(count)}) lies apart from the other values, ${low} to ${high}. If it means missing, leave these cells blank`;
    }
  }
  return undefined;
};
