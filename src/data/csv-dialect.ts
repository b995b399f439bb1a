/** The layout of a CSV file: its delimiter, and whether its first line names the columns. */

const CANDIDATES = [",", ";", "\t", "|"] as const;
/** How many bytes and records are examined. */
const PROBE = 65_536;
const RECORDS = 50;

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/**
 * Finds the delimiter: comma, semicolon, tab or bar, whichever splits most records into the same number of cells, at least two. A tie goes to
 * the one that gives more numbers among the cells (1,5;2,5 is two numbers, not three cells), then to the one that gives more cells.
 * Delimiters inside quotes do not count.
 *
 * @param preferred the delimiter that wins a tie, such as the tab for a `.tsv` file
 */
export const delimiterOf = (bytes: Uint8Array, preferred?: string): string => {
  let best: { delimiter: string; share: number; numbers: number; cells: number } | undefined;
  for (const delimiter of CANDIDATES) {
    const counts = cellCounts(bytes, delimiter.charCodeAt(0));
    const usual = mostFrequent(counts);
    if (usual === undefined || usual.value < 2) continue;
    const share = usual.times / counts.length;
    const numbers = delimiter === preferred ? 2 : numbersAmong(bytes, delimiter);
    const found = { delimiter, share, numbers, cells: usual.value };
    const better =
      best && (found.share - best.share || found.numbers - best.numbers || found.cells - best.cells);
    if (better === undefined || better > 0) best = found;
  }
  if (best?.delimiter === "," && isOneColumn(bytes)) return ";";
  return best?.delimiter ?? preferred ?? ",";
};

/** Whether a name stands above numbers with a decimal comma: then commas delimit nothing. */
const isOneColumn = (bytes: Uint8Array): boolean => {
  const [name, ...cells] = firstLines(bytes).filter((line) => line.trim() !== "");
  return !name.includes(",") && cells.every(looksNumeric);
};

/** The first lines. Quotation marks are not heeded. */
const firstLines = (bytes: Uint8Array): readonly string[] => {
  const text = Buffer.from(bytes.subarray(0, PROBE)).toString("utf8");
  return text.split(/\r\n?|\n/).slice(0, RECORDS);
};

/** The share of numbers among the cells of the first lines. Quotation marks are not heeded: this only breaks ties. */
const numbersAmong = (bytes: Uint8Array, delimiter: string): number => {
  const cells = firstLines(bytes).flatMap((line) => line.split(delimiter));
  return cells.filter(looksNumeric).length / Math.max(cells.length, 1);
};

/** The number of cells in each of the first records; 0 where a quoted cell is malformed. */
const cellCounts = (bytes: Uint8Array, delimiter: number): readonly number[] => {
  const counts: number[] = [];
  const end = Math.min(bytes.length, PROBE);
  let cells = 1;
  let empty = true;
  // A quote only opens a cell at the cell's start; inside the cell, two quotes stand for one.
  let atStart = true;
  let quoted = false;
  let malformed = false;
  for (let i = 0; i < end && counts.length < RECORDS; i++) {
    const byte = bytes[i];
    if (quoted) {
      if (byte !== QUOTE) continue;
      if (bytes[i + 1] === QUOTE) {
        i++;
        continue;
      }
      quoted = false;
      // A quoted cell must be followed by the delimiter or the end of the line; otherwise this is not the file's delimiter.
      const next = bytes[i + 1];
      if (next !== undefined && next !== delimiter && next !== LINE_FEED && next !== RETURN) malformed = true;
      continue;
    }
    if (byte === LINE_FEED || byte === RETURN) {
      if (!empty) counts.push(malformed ? 0 : cells);
      malformed = false;
      cells = 1;
      empty = true;
      atStart = true;
      continue;
    }
    empty = false;
    if (byte === QUOTE && atStart) quoted = true;
    atStart = byte === delimiter;
    if (atStart) cells++;
  }
  // The last record may be cut off where the examined part ends.
  if (!empty && (end === bytes.length || counts.length === 0)) counts.push(malformed ? 0 : cells);
  return counts;
};

const mostFrequent = (
  values: readonly number[],
): { readonly value: number; readonly times: number } | undefined => {
  const times = new Map<number, number>();
  for (const value of values) times.set(value, (times.get(value) ?? 0) + 1);
  let best: { readonly value: number; readonly times: number } | undefined;
  for (const [value, count] of times) {
    if (best === undefined || count > best.times || (count === best.times && value > best.value)) {
      best = { value, times: count };
    }
  }
  return best;
};

/** Whether a cell is a number. JavaScript also reads 0x1F as one, which in a table is a code. */
export const isNumber = (cell: string | undefined): boolean =>
  cell !== undefined && cell.trim() !== "" && !Number.isNaN(Number(cell)) && !/^\s*0[xob]/i.test(cell);

/** Whether a cell is a number, with a decimal point or a decimal comma. */
const looksNumeric = (cell: string | undefined): boolean =>
  isNumber(cell) || (cell !== undefined && /^[+-]?\d+(\.\d{3})*,\d+$/.test(cell.trim()));

/** Marks for missing values, which name no column. */
const isMark = (cell: string): boolean => /^(\?|na|n\/a|nan|null)$/i.test(cell.trim());

/** The first records of a table of words are its values if they name half of the columns or more. */
const REPEATED = 0.5;

/** Whether the first record names the columns. `guessed` if it may be otherwise, so that a note can say so. */
export interface HeaderGuess {
  readonly named: boolean;
  readonly guessed?: true;
}

/**
 * The first record names the columns when one of its cells is not a number while the one below it is, or when it has no numbers at all, unless its
 * words are found below too, in a table of words.
 * Names that are numbers, such as years, are recognised if they go up in ones and no record below does.
 */
export const guessHeader = (first: readonly string[], below: readonly (readonly string[])[]): HeaderGuess => {
  const next = below[0];
  // Blank names are those of row numbers; marks for missing values are no names.
  const names = first.flatMap((cell, i) => (looksNumeric(cell) || isMark(cell) ? [] : [i]));
  if (names.length === first.length) {
    if (below.length === 0) return { named: true };
    const words = names.every((i) => below.every((record) => !looksNumeric(record[i])));
    const repeated = names.filter((i) => below.some((record) => record[i] === first[i]));
    return words && repeated.length >= REPEATED * names.length
      ? { named: false, guessed: true }
      : { named: true };
  }
  if (names.some((i) => first[i].trim() !== "" && next !== undefined && looksNumeric(next[i]))) {
    return { named: true };
  }
  const places = first.flatMap((cell, i) => (isNumber(cell) ? [i] : []));
  const counts = (record: readonly string[]): boolean =>
    places.every(
      (at, i) =>
        /^\d+$/.test(record[at]?.trim() ?? "") &&
        (i === 0 || Number(record[at]) === Number(record[places[i - 1]]) + 1),
    );
  // What pandas writes of columns without names: a blank name for the row numbers, then 0, 1, ….
  const numbered = first[0].trim() === "" && places.length === first.length - 1 && Number(first[1]) === 0;
  const years = places.every((at) => Number(first[at]) >= 1800 && Number(first[at]) <= 2100);
  const enough = places.length >= 3 || (years && places.length === 2) || numbered;
  if (enough && below.length > 0 && counts(first) && !below.some(counts))
    return { named: true, guessed: true };
  return { named: false };
};
