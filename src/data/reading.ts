/** How files are read, as stored with a run, so that later rows are read in the same way. */
import { z } from "zod";
import { UsageError } from "../errors.ts";
import type { RecordOptions } from "./csv-records.ts";
import { pathKind } from "./file.ts";
import { fits, type ImageOptions } from "./image-decode.ts";
import { findIdxFiles } from "./mnist.ts";
import { isTableFile } from "./table-file.ts";

const whole = z.int().min(1);

/** The schema of {@link ReadingOptions}, as it stands in `config.json`. */
export const readingSettings = z.strictObject({
  resize: z.tuple([whole, whole]).optional(),
  fit: z.enum(fits).optional(),
  grey: z.boolean().optional(),
  header: z.boolean().optional(),
  encoding: z.string().optional(),
  maxBytes: z.number().gt(0).optional(),
  maxPixels: z.number().gt(0).optional(),
});

/** Options for how images and text are read. */
export interface ReadingOptions extends RecordOptions, ImageOptions {}

/** The stored settings as options of the readers. */
export const readingOptions = ({
  resize,
  fit,
  grey,
  header,
  encoding,
  maxBytes,
  maxPixels,
}: z.output<typeof readingSettings> = {}): ReadingOptions => ({
  ...(resize && { resize }),
  ...(fit && { fit }),
  ...(grey !== undefined && { grey }),
  ...(header !== undefined && { header }),
  ...(encoding !== undefined && { encoding }),
  ...(maxBytes !== undefined && { maxBytes }),
  ...(maxPixels !== undefined && { maxPixels }),
});

/** Options that say how data are read, whatever the kind of the data. */
interface AnyReading extends ReadingOptions {
  readonly channels?: 1 | 3;
  readonly id?: string;
  readonly decimal?: string;
}

/** Whether images are read from this path: a folder, but not one of IDX files. */
export const isImageFolder = (spec: string): boolean =>
  spec !== "mnist" && pathKind(spec) === "directory" && findIdxFiles(spec).train.images === undefined;

/**
 * Checks that options for how files are read apply to these data: those of images to a folder, those of text to a table.
 * @throws UsageError for the first that does not
 */
export const checkReading = (spec: string, reading: AnyReading = {}): void => {
  const { resize, fit, grey, channels, maxPixels, header, encoding, id, decimal } = reading;
  const refuse = (options: Readonly<Record<string, unknown>>, only: string): void => {
    const name = Object.keys(options).find((key) => options[key] !== undefined);
    if (name === undefined) return;
    throw new UsageError(`\`${name}\` does not apply to ${spec}: only ${only}. Leave it out.`);
  };
  // That nothing is there is for the reader to say.
  if (spec !== "mnist" && pathKind(spec) === "missing") return;
  if (!isImageFolder(spec)) {
    refuse({ resize, fit, grey, channels, maxPixels }, "images in a folder are resized or made grey");
  }
  if (!isTableFile(spec)) {
    refuse({ header, encoding }, "a table of text has a header and an encoding");
    refuse({ id, decimal }, "a table has columns");
  }
};
