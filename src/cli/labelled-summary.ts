/** The figures of a model that learnt from few labels: as one object for machines, as a few lines for people. */
import type { ClassificationFigures, LabelledAssessment } from "../run/index.ts";
import { grouped, percent } from "./terminal.ts";

/** Errors are shares of rows; null where the model has no such figure. */
export interface LabelledFigures {
  readonly rows: number;
  readonly testError: number;
  readonly validationError: number | null;
  readonly calibrationError: number | null;
  readonly testErrorBayes: number | null;
  readonly calibrationErrorBayes: number | null;
  readonly bayesSamples: number | null;
  /** Rows that Bayes' rule was asked of. */
  readonly bayesRows: number | null;
  /** Nats, mean of the rows. */
  readonly elbo: number;
  readonly confusion: readonly (readonly number[])[];
  /** Of M1: each of its classifiers. */
  readonly classifiers?: Readonly<
    Record<string, Pick<LabelledFigures, "testError" | "validationError" | "calibrationError">>
  >;
}

const errorsOf = ({ error, validationError, calibration }: ClassificationFigures) => ({
  testError: error,
  validationError: validationError ?? null,
  calibrationError: calibration?.error ?? null,
});

export const labelledFiguresOf = ({
  rows,
  elbo,
  by,
  bayes,
  classifiers,
}: LabelledAssessment): LabelledFigures => ({
  rows,
  ...errorsOf(by),
  testErrorBayes: bayes?.error ?? null,
  calibrationErrorBayes: bayes?.calibration?.error ?? null,
  bayesSamples: bayes?.samples ?? null,
  bayesRows: bayes?.rows ?? null,
  elbo,
  confusion: by.confusion,
  ...(classifiers && {
    classifiers: Object.fromEntries(
      Object.entries(classifiers).map(([name, figures]) => [name, errorsOf(figures)]),
    ),
  }),
});

/** Lines of aligned figures. */
export function labelledLines(f: LabelledFigures, chosen = "q(y|x)"): readonly string[] {
  const width = Math.max(20, ...Object.keys(f.classifiers ?? {}).map((name) => `Error, ${name} `.length));
  const line = (name: string, value: string, note = "") =>
    `${name.padEnd(width)}${value.padStart(9)}${note && `  ${note}`}`;
  const about = ({ validationError, calibrationError }: Omit<ReturnType<typeof errorsOf>, "testError">) =>
    [
      ...(validationError === null ? [] : [`validation ${percent(validationError)}`]),
      ...(calibrationError === null ? [] : [`calibration error ${percent(calibrationError)}`]),
    ].join(", ");
  const errors = f.classifiers
    ? Object.entries(f.classifiers).map(([name, figures]) =>
        line(`Error, ${name}`, percent(figures.testError), about(figures)),
      )
    : [line(`Error, ${chosen}`, percent(f.testError), about(f))];
  const first = f.bayesRows === f.rows ? "" : `, the first ${grouped(f.bayesRows ?? 0)} rows`;
  return [
    ...errors,
    ...(f.testErrorBayes === null
      ? []
      : [
          line(
            "Error, Bayes' rule",
            percent(f.testErrorBayes),
            `${f.bayesSamples} importance samples${first}${
              f.calibrationErrorBayes === null
                ? ""
                : `, calibration error ${percent(f.calibrationErrorBayes)}`
            }`,
          ),
        ]),
    line("ELBO", f.elbo.toFixed(2), `nats, mean of ${grouped(f.rows)} rows`),
  ];
}
