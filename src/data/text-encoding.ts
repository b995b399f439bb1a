import { isUtf8 } from "#platform/text";
import { DataError, UsageError } from "../errors.ts";

/** Text in UTF-8, and the encoding it had before. */
export interface DecodedText {
  /** Without a byte order mark. */
  readonly utf8: Uint8Array;
  readonly encoding: string;
  /** A note for the user with the encoding, if it is a guess. */
  readonly note?: string;
}

/** Bytes examined to detect UTF-16 without a byte order mark. */
const PROBE = 4096;

/**
 * Converts the bytes of a file to UTF-8. The encoding is that of the byte order mark; without one, UTF-8 if the bytes are well-formed,
 * UTF-16 if every other byte is 0, and otherwise windows-1252, the encoding of Western European spreadsheets. Windows-1252 can read any
 * bytes, so a note says that it was used.
 *
 * @param encoding a name from the Encoding Standard, such as `windows-1251` or `shift_jis`. Default: detected.
 * @throws UsageError for an unknown name; DataError for bytes that are not text, or not in the encoding.
 */
export const decodeText = (bytes: Uint8Array, path: string, encoding?: string): DecodedText => {
  if (encoding !== undefined) return { utf8: decodeAs(bytes, path, encoding), encoding };
  const [a, b, c] = bytes;
  if (a === 0xff && b === 0xfe && c === 0 && bytes[3] === 0) {
    throw new DataError(`${path}: the text is UTF-32, which cannot be read. Save it as UTF-8.`);
  }
  if (a === 0xef && b === 0xbb && c === 0xbf) {
    return { utf8: decodeAs(bytes, path, "utf-8"), encoding: "utf-8" };
  }
  const wide = a === 0xff && b === 0xfe ? "utf-16le" : a === 0xfe && b === 0xff ? "utf-16be" : wideOf(bytes);
  if (wide !== undefined) {
    return {
      utf8: decodeAs(bytes, path, wide),
      encoding: wide,
      note: `${path}: read as ${wide.toUpperCase()}.`,
    };
  }
  if (bytes.includes(0)) {
    throw new DataError(
      `${path}: expected text, found a byte 0 at position ${bytes.indexOf(0)}. Is this another kind of file? If it is text in UTF-16, say so: \`encoding: "utf-16le"\`.`,
    );
  }
  if (isUtf8(bytes)) return { utf8: bytes, encoding: "utf-8" };
  return {
    utf8: decodeAs(bytes, path, "windows-1252"),
    encoding: "windows-1252",
    note:
      `${path}: is not UTF-8 (byte ${firstWrong(bytes)}) and was read as windows-1252, the encoding of Western European ` +
      'spreadsheets. If letters look wrong, give the encoding, such as `encoding: "windows-1251"`.',
  };
};

const decodeAs = (bytes: Uint8Array, path: string, encoding: string): Uint8Array => {
  let decoder: TextDecoder;
  try {
    decoder = new TextDecoder(encoding, { fatal: true });
  } catch {
    throw new UsageError(
      `${path}: unknown encoding "${encoding}". Expected a name such as utf-8, utf-16le, windows-1252, iso-8859-2 or shift_jis.`,
    );
  }
  if (decoder.encoding === "windows-1252") return Buffer.from(fromWindows1252(bytes));
  try {
    return Buffer.from(decoder.decode(bytes));
  } catch (cause) {
    throw new DataError(`${path}: the bytes are not ${encoding}. Name another encoding, or leave it out.`, {
      cause,
    });
  }
};

/** The characters of windows-1252 at 0x80 to 0x9f, by the Encoding Standard; elsewhere it is the same as Latin-1. */
const HIGH =
  "\u20ac\u0081\u201a\u0192\u201e\u2026\u2020\u2021\u02c6\u2030\u0160\u2039\u0152\u008d\u017d\u008f" +
  "\u0090\u2018\u2019\u201c\u201d\u2022\u2013\u2014\u02dc\u2122\u0161\u203a\u0153\u009d\u017e\u0178";

/** The TextDecoder of Node.js 20 reads windows-1252 as Latin-1, which has no euro sign and no curly quotes. */
const fromWindows1252 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length)
    .toString("latin1")
    .replace(/[\u0080-\u009f]/g, (char) => HIGH[char.charCodeAt(0) - 0x80]);

/** In UTF-16, text that is mostly Latin has a 0 in every other byte. */
const wideOf = (bytes: Uint8Array): "utf-16le" | "utf-16be" | undefined => {
  const length = Math.min(bytes.length, PROBE) & ~1;
  let even = 0;
  let odd = 0;
  for (let i = 0; i < length; i += 2) {
    if (bytes[i] === 0) even++;
    if (bytes[i + 1] === 0) odd++;
  }
  if (length < 4 || bytes.length % 2 !== 0) return undefined;
  if (odd > 0.4 * length && even === 0) return "utf-16le";
  return even > 0.4 * length && odd === 0 ? "utf-16be" : undefined;
};

/** The position and value of the first byte that is not UTF-8, for the message. */
const firstWrong = (bytes: Uint8Array): string => {
  // A prefix cut inside a letter is not well-formed either, so the shortest malformed prefix ends at the byte or just after it.
  let right = 0;
  let wrong = bytes.length;
  while (wrong - right > 1) {
    const middle = (right + wrong) >> 1;
    if ([0, 1, 2, 3].some((cut) => isUtf8(bytes.subarray(0, Math.max(0, middle - cut))))) right = middle;
    else wrong = middle;
  }
  const high = bytes.subarray(Math.max(0, wrong - 4), wrong).find((byte) => byte > 127) ?? 0;
  return `0x${high.toString(16)} near position ${wrong - 1}`;
};
