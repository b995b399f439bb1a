import { table } from "./report.mjs";

export const cell = (value, digits = 2) =>
  value === undefined || value === null ? "–" : value.toFixed(digits);

const target = ({ ratio, atLeast }) => {
  if (atLeast === undefined) return "";
  const wanted = `≥ ${atLeast.toFixed(atLeast < 1 ? 2 : 0)}`;
  if (ratio === null) return wanted;
  return `${wanted} ${ratio >= atLeast ? "met" : "missed"}`;
};

const row = (entry) => {
  if (entry.failure) return [entry.name, ...Array(10).fill("–"), `failed: ${entry.failure}`];
  return [
    entry.name,
    entry.version,
    String(entry.threads),
    cell(entry.median),
    `${cell(entry.q1)}–${cell(entry.q3)}`,
    cell(entry.min),
    cell(entry.max),
    cell(entry.ratio),
    entry.turnRatio ? `${cell(entry.turnRatio.q1)}–${cell(entry.turnRatio.q3)}` : "–",
    target(entry),
    entry.firstLoss === undefined ? "–" : `${cell(entry.firstLoss, 0)} → ${cell(entry.lastLoss, 0)}`,
    entry.firstLoss === undefined
      ? "–"
      : entry.valid
        ? "yes"
        : `INVALID: the loss must start within ${entry.start.join("–")} and end below ${entry.lossBound}`,
  ];
};

const HEADER = "version,threads,median ms,quartiles,min,max,ratio,by turn,target,loss,trains".split(",");

/** The figures of contestants that computed one step, under a heading. */
export const stepTable = (what, entries) => table([what, ...HEADER], entries.map(row));
