/** Formats numbers and dates for readers. */

const MINUS = "\u2212";

/** `-102.345` as `−102.3`, with a true minus sign; a dash if the value is not finite. */
export const decimal = (value: number | undefined, digits = 1): string =>
  value === undefined || !Number.isFinite(value) ? "–" : value.toFixed(digits).replace("-", MINUS);

/** `0.0333` as `3.33 %`. */
export const percent = (share: number | undefined, digits = 2): string =>
  share === undefined || !Number.isFinite(share) ? "–" : `${decimal(100 * share, digits)}\u00a0%`;

/** `652824` as `652,824`. */
export const whole = (value: number): string =>
  Number.isFinite(value) ? Math.round(value).toLocaleString("en-US").replace("-", MINUS) : "–";

/** `1 epoch`, `60,000 images`. */
export const counted = (count: number, noun: string): string =>
  `${whole(count)} ${noun}${count === 1 ? "" : "s"}`;

/** `92.4` as `1 min 32 s`; below a minute, seconds have one decimal. */
export const duration = (seconds: number): string => {
  if (!Number.isFinite(seconds)) return "–";
  if (seconds < 59.95) return `${seconds.toFixed(1)} s`;
  const total = Math.round(seconds);
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${total % 60} s`;
};

/** An ISO 8601 time as `22 November 2025, 15:26 UTC`; anything else unchanged. */
export const dateTime = (iso: string): string => {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const day = date.toLocaleDateString("en-GB", {
    day: "numeric",
    month: "long",
    year: "numeric",
    timeZone: "UTC",
  });
  return `${day}, ${date.toISOString().slice(11, 16)} UTC`;
};

/**
 * A configuration as rows of name and value, nested objects by dotted path; undefined values are left out. Each object of a list has a row,
 * under its `name` or its index.
 */
export const configRows = (config: Readonly<Record<string, unknown>>, prefix = ""): [string, string][] =>
  Object.entries(config).flatMap(([key, value]): [string, string][] => {
    const name = `${prefix}${key}`;
    if (value === undefined) return [];
    if (isRecord(value) && Object.keys(value).length > 0) return configRows(value, `${name}.`);
    if (!Array.isArray(value) || !value.some(isRecord)) return [[name, plain(value)]];
    return value.map((item: unknown, i): [string, string] => {
      if (!isRecord(item)) return [`${name}.${i}`, plain(item)];
      const { name: own = i, ...fields } = item;
      return [`${name}.${plain(own)}`, fieldsOf(fields)];
    });
  });

/** `kind numeric; mean 43.925; sd 5.512`: fractions to five digits, which is enough to read. */
const fieldsOf = (fields: Readonly<Record<string, unknown>>): string =>
  configRows(fields)
    .map(
      ([name, value]) =>
        `${name} ${/^-?\d+\.\d{5,}$/.test(value) ? Number(Number(value).toPrecision(5)) : value}`,
    )
    .join("; ");

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === "object" && value !== null && Object.getPrototypeOf(value) === Object.prototype;

const plain = (value: unknown): string => {
  if (value === null || (Array.isArray(value) && value.length === 0)) return "none";
  if (Array.isArray(value)) return value.map(plain).join(", ");
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

/** A name short enough for an axis or a legend. */
export const clip = (name: string): string => (name.length > 15 ? `${name.slice(0, 14)}…` : name);

/** A word with a capital, for the start of a sentence. */
export const capital = (word: string): string => `${word.slice(0, 1).toUpperCase()}${word.slice(1)}`;
