/** Text for people: what a terminal shows as text, and the article before a word. */

// Codes that move the cursor, change colours or titles, or turn text around: C0 (but line feed and tab), DEL, C1, and the
// marks and overrides of direction. Quotations from files can bring them into messages.
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

const fourDigits = (code: number): string => `\\u${code.toString(16).padStart(4, "0")}`;

/** The text with its control characters written as escapes, such as `\x1b`. Line feeds and tabs stay. */
export const printable = (text: string): string =>
  text.replace(CONTROL, (char) => {
    const code = char.charCodeAt(0);
    return code < 256 ? `\\x${code.toString(16).padStart(2, "0")}` : fourDigits(code);
  });

/** JSON that holds the same values, without a control character: JSON itself asks for escapes of the first 32 alone. */
export const printableJson = (json: string): string =>
  json.replace(CONTROL, (char) => fourDigits(char.charCodeAt(0)));

/** A word with its article: `a parameter`, `an observed site`, `an m2`. */
export const withArticle = (word: string): string => `${/^([aeiou]|m\d)/i.test(word) ? "an" : "a"} ${word}`;
