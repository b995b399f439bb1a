/** `tightbound reproduce burda2016`, after its command line is parsed. */
import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { runFolder, writeDurably } from "../files/index.ts";
import { densityMarkdown, renderComparison } from "../report/index.ts";
import { type Burda2016Results, type DensityRow, reproduceBurda2016 } from "../reproduce/index.ts";
import { compareRuns, type RunHooks } from "../runs/index.ts";
import { version } from "../version.ts";
import { save } from "./output.ts";
import { type Display, trainDisplay } from "./progress.ts";
import { type Context, commandLine, printJson, type Say } from "./terminal.ts";
import type { ReproduceOptions } from "./verbs/reproduce.ts";

interface Surroundings {
  readonly signal: AbortSignal;
  /** Called when a training starts. */
  readonly show: (display: Display) => void;
  readonly stop: () => void;
}

/**
 * Trains and measures what is missing, and returns whether all is done. Writes results.json, table.md and, if there are at least two runs,
 * comparison.html.
 */
export async function reproduceDensity(
  options: ReproduceOptions & { readonly out: string },
  context: Context,
  say: Say,
  { signal, show, stop }: Surroundings,
): Promise<boolean> {
  const { terminal } = context;
  const { out, samples, bounds, binarize, estimator, importanceSamples, rows, data, length, threads } =
    options;
  const command = commandLine(context.argv);
  const training = ({ folder }: DensityRow, path: string): RunHooks => {
    let display: Display | undefined;
    return {
      onStage({ settings: { train, model } }) {
        display = trainDisplay(terminal, {
          epochs: train.epochs,
          rowsPerStep: train.batch,
          latent: model.latent,
          noun: "images",
          quiet: options.quiet === true,
          json: options.json === true,
        });
        show(display);
        void display.prepare();
      },
      onStart: ({ resumedAt }) =>
        say(`${folder}${resumedAt > 0 ? `, continuing after step ${resumedAt}` : ""}: ${path}`),
      onStep: (progress) => display?.onStep(progress),
      onEpochLogged: (line) => display?.onEpoch(line),
    };
  };
  const results = await reproduceBurda2016(
    {
      out,
      samples,
      bounds,
      binarize,
      doublyReparameterised: estimator === "doubly-reparameterised",
      importanceSamples,
      ...(rows !== "all" && { rows }),
      source: { spec: data === "mnist" ? data : resolve(data) },
      length,
      ...(threads !== undefined && { threads }),
      version: version(),
      command,
    },
    { signal, training, onProgress: say },
  );
  stop();
  const table = densityMarkdown(densityTable(results, length));
  const files = [join(out, "results.json"), join(out, "table.md")];
  writeDurably(files[0], `${JSON.stringify(results, null, 2)}\n`);
  await save(files[1], table);
  const runs = results.table
    .map(({ folder }) => join(out, folder))
    .filter((path) => existsSync(runFolder(path).metrics));
  if (runs.length > 1) {
    files.push(join(out, "comparison.html"));
    await save(files[2], await renderComparison(compareRuns(runs, { command, version: version() })));
  }
  if (options.json === true) printJson(terminal, results);
  else terminal.out.write(`\n${table}\n`);
  if (results.missing.length > 0) {
    say(`Not done yet: ${results.missing.join(", ")}. Repeat the command to continue.`);
  }
  for (const file of files) say(`Written: ${file}`);
  return results.missing.length === 0;
}

const densityTable = (
  { table, data }: Burda2016Results,
  length: number,
): Parameters<typeof densityMarkdown>[0] => ({
  title: "Burda et al. (2016), Table 1, one stochastic layer",
  note:
    `Negative log-likelihood in nats per row, on ${data.testRows} test rows of ${data.name}; lower is better. The paper trains for 3,280 epochs` +
    `${length < 1 ? `; this is a trial with ${length} of these epochs` : ""}.`,
  rows: table.map(({ bound, samples, binarize, published, found }) => ({
    name: `${bound === "elbo" ? "VAE" : "IWAE"}, k = ${samples}, ${binarize}`,
    ...(published && { published: { value: published.negativeLogLikelihood, units: published.activeUnits } }),
    ...(found && {
      found: {
        value: found.negativeLogLikelihood,
        standardError: found.standardError,
        units: found.activeUnits,
        epochs: found.epochs,
        seconds: found.seconds,
        samples: found.importanceSamples,
        rows: found.rows,
      },
    }),
  })),
});
