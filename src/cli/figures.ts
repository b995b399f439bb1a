/** The figures of a trained model: as JSON, and as lines of text. */
import { bitsPerDimension, type ErrorFigures, type Measured } from "../report/index.ts";
import { grouped, percent } from "./terminal.ts";

const errorsOf = ({ error, validation, calibration }: ErrorFigures) => ({
  testError: error.value,
  validationError: validation ?? null,
  calibrationError: calibration?.error ?? null,
});

/** A line with the bits per dimension, if a row's density is a probability of levels. */
const bits = (nats: number | undefined, levels: number | undefined): number | undefined =>
  nats === undefined || levels === undefined ? undefined : bitsPerDimension(nats, levels);

const bitLines = (nats: number | undefined, levels: number | undefined, width = NAME): readonly string[] => {
  const found = bits(nats, levels);
  return found === undefined
    ? []
    : [line("Bits per dimension", found.toFixed(3), `of the ELBO, over ${levels} values of a row`, width)];
};

/** Figures of a model without labels. All are in nats per row; null if the model has no such figure. */
const densityJson = ({ rows, bound, likelihood, levels }: Measured) => ({
  elbo: bound.elbo?.value ?? null,
  reconstruction: bound.reconstruction?.value ?? null,
  kl: bound.kl?.value ?? null,
  activeUnits: bound.activeUnits ?? null,
  latent: bound.activity?.length ?? null,
  rows,
  logLikelihood: likelihood?.logLikelihood.value ?? null,
  standardError: likelihood?.logLikelihood.standardError ?? null,
  importanceSamples: likelihood?.importanceSamples ?? null,
  iwae5: likelihood?.bounds[5] ?? null,
  iwae50: likelihood?.bounds[50] ?? null,
  // The number of rows used for the log-likelihood and the importance-weighted bounds, and the ELBO on these rows, to compare the bounds with.
  logLikelihoodRows: likelihood?.logLikelihood.rows ?? null,
  elboOfLogLikelihoodRows: likelihood?.elbo ?? null,
  // For pixels with 256 levels: the bound and the log-likelihood in bits per dimension.
  bitsPerDimension: bits(bound.elbo?.value, levels) ?? null,
  bitsPerDimensionOfLogLikelihood: bits(likelihood?.logLikelihood.value, levels) ?? null,
});

/** Figures of a model that classifies. Errors are shares of rows; null if the model has no such figure. */
function errorsJson({ rows, bound, choices, carried, levels }: Measured, errors: readonly ErrorFigures[]) {
  const [chosen] = errors;
  const bayes = errors.find(({ samples }) => samples !== undefined);
  const way = (name: string) => errors.find(({ by }) => by === name);
  return {
    rows,
    ...errorsOf(chosen),
    testErrorBayes: bayes?.error.value ?? null,
    calibrationErrorBayes: bayes?.calibration?.error ?? null,
    bayesSamples: bayes?.samples ?? null,
    bayesRows: bayes?.error.rows ?? null,
    elbo: bound.elbo?.value ?? null,
    // How much of a row's log density depends on the class and on the style, in nats; and how much of the class's entropy the decoder shows.
    classNats: carried?.class ?? null,
    styleNats: carried?.style ?? null,
    classTold: carried?.told ?? null,
    classEntropy: carried?.entropy ?? null,
    bitsPerDimension: bits(bound.elbo?.value, levels) ?? null,
    confusion: chosen.confusion,
    ...(choices && { classifiers: classifiersJson(choices.map(way)) }),
  };
}

const classifiersJson = (ways: readonly (ErrorFigures | undefined)[]) =>
  Object.fromEntries(
    ways.flatMap((figures) => (figures === undefined ? [] : [[figures.by, errorsOf(figures)]])),
  );

/** The object that `evaluate --json` prints, apart from the fields about the run. */
export const figuresJson = (measured: Measured): Readonly<Record<string, unknown>> =>
  measured.errors === undefined ? densityJson(measured) : errorsJson(measured, measured.errors);

const NAME = 20;
const line = (name: string, value: string, note = "", width = NAME): string =>
  `${name.padEnd(width)}${value.padStart(9)}${note && `  ${note}`}`;
const nats = (value: number): string => value.toFixed(2);

/** Lines of aligned figures. */
export const figureLines = (measured: Measured): readonly string[] =>
  measured.errors === undefined ? densityLines(measured) : errorLines(measured, measured.errors);

function densityLines({ rows, bound, likelihood, levels }: Measured): readonly string[] {
  const { elbo, reconstruction, kl, activeUnits, activity = [] } = bound;
  const all = `nats, mean of ${grouped(rows)} rows`;
  const found = likelihood?.logLikelihood;
  const same = found?.rows === rows;
  const first = found === undefined || same ? "the same rows" : `the first ${grouped(found.rows)} rows`;
  return [
    ...(elbo ? [line("ELBO", nats(elbo.value), all)] : []),
    ...(reconstruction
      ? [line(elbo ? "  reconstruction" : "Reconstruction", nats(reconstruction.value), elbo ? "" : all)]
      : []),
    ...(kl ? [line("  KL", nats(kl.value))] : []),
    ...(likelihood && found
      ? [
          line(
            "Log-likelihood",
            nats(found.value),
            `± ${found.standardError?.toFixed(2)}, ${likelihood.importanceSamples} importance samples, ${first}`,
          ),
          ...(same ? [] : [line("  ELBO", nats(likelihood.elbo), first)]),
          ...Object.entries(likelihood.bounds).map(([k, value]) => line(`  IWAE-${k}`, nats(value), first)),
        ]
      : []),
    ...bitLines(elbo?.value, levels),
    ...(activeUnits === undefined ? [] : [line("Active units", `${activeUnits} of ${activity.length}`)]),
  ];
}

function errorLines(
  { rows, bound, choices, carried, levels, warnings = [] }: Measured,
  errors: readonly ErrorFigures[],
): readonly string[] {
  const listed = choices?.flatMap((name) => errors.find(({ by }) => by === name) ?? []) ?? errors;
  const names = listed.map(({ by, samples }) => `Error, ${samples === undefined ? by : "Bayes' rule"}`);
  const width = Math.max(NAME, ...names.map((name) => name.length + 1));
  const about = ({ validation, calibration, samples, error }: ErrorFigures): string =>
    [
      ...(validation === undefined ? [] : [`validation ${percent(validation)}`]),
      ...(samples === undefined
        ? []
        : [
            `${samples} importance samples${error.rows === rows ? "" : `, the first ${grouped(error.rows)} rows`}`,
          ]),
      ...(calibration === undefined ? [] : [`calibration error ${percent(calibration.error)}`]),
    ].join(", ");
  return [
    ...listed.map((figures, i) => line(names[i], percent(figures.error.value), about(figures), width)),
    ...(bound.elbo
      ? [line("ELBO", nats(bound.elbo.value), `nats, mean of ${grouped(rows)} rows`, width)]
      : []),
    ...bitLines(bound.elbo?.value, levels, width),
    ...(carried
      ? [
          line("Class says", nats(carried.class), "nats per row that another class costs", width),
          line("Style says", nats(carried.style), "nats per row that another style costs", width),
        ]
      : []),
    ...warnings,
  ];
}
