/** `tightbound evaluate` of a run that learnt from labels. */
import { openClassifier, reloadData } from "../run/index.ts";
import { askedRows } from "./data.ts";
import type { DataOptions } from "./data-options.ts";
import { percent } from "./progress.ts";
import { type Context, grouped, printJson, speaker } from "./terminal.ts";

export async function evaluateClassifier(
  path: string,
  where: DataOptions,
  json: boolean,
  { terminal }: Context,
): Promise<void> {
  const { run, trained, epoch } = await openClassifier(path);
  const own = where.data === undefined ? await reloadData(run.settings) : undefined;
  const test = await askedRows(run.settings, where);
  const say = speaker(terminal, { json });
  const testError = await trained.error(test);
  const validationError = own?.validation && (await trained.error(own.validation));
  if (json) {
    printJson(terminal, {
      run: path,
      model: trained.model.kind,
      data: test.name,
      epoch,
      rows: test.rows,
      labels: run.settings.labels.count ?? null,
      testError,
      ...(validationError !== undefined && { validationError }),
    });
    return;
  }
  say(`${path}, after epoch ${epoch}, on ${test.name}:`);
  say(`Error  ${percent(testError)} of ${grouped(test.rows)} rows`);
  if (validationError !== undefined) say(`Validation error  ${percent(validationError)}`);
}
