/** How a file of separated values is written: what parts its cells, and whether its first line names them. */

const CANDIDATES = [",", ";", "\t"] as const;
/** Bytes and records that tell. */
const PROBE = 65_536;
const RECORDS = 50;

const QUOTE = 0x22;
const LINE_FEED = 0x0a;
const RETURN = 0x0d;

/**
 * The delimiter: of comma, semicolon and tab the one that parts most records into the same number of cells, two or more; among equals
 * the one that makes more cells. Inside quotes nothing parts.
 *
 * @param preferred where several do as well, such as the tab of a `.tsv` file
 */
export const delimiterOf = (bytes: Uint8Array, preferred?: string): string => {
  let best: { readonly delimiter: string; readonly share: number; readonly cells: number } | undefined;
  for (const delimiter of CANDIDATES) {
    const counts = cellCounts(bytes, delimiter.charCodeAt(0));
    const usual = mostFrequent(counts);
    if (usual === undefined || usual.value < 2) continue;
    const share = usual.times / counts.length;
    const favour = delimiter === preferred ? 1 : 0;
    const cells = usual.value + favour * 1e6;
    if (best === undefined || share > best.share || (share === best.share && cells > best.cells)) {
      best = { delimiter, share, cells };
    }
  }
  return best?.delimiter ?? preferred ?? ",";
};

/** Cells of each of the first records. */
const cellCounts = (bytes: Uint8Array, delimiter: number): readonly number[] => {
  const counts: number[] = [];
  const end = Math.min(bytes.length, PROBE);
  let cells = 1;
  let empty = true;
  // A quote opens a cell at its start only; inside it two quotes are one.
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
      // What follows a quoted cell is the delimiter, or the line's end: otherwise it is another one's file.
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
  // The last record of a part of the file may be cut.
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

/** Whether a cell is a number. */
export const isNumber = (cell: string | undefined): boolean =>
  cell !== undefined && cell.trim() !== "" && !Number.isNaN(Number(cell));

/** Whether a cell is a number, with a decimal point or a decimal comma. */
const looksNumeric = (cell: string | undefined): boolean =>
  isNumber(cell) || (cell !== undefined && /^[+-]?\d+(\.\d{3})*,\d+$/.test(cell.trim()));

/** Whether the first record names the columns; `guessed` where its names are numbers, which a person should be told. */
export interface HeaderGuess {
  readonly named: boolean;
  readonly guessed?: true;
}

/**
 * The first record names the columns when one of its cells is not a number while the one below it is, or when it has no numbers at all.
 * Names that are numbers, such as years, are known by going up in ones where no record below does.
 */
export const guessHeader = (first: readonly string[], below: readonly (readonly string[])[]): HeaderGuess => {
  const next = below[0];
  if (first.every((cell) => !looksNumeric(cell))) return { named: true };
  if (first.some((cell, i) => !looksNumeric(cell) && next !== undefined && looksNumeric(next[i]))) {
    return { named: true };
  }
  const places = first.flatMap((cell, i) => (isNumber(cell) ? [i] : []));
  const counts = (record: readonly string[]): boolean =>
    places.every(
      (at, i) =>
        /^\d+$/.test(record[at]?.trim() ?? "") &&
        (i === 0 || Number(record[at]) === Number(record[places[i - 1]]) + 1),
    );
  const years = places.every((at) => Number(first[at]) >= 1800 && Number(first[at]) <= 2100);
  const enough = places.length >= 3 || (years && places.length === 2);
  if (enough && below.length > 0 && counts(first) && !below.some(counts))
    return { named: true, guessed: true };
  return { named: false };
};
