// Colour pictures that are alike, as many as one wants: faces of 16 × 16 pixels put together by DiceBear from its style Pixel Art, whose drawings are in the public
// domain (CC0 1.0). The packages are development dependencies; nothing is downloaded.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { createAvatar } from "@dicebear/core";
import * as pixelArt from "@dicebear/pixel-art";
import sharp from "sharp";

/** Writes faces into a folder as PNGs, one for each number from 0, on white. Equal faces are written once. */
export async function writeAvatars(folder, { count = 10_000, side = 16 } = {}) {
  mkdirSync(folder, { recursive: true });
  const seen = new Set();
  for (let i = 0; seen.size < count; i++) {
    const svg = createAvatar(pixelArt, {
      seed: String(i),
      size: side,
      backgroundColor: ["ffffff"],
    }).toString();
    const image = sharp(Buffer.from(svg)).flatten({ background: "white" });
    const pixels = (await image.clone().raw().toBuffer()).toString("base64");
    if (seen.has(pixels)) continue;
    writeFileSync(join(folder, `${String(seen.size).padStart(5, "0")}.png`), await image.png().toBuffer());
    seen.add(pixels);
  }
}
