/** One image as bytes, by libvips. */

import type { Sharp } from "sharp";
import { loadSharp } from "#platform/images";
import { DataError } from "../errors.ts";
import { messageOf, readBytes, type SizeLimit } from "./file.ts";

/** The ways to fit an image into a size with different proportions. */
export const fits = ["cover", "contain", "stretch"] as const;
/**
 * How an image fits into a size with different proportions. `cover`: it fills the size and is cropped; `contain`: it is kept whole, with
 * white margins; `stretch`: it is distorted.
 */
export type Fit = (typeof fits)[number];

/** How images become rows. */
export interface ImageOptions extends SizeLimit {
  /** Width and height that each image is resized to, in pixels. Default: images keep their size, which must be the same for all. */
  readonly resize?: readonly [width: number, height: number];
  /** With `resize`: how an image with different proportions fits. Default `cover`. */
  readonly fit?: Fit;
  /** Whether to convert colours to grey. Default false. */
  readonly grey?: boolean;
  /** Channels of each row, for rows that must match others: 1 converts colours to grey, 3 grey to colour. Default: 1 if all images are grey. */
  readonly channels?: 1 | 3;
  /** The most pixels that one image may have. Default 2^26, which is 8192 x 8192. */
  readonly maxPixels?: number;
}

const MAX_PIXELS = 2 ** 26;

/** The header of an image file. */
export interface ImageHeader {
  /** PNG, JPEG, … */
  readonly format: string;
  /** As displayed, after the rotation in its EXIF data. */
  readonly width: number;
  readonly height: number;
  readonly grey: boolean;
  readonly alpha: boolean;
  readonly sixteenBit: boolean;
  readonly turned: boolean;
  readonly frames: number;
  /** Print colours, such as CMYK. */
  readonly print: boolean;
}

/** Extensions of the files that can be read. */
export const imageExtension = /\.(png|jpe?g|jpe|jfif|webp|gif|tiff?|avif)$/i;
export const IMAGE_KINDS = "PNG, JPEG, WebP, GIF, TIFF or AVIF";

const text = (bytes: Uint8Array, from: number, to: number): string =>
  Buffer.from(bytes.subarray(from, to)).toString("latin1");

/** The format by the file's first bytes, whatever its name. libvips would also read other formats, some of which can contain programs (SVG). */
const formatOf = (bytes: Uint8Array): string | undefined => {
  const start = text(bytes, 0, 4);
  if (start === "\x89PNG") return "PNG";
  if (start.startsWith("\xff\xd8\xff")) return "JPEG";
  if (start === "GIF8") return "GIF";
  if (start === "RIFF" && text(bytes, 8, 12) === "WEBP") return "WebP";
  if (start === "II*\0" || start === "MM\0*") return "TIFF";
  return /^ftypavi[fs]$/.test(text(bytes, 4, 12)) ? "AVIF" : undefined;
};

type SharpModule = typeof import("sharp").default;
let loaded: Promise<SharpModule> | undefined;

const decoder = (): Promise<SharpModule> => {
  loaded ??= loadSharp().then(
    (sharp) => {
      // Each image is read once, and several are read in parallel.
      sharp.cache(false);
      sharp.concurrency(1);
      return sharp;
    },
    (cause) => {
      throw new DataError(
        `images are read by the package sharp, which cannot be loaded on this machine (${messageOf(cause).split("\n")[0]}). ` +
          "Install it with `npm install sharp`, or save the images as one .npy file.",
        { cause },
      );
    },
  );
  return loaded;
};

const damaged = (path: string, format: string, cause: unknown): DataError =>
  new DataError(
    `${path}: cannot be decoded as ${format} (${messageOf(cause).split("\n")[0]}). The file is damaged or has another format.`,
    { cause },
  );

const open = async (
  path: string,
  limit: SizeLimit,
): Promise<{ readonly sharp: Sharp; readonly format: string }> => {
  const sharp = await decoder();
  const bytes = readBytes(path, limit);
  const format = formatOf(bytes);
  if (format === undefined) {
    throw new DataError(`${path}: expected an image, ${IMAGE_KINDS}; found a file in none of these formats.`);
  }
  // Sizes are checked here, from the header, before anything is decoded. What a decoder only warns about is treated as damage too.
  return { sharp: sharp(bytes, { limitInputPixels: false, failOn: "warning", autoOrient: true }), format };
};

/**
 * Reads an image's header, without decoding its pixels.
 * @throws DataError when it is not an image, or is larger than the limits.
 */
export async function readImageHeader(path: string, options: ImageOptions = {}): Promise<ImageHeader> {
  const { sharp, format } = await open(path, options);
  const { maxPixels = MAX_PIXELS } = options;
  const found = await sharp.metadata().catch((cause) => {
    throw damaged(path, format, cause);
  });
  const { orientation = 1, space, depth, pages = 1, hasAlpha } = found;
  if (found.width * found.height > maxPixels) {
    throw new DataError(
      `${path}: expected at most ${maxPixels} pixels, found ${found.width} x ${found.height}. If there ` +
        "is enough memory, raise the limit (maxPixels).",
    );
  }
  if (depth !== "uchar" && depth !== "ushort") {
    throw new DataError(
      `${path}: expected 8 or 16 bits per channel, found ${depth}. Save the image as PNG, or its numbers as a .npy file.`,
    );
  }
  const { width, height } = found.autoOrient;
  return {
    format,
    width,
    height,
    grey: space === "b-w" || space === "grey16",
    alpha: hasAlpha,
    sixteenBit: depth === "ushort",
    turned: orientation !== 1,
    frames: pages,
    print: space === "cmyk",
  };
}

/** The size and channels of a decoded image. */
export interface Target extends Pick<ImageOptions, "fit" | "maxBytes"> {
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/**
 * Decodes an image whose header has been read: `height · width · channels` bytes, row by row. Transparent areas become white.
 * @throws DataError when its data are incomplete or damaged.
 */
export async function decodeImage(path: string, header: ImageHeader, target: Target): Promise<Uint8Array> {
  const { sharp, format } = await open(path, target);
  const { width, height, channels, fit = "cover" } = target;
  if (header.alpha) sharp.flatten({ background: "#ffffff" });
  if (header.width !== width || header.height !== height) {
    sharp.resize({ width, height, fit: fit === "stretch" ? "fill" : fit, background: "#ffffff" });
  }
  if (header.sixteenBit) sharp.toColourspace(channels === 1 ? "grey16" : "rgb16").raw({ depth: "ushort" });
  else sharp.toColourspace(channels === 1 ? "b-w" : "srgb").raw();
  const out = await sharp.toBuffer().catch((cause) => {
    throw damaged(path, format, cause);
  });
  const bytes = header.sixteenBit ? toBytes(out) : out;
  if (bytes.length !== width * height * channels) {
    throw damaged(
      path,
      format,
      `${bytes.length} bytes for ${width} x ${height} pixels of ${channels} channels`,
    );
  }
  return bytes;
}

/** Scales 0 to 65535 down to 0 to 255. */
const toBytes = (out: Uint8Array): Uint8Array => {
  const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
  const little = new Uint8Array(Uint16Array.of(1).buffer)[0] === 1;
  return Uint8Array.from({ length: out.byteLength >> 1 }, (_, i) =>
    Math.round(view.getUint16(2 * i, little) / 257),
  );
};
