// Reproducible folders of pictures: drawn as SVG from a seed, and written as JPEGs or PNGs, one folder for each class.
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";

/** Numbers in [0, 1) from a seed (mulberry32). */
export const numbersOf = (seed) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), state | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
};

const between = (random, low, high) => low + (high - low) * random();

/** Strokes in a square of side 2 around 0. */
const LETTERS = {
  A: "M-.7,1 L0,-1 L.7,1 M-.4,.3 L.4,.3",
  E: "M.6,-1 L-.5,-1 L-.5,1 L.6,1 M-.5,0 L.4,0",
  H: "M-.6,-1 L-.6,1 M.6,-1 L.6,1 M-.6,0 L.6,0",
  T: "M-.8,-1 L.8,-1 M0,-1 L0,1",
};
/** Six similar shapes: two strokes each, which meet in different places. */
const SIGNS = {
  plus: "M-.8,0 L.8,0 M0,-.8 L0,.8",
  tee: "M-.8,-.8 L.8,-.8 M0,-.8 L0,.8",
  foot: "M-.8,.8 L.8,.8 M0,-.8 L0,.8",
  corner: "M-.8,.8 L.8,.8 M-.8,-.8 L-.8,.8",
  left: "M-.8,0 L.8,0 M.8,-.8 L.8,.8",
  right: "M-.8,0 L.8,0 M-.8,-.8 L-.8,.8",
};
const SHAPES = {
  circle: '<circle r="0.8"/>',
  square: '<rect x="-0.7" y="-0.7" width="1.4" height="1.4"/>',
  triangle: '<path d="M0,-0.85 L0.85,0.7 L-0.85,0.7 Z"/>',
};

const strokes = (path) => (random) =>
  `<rect width="100%" height="100%" fill="black"/><g transform="translate(14 14) rotate(${between(random, -15, 15)}) translate(${between(random, -2, 2)} ${between(random, -2, 2)}) scale(${between(random, 6, 9)} ${between(random, 6, 10)}) skewX(${between(random, -12, 12)})"><path d="${path}" fill="none" stroke="white" stroke-width="${between(random, 0.22, 0.45)}" stroke-linecap="round"/></g>`;

/** A colour that stands out from the background. */
const filled =
  (shape) =>
  (random, [width, height]) => {
    const hue = 360 * random();
    const side = Math.min(width, height) / 2;
    return `<rect width="100%" height="100%" fill="hsl(${hue + between(random, 90, 270)} ${between(random, 20, 60)}% ${between(random, 75, 92)}%)"/><g fill="hsl(${hue} ${between(random, 50, 90)}% ${between(random, 25, 45)}%)" transform="translate(${width / 2 + between(random, -0.15, 0.15) * side} ${height / 2 + between(random, -0.15, 0.15) * side}) rotate(${between(random, -20, 20)}) scale(${side * between(random, 0.6, 0.85)})">${shape}</g>`;
  };

const small = () => [28, 28];
const several = (random) => [40 + Math.floor(80 * random()), 40 + Math.floor(80 * random())];
const of = (drawings, draw) => Object.fromEntries(Object.entries(drawings).map(([k, v]) => [k, draw(v)]));

/** For each set: what is drawn, the sizes, and the kind of file. */
export const pictureSets = {
  letters: { classes: of(LETTERS, strokes), size: small, extension: "png" },
  signs: { classes: of(SIGNS, strokes), size: small, extension: "png" },
  shapes: { classes: of(SHAPES, filled), size: several, extension: "jpg" },
};

/** Writes pictures of a set, the same number of each class, some of them without a class. */
export async function writePictures(folder, name, { count, labelled = count, seed = 0 }) {
  const { classes, size, extension } = pictureSets[name];
  const random = numbersOf(seed + 1);
  const names = Object.keys(classes);
  for (const each of [...names, ...(labelled < count ? ["unlabelled"] : [])]) {
    mkdirSync(join(folder, each), { recursive: true });
  }
  const truth = new Map();
  for (let i = 0; i < count; i++) {
    const label = names[i % names.length];
    const dimensions = size(random);
    const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${dimensions[0]}" height="${dimensions[1]}">${classes[label](random, dimensions)}</svg>`;
    const image = sharp(Buffer.from(svg)).flatten();
    const bytes = await (extension === "jpg"
      ? image.jpeg({ quality: 90 }).toBuffer()
      : image.toColourspace("b-w").png().toBuffer());
    const file = `${i < labelled ? label : "unlabelled"}/${String(i).padStart(5, "0")}.${extension}`;
    truth.set(file, label);
    writeFileSync(join(folder, file), bytes);
  }
  return truth;
}
