// Small colour pictures that anybody has: the drawings of Debian's package fonts-noto-color-emoji (SIL Open Font License), as PNGs of 32 × 32.
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

export const FONT = "/usr/share/fonts/truetype/noto/NotoColorEmoji.ttf";

const START = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]);
const END = Buffer.from("IEND");

/** The PNGs of a font's colour bitmaps, in its order. */
export function* pngsOf(font) {
  for (let at = font.indexOf(START); at >= 0; ) {
    const end = font.indexOf(END, at) + 8;
    yield font.subarray(at, end);
    at = font.indexOf(START, end);
  }
}

/** Mean absolute difference of two pictures of 8 × 8 greys below which they count as the same drawing, such as in another tone of skin. */
const ALIKE = 12;

/**
 * Writes the drawings that differ in shape into a folder, on white, `side` pixels wide, at most `most` of them. Variants in other tones of
 * skin and hair are left out: as rows to test on they would be almost known.
 *
 * @returns how many
 */
export async function writeEmoji(folder, { font = FONT, side = 32, most = Infinity } = {}) {
  mkdirSync(folder, { recursive: true });
  const seen = [];
  for (const png of pngsOf(readFileSync(font))) {
    if (seen.length >= most) break;
    const image = sharp(png)
      .resize(side, side, { fit: "contain", background: { r: 255, g: 255, b: 255, alpha: 0 } })
      .flatten({ background: "white" });
    const grey = await image.clone().greyscale().resize(8, 8).raw().toBuffer();
    const known = seen.some((other) => {
      let sum = 0;
      for (let i = 0; i < 64; i++) sum += Math.abs(other[i] - grey[i]);
      return sum < 64 * ALIKE;
    });
    if (known) continue;
    writeFileSync(join(folder, `${String(seen.length).padStart(4, "0")}.png`), await image.png().toBuffer());
    seen.push(grey);
  }
  return seen.length;
}
