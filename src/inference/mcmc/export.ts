/** A run's draws in formats of other programs, as text or bytes that the caller writes. */

import { UsageError } from "../../errors.ts";
import { anything, checkOptions, type OptionRules } from "../../options.ts";
import { sizeOf } from "../../tensor/index.ts";
import type { Mcmc } from "./sampler.ts";

interface Column {
  readonly name: string;
  /** Chain by chain. */
  readonly values: Float64Array;
}

/** CmdStan's names of a transition's reports. */
const statistics = [
  ["lp__", "logDensity"],
  ["accept_stat__", "acceptance"],
  ["stepsize__", "stepSize"],
  ["treedepth__", "treeDepth"],
  ["n_leapfrog__", "leapfrogs"],
  ["divergent__", "divergent"],
  ["energy__", "energy"],
] as const;

/** CmdStan's names of a site's elements in row-major order, `m.1.2`: indices from 1, and no other dots. */
function cmdStanNames(site: string, shape: readonly number[]): string[] {
  const plain = site.replace(/[^\p{L}\p{N}_]/gu, "_");
  const indices = shape.reduce<string[]>(
    (sofar, size) => sofar.flatMap((s) => Array.from({ length: size }, (_, i) => `${s}.${i + 1}`)),
    [""],
  );
  return indices.map((index) => plain + index);
}

/** @throws UsageError when two sites would have columns of the same name. */
function columnsOf(run: Mcmc): Column[] {
  const rows = run.chains * run.draws;
  const columns: Column[] = statistics.map(([name, key]) => ({ name, values: run.statistics[key] }));
  const owners = new Map<string, string>();
  for (const [site, { shape, data }] of run.values) {
    const size = sizeOf(shape.slice(2));
    cmdStanNames(site, shape.slice(2)).forEach((name, j) => {
      const other = owners.get(name);
      if (other !== undefined) {
        throw new UsageError(
          `draws: sites '${other}' and '${site}' would both be column '${name}'; rename one.`,
        );
      }
      owners.set(name, site);
      columns.push({
        name,
        values: Float64Array.from({ length: rows }, (_, i) => Number(data[i * size + j])),
      });
    });
  }
  return columns;
}

function number(v: number): string {
  if (Number.isNaN(v)) return "nan";
  if (!Number.isFinite(v)) return v > 0 ? "inf" : "-inf";
  return String(v);
}

const counted = (length: number, of: (i: number) => number): Float64Array =>
  Float64Array.from({ length }, (_, i) => of(i));

/** The chains in a CSV file. */
export interface CsvOptions {
  /** One chain, as CmdStan writes it, with its comments: ArviZ reads a file for each chain. Default: all, in one table. */
  readonly chain?: number;
}

const csvRules: OptionRules<CsvOptions> = {
  chain: anything,
};

/**
 * Draws as CSV, columns named as CmdStan names them: `lp__` and the other reports of transitions, then `mu`, `theta.1`, … with indices
 * from 1. All chains make one table that begins with `chain` and `draw`, counted from 0; one chain makes CmdStan's own file.
 *
 * @example
 * await writeFile("draws.csv", drawsToCsv(posterior)); // pandas.read_csv
 * for (let chain = 0; chain < 4; chain++) await writeFile(`chain-${chain}.csv`, drawsToCsv(posterior, { chain }));
 * // arviz.from_cmdstan([f"chain-{c}.csv" for c in range(4)])
 *
 * @throws UsageError when there is no such chain, or two sites would have columns of the same name.
 */
export function drawsToCsv(run: Mcmc, options: CsvOptions = {}): string {
  checkOptions("drawsToCsv", options, csvRules);
  const { chain } = options;
  const { chains, draws, adapted } = run;
  const columns = columnsOf(run);
  if (chain === undefined) {
    const all = [
      { name: "chain", values: counted(chains * draws, (i) => Math.floor(i / draws)) },
      { name: "draw", values: counted(chains * draws, (i) => i % draws) },
      ...columns,
    ];
    return table(all, 0, chains * draws).join("");
  }
  if (!Number.isInteger(chain) || chain < 0 || chain >= chains) {
    throw new UsageError(`drawsToCsv: chain must be a whole number from 0 to ${chains - 1}, found ${chain}.`);
  }
  const { stepSize, metric } = adapted[chain];
  const [header, ...rows] = table(columns, chain * draws, (chain + 1) * draws);
  const elements = metric.kind === "diagonal" ? "Diagonal elements" : "Elements";
  return [
    "# method = sample\n",
    `# num_samples = ${draws}\n`,
    "# save_warmup = false\n",
    `# id = ${chain + 1}\n`,
    header,
    "# Adaptation terminated\n",
    `# Step size = ${number(stepSize)}\n`,
    `# ${elements} of inverse mass matrix:\n`,
    `# ${Array.from(metric.inverse, number).join(", ")}\n`,
    ...rows,
  ].join("");
}

/** A header and rows from `start` up to, not including, `end`, each with its line's end. */
function table(columns: readonly Column[], start: number, end: number): string[] {
  const lines = [`${columns.map((c) => c.name).join(",")}\n`];
  for (let i = start; i < end; i++)
    lines.push(`${columns.map(({ values }) => number(values[i])).join(",")}\n`);
  return lines;
}

/**
 * Draws as Parquet, the columns of the CSV of all chains: doubles, except whole numbers and `divergent__`. `pandas.read_parquet` and any
 * other Parquet reader can read it.
 *
 * @example
 * await writeFile("draws.parquet", await drawsToParquet(posterior));
 *
 * @throws UsageError when two sites would have columns of the same name.
 */
export async function drawsToParquet(run: Mcmc): Promise<Uint8Array> {
  // Loaded on demand: few runs are written.
  const { parquetWriteBuffer } = await import("hyparquet-writer");
  const { chains, draws } = run;
  const whole = new Set(["treedepth__", "n_leapfrog__"]);
  const int32 = (name: string, values: Float64Array) =>
    ({ name, data: Int32Array.from(values), type: "INT32", nullable: false }) as const;
  const buffer = parquetWriteBuffer({
    createdBy: "tightbound",
    columnData: [
      int32(
        "chain",
        counted(chains * draws, (i) => Math.floor(i / draws)),
      ),
      int32(
        "draw",
        counted(chains * draws, (i) => i % draws),
      ),
      ...columnsOf(run).map(({ name, values }) => {
        if (whole.has(name)) return int32(name, values);
        return name === "divergent__"
          ? ({ name, data: Array.from(values, (v) => v === 1), type: "BOOLEAN", nullable: false } as const)
          : ({ name, data: values, type: "DOUBLE", nullable: false } as const);
      }),
    ],
  });
  return new Uint8Array(buffer);
}
