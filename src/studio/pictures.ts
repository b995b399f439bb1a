/** Rows of images as PNG. */
import { encode } from "fast-png";

/** A row of an image of this shape, [height, width] or [height, width, channels], whose values are between 0 and 1. */
export function pngOf(shape: readonly number[], values: Float32Array): Uint8Array<ArrayBuffer> {
  const [height, width, channels = 1] = shape;
  const data = Uint8Array.from(values, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
  return new Uint8Array(encode({ width, height, channels: channels as 1, data }));
}
