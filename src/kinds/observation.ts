/** Chooses the likelihood and the binarisation of grey pixels from the data, unless the user gave them. */
import {
  type Binarization,
  type ColumnKind,
  type Dataset,
  describe,
  isBinary,
  type TableSummary,
} from "../data/index.ts";
import { checkLikelihood, type LikelihoodName } from "../models/index.ts";

/** The facts about data that the choice depends on. */
export interface DataTraits {
  readonly kind: "image" | "table";
  readonly isBinary: boolean;
  readonly range: readonly [number, number];
  /** Present for a table with its own columns. */
  readonly table?: TableSummary;
  /** Whether every value is k/255 for a whole number k. */
  readonly hasLevels?: boolean;
  /** Images with more than one channel. */
  readonly isColour?: boolean;
}

/** The choice. */
export interface Chosen {
  readonly likelihood: LikelihoodName;
  readonly binarize: Binarization;
  /** What was chosen and why, for the user; undefined if they chose both. */
  readonly why?: string;
}

/** The traits of rows. */
export function traitsOf(rows: Dataset, table?: TableSummary): DataTraits {
  const { range } = describe(rows);
  return {
    kind: rows.kind,
    isBinary: isBinary(rows),
    range,
    hasLevels: hasLevels(rows),
    isColour: rows.kind === "image" && (rows.shape[2] ?? 1) > 1,
    ...(table && { table }),
  };
}

/** Checks that the likelihood and the binarisation fit the rows. @throws UsageError when they do not. */
export function checkObservation(
  rows: Dataset,
  { likelihood, binarize }: { readonly likelihood: LikelihoodName; readonly binarize: Binarization },
): void {
  const { range } = describe(rows);
  checkLikelihood(likelihood, binarize, {
    name: rows.name,
    isBinary: isBinary(rows),
    hasMissing: rows.observed?.includes(0) ?? false,
    hasLevels: likelihood !== "discretised-logistic" || hasLevels(rows),
    range,
  });
}

/** Whether every value of rows is k/255 for a whole number k from 0 to 255. */
function hasLevels({ x, scale }: Dataset): boolean {
  if (Math.abs(255 * scale - 1) < 1e-9 && x instanceof Uint8Array) return true;
  return x.every((value) => {
    const level = value * scale * 255;
    return level >= 0 && level <= 255 && Math.abs(level - Math.round(level)) < 1e-3;
  });
}

const isGrey = ({ kind, isBinary, range: [low, high] }: DataTraits): boolean =>
  kind === "image" && low >= 0 && high <= 1 && !isBinary;

/** How grey pixels are binarised for a likelihood: a Bernoulli needs binary ones. */
export const binarizationOf = (traits: DataTraits, likelihood: string): Binarization =>
  likelihood === "bernoulli" && isGrey(traits) ? "dynamic" : "none";

/** Chooses the likelihood and the binarisation for the data, unless they were given. */
export function chooseObservation(
  { kind, isBinary, range: [low, high], table, hasLevels: levels, isColour }: DataTraits,
  given: { readonly likelihood?: LikelihoodName; readonly binarize?: Binarization },
): Chosen {
  if (table !== undefined) {
    return {
      likelihood: "table",
      binarize: "none",
      ...(given.likelihood === undefined && { why: `${columns(table)}, so: \`likelihood: "table"\`.` }),
    };
  }
  const unit = low >= 0 && high <= 1;
  const drawn = given.binarize !== undefined && given.binarize !== "none";
  const colour = isColour === true && levels === true && !isBinary && !drawn;
  const likelihood: LikelihoodName =
    given.likelihood ??
    (colour
      ? "discretised-logistic"
      : (unit && kind === "image") || isBinary || drawn
        ? "bernoulli"
        : "gaussian");
  const traits = { kind, isBinary, range: [low, high] } as const;
  const binarize = given.binarize ?? binarizationOf(traits, likelihood);
  if (given.likelihood !== undefined && given.binarize !== undefined) return { likelihood, binarize };
  const found = colour
    ? "Colours of 256 levels"
    : isBinary
      ? "Binary data"
      : isGrey(traits)
        ? "Grey pixels in [0, 1]"
        : kind === "table"
          ? "A table of real numbers"
          : `Pixels from ${low} to ${high}`;
  const chosen = [
    ...(given.likelihood === undefined ? [`\`likelihood: "${likelihood}"\``] : []),
    ...(given.binarize === undefined ? [`\`binarize: "${binarize}"\``] : []),
  ].join(" ");
  const meaning = given.binarize === undefined && binarize === "dynamic" ? " (drawn anew at every step)" : "";
  return { likelihood, binarize, why: `${found}, so: ${chosen}${meaning}.` };
}

/** What columns of each kind are called, after their number. */
const OF: Readonly<Record<ColumnKind, string>> = {
  numeric: "of numbers, standardised",
  positive: "of positive numbers, by their logarithms",
  bounded: "of numbers between two ends, by their logits",
  date: "of dates",
  count: "of counts",
  categorical: "of categories",
  ordinal: "of ordered levels",
};

/** `4 columns of numbers, standardised, and 2 of categories; 19 cells are missing`. */
function columns({ kinds, missing }: TableSummary): string {
  const parts = (Object.keys(OF) as ColumnKind[]).flatMap((kind) => {
    const count = kinds[kind] ?? 0;
    return count === 0 ? [] : [{ count, of: OF[kind] }];
  });
  const told = parts.map(({ count, of }, i) => `${i === 0 ? counted(count, "column") : count} ${of}`);
  const all = told.length < 2 ? told.join("") : `${told.slice(0, -1).join(", ")}, and ${told.at(-1)}`;
  const gaps = missing > 0 ? `; ${counted(missing, "cell")} ${missing === 1 ? "is" : "are"} missing` : "";
  return `${all}${gaps}`;
}

const counted = (count: number, noun: string): string => `${count} ${noun}${count === 1 ? "" : "s"}`;
