/** What stored pixels are multiplied by, where they are numbers whose range says that they are 8 or 16 bits. */
import type { Dataset } from "../data/index.ts";
import { DataError } from "../errors.ts";

/** Largest values of pixels of 8 and of 16 bits. */
const FULL = [255, 65_535] as const;

/**
 * The factor that brings pixels into [0, 1]: 1 where they are bytes, which know their own, or numbers within [0, 1] already, and where
 * their range is not that of 8 or 16 bits.
 */
export function pixelScaleOf({ kind, x }: Pick<Dataset, "kind" | "x">): number {
  if (kind !== "image" || x instanceof Uint8Array) return 1;
  let [low, high] = [0, 0];
  let whole = true;
  for (const value of x) {
    if (value < low) low = value;
    if (value > high) high = value;
    if (!Number.isInteger(value)) whole = false;
  }
  if (low < 0 || high <= 1) return 1;
  // Fractions a little above 1 come from resizing, which overshoots. They are not pixels of 8 bits that are almost black.
  if (!whole && high < 2) return 1;
  const full = FULL.find((most) => high <= most);
  // Fractions above 255 are measurements of something else than light on a sensor.
  return full === undefined || (full > 255 && !whole) ? 1 : 1 / full;
}

/** What a run records about how its pixels were stored: their factor, and whether those with factor 1 were fractions of white. */
export const describePixels = ({
  kind,
  scale,
  x,
}: Pick<Dataset, "kind" | "scale" | "x">): { readonly pixelScale?: number; readonly fractions?: true } =>
  kind !== "image"
    ? {}
    : {
        pixelScale: scale,
        ...(scale === 1 && x.every((value) => value >= 0 && value <= 1) && { fractions: true }),
      };

/** Rows whose pixels are multiplied by a factor on their way to a model; bytes have their own already. */
export const scaledBy = (rows: Dataset, factor: number): Dataset =>
  factor === 1 || rows.x instanceof Uint8Array ? rows : { ...rows, scale: rows.scale * factor };

/** What is said of the factor. */
export const scaleNote = (name: string, factor: number): string =>
  `${name}: pixels from 0 to ${Math.round(1 / factor)}, stored as numbers; they are divided by ${Math.round(1 / factor)}.`;

/**
 * Other rows in the units of the rows that a run was trained on, whatever they are stored as: bytes, fractions, or whole numbers of 8 or 16 bits.
 *
 * @param trained what the pixels of the training rows were multiplied by, and whether they were fractions. Other numbers with factor 1 are
 * measurements, and so are these; likewise in old runs, which do not say
 * @returns the rows, and a note if their range says that they are stored in another way than the training rows
 * @throws DataError when the training rows were pixels and these are not.
 */
export function asTrained(
  rows: Dataset,
  {
    pixelScale: trained = 1,
    fractions = false,
  }: { readonly pixelScale?: number | undefined; readonly fractions?: boolean | undefined },
): { readonly rows: Dataset; readonly note?: string } {
  const { name, kind, x } = rows;
  if (kind !== "image" || x instanceof Uint8Array || (trained === 1 && !fractions)) return { rows };
  const high = x.reduce((a, b) => Math.max(a, b), 0);
  const own = pixelScaleOf(rows);
  const most = Math.round(1 / trained);
  if (own === 1 && (high > 1 || x.some((value) => value < 0))) {
    const low = x.reduce((a, b) => Math.min(a, b), 0);
    throw new DataError(
      `${name}: expected pixels, as in the training rows: bytes, or numbers from 0 to 1, to 255 or to 65535; found numbers from ${low} to ${high}.`,
    );
  }
  if (own === trained) return { rows: scaledBy(rows, own) };
  const range = own === 1 ? "0 to 1" : `0 to ${Math.round(1 / own)}`;
  return {
    rows: scaledBy(rows, own),
    note: `${name}: pixels are numbers from ${range} here, and went to ${most} in the training rows; both are read as black to white.`,
  };
}
