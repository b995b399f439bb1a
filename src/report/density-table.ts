/** A table of negative log-likelihoods, published and found, as Markdown. */
import { markdown } from "./benchmark-table.ts";
import { decimal, duration, whole } from "./format.ts";

/** Negative log-likelihoods beside each other. */
export interface DensityTable {
  readonly title: string;
  /** What the figures are of. */
  readonly note: string;
  readonly rows: readonly {
    readonly name: string;
    /** Nats, and active units. */
    readonly published?: { readonly value: number; readonly units: number };
    readonly found?: {
      readonly value: number;
      readonly standardError: number;
      readonly units: number;
      readonly epochs: number;
      readonly seconds: number;
      /** Importance samples, and test rows that it is a mean over. */
      readonly samples: number;
      readonly rows: number;
    };
  }[];
}

const NOTHING = "–";

/** The table as text that can also be read in a terminal. */
export const densityMarkdown = ({ title, note, rows }: DensityTable): string =>
  [
    `# ${title}`,
    note,
    markdown({
      heads: [
        "model",
        "published",
        "here",
        "active units, published",
        "here",
        "epochs",
        "time",
        "importance samples",
        "rows",
      ],
      rows: rows.map(({ name, published, found }) => [
        name,
        decimal(published?.value, 2),
        found === undefined ? NOTHING : `${decimal(found.value, 2)} ± ${decimal(found.standardError, 2)}`,
        published === undefined ? NOTHING : whole(published.units),
        found === undefined ? NOTHING : whole(found.units),
        found === undefined ? NOTHING : whole(found.epochs),
        found === undefined ? NOTHING : duration(found.seconds),
        found === undefined ? NOTHING : whole(found.samples),
        found === undefined ? NOTHING : whole(found.rows),
      ]),
    }),
  ]
    .map((part) => `${part}\n`)
    .join("\n");
