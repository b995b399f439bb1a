/** The flags for how files are read. */
import type { Command } from "commander";
import { z } from "zod";
import type { readingSettings } from "../data/index.ts";
import { UsageError } from "../errors.ts";
import { oneOf, positive, type Value } from "../kinds/index.ts";
import { optionFor } from "./parse.ts";

/** Width and height in pixels, as 32x32. */
const size: Value<[number, number]> = {
  placeholder: "<size>",
  schema: z.tuple([z.int().min(1), z.int().min(1)]),
  parse(text) {
    const [, width, height] = /^(\d+)x(\d+)$/i.exec(text.trim()) ?? [];
    const both: [number, number] = [Number(width), Number(height)];
    if (both.every((n) => n >= 1 && n <= 16_384)) return both;
    throw new UsageError("Expected a width and a height in pixels, such as 32x32.");
  },
};

/** How images are resized, as commander reads it. */
export interface ResizeFlags {
  readonly resize?: [number, number];
  readonly fit?: "cover" | "contain" | "stretch";
}

/** Options as commander reads them. */
export interface ReadingFlags extends ResizeFlags {
  readonly grey?: true;
  readonly encoding?: string;
  readonly header?: "yes" | "no";
  readonly maxBytes?: number;
}

/** Adds the flags of {@link ResizeFlags} to a verb. */
export const resizeFlags = (command: Command, help: string): Command =>
  command
    .addOption(optionFor("--resize", size, help))
    .addOption(
      optionFor(
        "--fit",
        oneOf(["cover", "contain", "stretch"]),
        "images: with --resize, how images with different proportions fit: cropped, whole with white margins, or distorted (default: cover)",
      ),
    );

/** @throws UsageError for a fit of images that are not resized */
export function checkFit({ resize, fit }: ResizeFlags): void {
  if (fit !== undefined && resize === undefined) {
    throw new UsageError(`--fit ${fit} does not apply without --resize. Leave it out.`);
  }
}

/** Adds the flags to a verb. */
export const readingFlags = (command: Command): Command =>
  resizeFlags(command, "images: resize them to this size, such as 32x32")
    .option("--grey", "images: convert to grey")
    .option("--encoding <name>", "text: its encoding, such as windows-1252 (default: detected)")
    .addOption(
      optionFor(
        "--header",
        oneOf(["yes", "no"]),
        "text: whether the first line names the columns (default: detected)",
      ),
    )
    .addOption(
      optionFor("--max-bytes", positive, "largest size of a file in bytes, unpacked (default: 805306368)"),
    );

/** What the flags say, for the run's settings; undefined if none was given. */
export function readingOf(flags: ReadingFlags): {
  readonly reading?: z.output<typeof readingSettings>;
} {
  checkFit(flags);
  const { resize, fit, grey, encoding, header, maxBytes } = flags;
  const reading = {
    ...(resize && { resize }),
    ...(fit && { fit }),
    ...(grey && { grey }),
    ...(encoding !== undefined && { encoding }),
    ...(header !== undefined && { header: header === "yes" }),
    ...(maxBytes !== undefined && { maxBytes }),
  };
  return Object.keys(reading).length > 0 ? { reading } : {};
}
