/** When training stops because it no longer gets better on rows held out to validate. */

/** What was measured on validation rows after an epoch: an error, of which less is better, or a bound, of which more is. */
export interface ValidationFigures {
  readonly error?: number;
  readonly elbo?: number;
  readonly reconstruction?: number;
}

/** An epoch and what was measured after it. */
export interface MeasuredEpoch {
  readonly epoch: number;
  readonly validation?: ValidationFigures;
}

/** The figure by which epochs are compared, the larger the better; undefined where none was measured. */
const merit = ({ error, elbo, reconstruction }: ValidationFigures): number | undefined =>
  error === undefined ? (elbo ?? reconstruction) : -error;

/** The first epoch with the best figure; undefined where no epoch has one. A figure that is not finite is never the best. */
export function bestEpoch(epochs: readonly MeasuredEpoch[]): number | undefined {
  let best: { readonly epoch: number; readonly value: number } | undefined;
  for (const { epoch, validation = {} } of epochs) {
    const value = merit(validation);
    if (value !== undefined && Number.isFinite(value) && (best === undefined || value > best.value)) {
      best = { epoch, value };
    }
  }
  return best?.epoch;
}

/** Whether so many epochs have passed since the best one. */
export function isOver(epochs: readonly MeasuredEpoch[], patience: number): boolean {
  const best = bestEpoch(epochs);
  const last = epochs.at(-1)?.epoch;
  return best !== undefined && last !== undefined && last - best >= patience;
}
