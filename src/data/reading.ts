/** How files are read, as stored with a run, so that later rows are read in the same way. */
import { z } from "zod";
import type { RecordOptions } from "./csv-records.ts";
import { fits, type ImageOptions } from "./image-decode.ts";

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
