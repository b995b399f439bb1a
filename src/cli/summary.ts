/** The figures of a trained model: as one object for machines, as a few lines for people. */
import type { Assessment } from "../run/index.ts";
import { grouped } from "./terminal.ts";

/** All in nats per datum; null where the model has no such figure. */
export interface Figures {
  readonly elbo: number | null;
  readonly reconstruction: number;
  readonly kl: number | null;
  readonly activeUnits: number;
  readonly latent: number;
  /** Rows that the ELBO and its terms are means over. */
  readonly rows: number;
  readonly logLikelihood: number | null;
  /** Standard error of the log-likelihood, from the spread over rows. */
  readonly standardError: number | null;
  readonly importanceSamples: number | null;
  readonly iwae5: number | null;
  readonly iwae50: number | null;
  /** Rows that the log-likelihood and the importance-weighted bounds are means over. */
  readonly logLikelihoodRows: number | null;
  /** The ELBO of these same rows: what to compare the bounds with. */
  readonly elboOfLogLikelihoodRows: number | null;
}

export function figuresOf({ evaluation, rows, likelihood }: Assessment): Figures {
  const { elbo, reconstruction, kl, activeUnits, activity } = evaluation;
  return {
    elbo: elbo ?? null,
    reconstruction,
    kl: kl ?? null,
    activeUnits,
    latent: activity.length,
    rows,
    logLikelihood: likelihood?.logLikelihood ?? null,
    standardError: likelihood?.standardError ?? null,
    importanceSamples: likelihood?.importanceSamples ?? null,
    iwae5: likelihood?.bounds[5] ?? null,
    iwae50: likelihood?.bounds[50] ?? null,
    logLikelihoodRows: likelihood?.rows ?? null,
    elboOfLogLikelihoodRows: likelihood?.elbo ?? null,
  };
}

/** Lines of aligned figures, nats per datum. */
export function summaryLines(f: Figures): readonly string[] {
  const line = (name: string, value: number | null, note = ""): string[] =>
    value === null ? [] : [`${name.padEnd(20)}${value.toFixed(2).padStart(9)}${note && `  ${note}`}`];
  const all = `nats, mean of ${grouped(f.rows)} rows`;
  const first =
    f.logLikelihoodRows === null || f.logLikelihoodRows === f.rows
      ? "the same rows"
      : `the first ${grouped(f.logLikelihoodRows)} rows`;
  const sameRows = f.logLikelihoodRows === f.rows;
  return [
    ...line("ELBO", f.elbo, all),
    ...line(
      f.elbo === null ? "Reconstruction" : "  reconstruction",
      f.reconstruction,
      f.elbo === null ? all : "",
    ),
    ...line("  KL", f.kl),
    ...line(
      "Log-likelihood",
      f.logLikelihood,
      `± ${f.standardError?.toFixed(2)}, ${f.importanceSamples} importance samples, ${first}`,
    ),
    ...(sameRows ? [] : line("  ELBO", f.elboOfLogLikelihoodRows, first)),
    ...line("  IWAE-5", f.iwae5, first),
    ...line("  IWAE-50", f.iwae50, first),
    `${"Active units".padEnd(20)}${`${f.activeUnits} of ${f.latent}`.padStart(9)}`,
  ];
}
