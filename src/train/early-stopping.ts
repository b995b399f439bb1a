/** Early stopping: training stops when validation rows show no more improvement. */

/** An epoch's figures on validation rows: an error (smaller is better) or a bound (larger is better). */
export interface ValidationFigures {
  readonly error?: number;
  readonly elbo?: number;
  readonly reconstruction?: number;
}

/** An epoch and its figures. */
export interface MeasuredEpoch {
  readonly epoch: number;
  readonly validation?: ValidationFigures;
}

/** The figure by which epochs are compared, larger is better; undefined if none was measured. */
const merit = ({ error, elbo, reconstruction }: ValidationFigures): number | undefined =>
  error === undefined ? (elbo ?? reconstruction) : -error;

/** The first epoch with the best figure; undefined if no epoch has one. A figure that is not finite is never the best. */
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

/** Whether `patience` epochs have passed since the best one. */
export function isOver(epochs: readonly MeasuredEpoch[], patience: number): boolean {
  const best = bestEpoch(epochs);
  const last = epochs.at(-1)?.epoch;
  return best !== undefined && last !== undefined && last - best >= patience;
}
