/** `tightbound sample` of a model that tells class from style. */
import { InternalError } from "../errors.ts";
import { samplePicture } from "../report/pictures.ts";
import { type LabelledRunSettings, openClassifier } from "../run/index.ts";
import { featureTable, imagesOf, savePictureOrTable, target } from "./output.ts";
import { type Context, printJson, speaker } from "./terminal.ts";

interface Asked {
  readonly count: number;
  readonly seed: number;
  readonly out: string | undefined;
  readonly json: true | undefined;
}

/** Draws every class under the same styles: a row for each class, a column for each style. */
export async function sampleClasses(
  path: string,
  settings: LabelledRunSettings,
  { count, seed, out, json }: Asked,
  { terminal }: Context,
): Promise<void> {
  const { classes } = settings.labels;
  const where = target(settings, path, "samples", out);
  const { trained } = await openClassifier(path);
  if (trained.kind === "m1") throw new InternalError("M1 is sampled as the vae that it is");
  const values = await trained.sample(count, seed);
  await savePictureOrTable(
    where,
    imagesOf(settings, values),
    (images) => samplePicture(images, count),
    () => featureTable(settings, ["class"], values, (row) => [classes[Math.floor(row / count)]]),
  );
  if (json) printJson(terminal, { run: path, count, seed, classes, file: where.path });
  else
    speaker(terminal, {})(`${count} samples of each of ${classes.length} classes written to ${where.path}`);
}
