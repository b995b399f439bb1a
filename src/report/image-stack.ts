import { rowSize } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import type { ImageStack } from "./types.ts";

/**
 * Flat rows [count, features] as images [count, height, width, channels], if rows of the shape are images: [height, width], or [height,
 * width, channels] with 1 or 3 channels (with 2 or 4 channels the last one, opacity, is left out). Undefined if rows are not images.
 *
 * @throws UsageError when `pixels` does not hold whole rows.
 */
export function imageStack(pixels: Float32Array, shape: readonly number[]): ImageStack | undefined {
  const [height, width, depth = 1] = shape;
  if (shape.length < 2 || shape.length > 3 || depth > 4) return undefined;
  const size = rowSize(shape);
  if (pixels.length % size !== 0) {
    throw new UsageError(
      `images of shape [${shape.join(", ")}] have ${size} values each; found ${pixels.length} values.`,
    );
  }
  const count = pixels.length / size;
  const channels = depth >= 3 ? 3 : 1;
  if (channels === depth) return { pixels, count, height, width, channels };
  const shown = new Float32Array(count * height * width * channels);
  for (let i = 0; i < shown.length; i++) {
    shown[i] = pixels[Math.floor(i / channels) * depth + (i % channels)];
  }
  return { pixels: shown, count, height, width, channels };
}
