import { refusing } from "./refuse.ts";

/** The decoder of image files. A page has none. */
export const loadSharp: () => Promise<typeof import("sharp").default> = refusing(
  "decoding of image files",
  "Draw them on a canvas and take its pixels (getImageData).",
);
