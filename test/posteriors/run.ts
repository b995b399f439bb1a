/** `npm run posteriors`: NUTS on posteriors whose moments are known, a table row for each, and a verdict. */
import { createHash } from "node:crypto";
import { parseArgs } from "node:util";
import { type Comparison, compare } from "./compare.ts";
import { falseAlarmRate, LIMIT, outliers, pooled, type RootMeanSquare, unmixed, worstOf } from "./judge.ts";
import { appendLog, digestOf, readLog } from "./log.ts";
import { type Posterior, readReference } from "./posterior.ts";
import { posteriors } from "./posteriors.ts";

const usage = `npm run posteriors [-- NAME … --seed 0 --draws 1000 --warm-up 1000 --workers N --log runs/posteriors.jsonl --again --list]
NAME is a posterior's, or a part of it. What the log holds already, of the same programs and options, is not drawn again; --again draws it.`;

interface Settings {
  readonly chosen: readonly Posterior[];
  readonly run: { readonly seed: number; readonly draws: number; readonly warmUp: number };
  readonly workers: number | undefined;
  readonly log: string;
  readonly again: boolean;
}

/** @throws Error with what to say. */
function settingsOf(args: readonly string[]): Settings {
  const { values, positionals } = parseArgs({
    args: [...args],
    allowPositionals: true,
    options: {
      seed: { type: "string", default: "0" },
      draws: { type: "string", default: "1000" },
      "warm-up": { type: "string", default: "1000" },
      workers: { type: "string" },
      log: { type: "string", default: "runs/posteriors.jsonl" },
      again: { type: "boolean", default: false },
      list: { type: "boolean", default: false },
    },
  });
  const names = posteriors.map(({ name }) => name);
  if (values.list) throw new Error(names.join("\n"));
  const unknown = positionals.find((part) => !names.some((name) => name.includes(part)));
  if (unknown !== undefined) {
    throw new Error(`No posterior has '${unknown}' in its name; there are\n${names.join("\n")}`);
  }
  const whole = (flag: string, text: string): number => {
    const value = Number(text);
    if (text.trim() === "" || !Number.isInteger(value) || value < 0) {
      throw new Error(`--${flag} must be a whole number of at least 0, found '${text}'.`);
    }
    return value;
  };
  return {
    chosen: posteriors.filter(
      ({ name }) => positionals.length === 0 || positionals.some((part) => name.includes(part)),
    ),
    run: {
      seed: whole("seed", values.seed),
      draws: whole("draws", values.draws),
      warmUp: whole("warm-up", values["warm-up"]),
    },
    workers: values.workers === undefined ? undefined : whole("workers", values.workers),
    log: values.log,
    again: values.again,
  };
}

const columns = [
  ["posterior", 46],
  ["parameters", 11],
  ["worst z", 9],
  ["of", 14],
  ["divergences", 13],
  ["R̂", 8],
  ["effective draws", 17],
  ["seconds", 9],
] as const;

const line = (cells: readonly string[]): string =>
  cells
    .map((cell, i) =>
      i === 0 || i === 3
        ? cell.padEnd(columns[i][1])
        : cell.padStart(columns[i][1] - 2).padEnd(columns[i][1]),
    )
    .join("")
    .trimEnd();

function rowOf(comparison: Comparison): string {
  const { posterior, parameters, divergences, rHat, effectiveDraws, seconds } = comparison;
  const worst = parameters.reduce((a, b) => (worstOf(b) > worstOf(a) ? b : a));
  return line([
    posterior,
    String(parameters.length),
    worstOf(worst).toFixed(2),
    `${worst.name}${Math.abs(worst.zSd) > Math.abs(worst.zMean) ? " (sd)" : ""}`,
    String(divergences),
    rHat.toFixed(3),
    effectiveDraws.toFixed(0),
    seconds.toFixed(1),
  ]);
}

/**
 * A seed for each posterior. Of one seed, chains in posteriors that are alike (most of ours are nearly normal, of a few dimensions) would
 * err alike, and the root mean square z would be that of a few numbers.
 */
const seedOf = (name: string, seed: number): number =>
  createHash("sha256").update(`${seed} ${name}`).digest().readUInt32BE(0);

/** Says how it went. @returns whether all is well. */
function verdict(
  comparisons: readonly Comparison[],
  failures: readonly string[],
  complete: boolean,
): boolean {
  const count = 2 * comparisons.reduce((n, c) => n + c.parameters.length, 0);
  const beyond = outliers(comparisons);
  const { mean, sd } = pooled(comparisons);
  console.log(
    `\n${comparisons.length} posteriors, ${count} moments. Beyond ${LIMIT} standard errors: ${beyond.length} ` +
      `(a right sampler has one for ${(100 * falseAlarmRate(count)).toPrecision(2)} % of seeds).`,
  );
  const wrong = [...beyond, ...unmixed(comparisons), ...failures];
  for (const each of wrong) console.log(`  ${each}`);
  if (comparisons.length > 1) {
    const shown = ({ value, error }: RootMeanSquare): string => `${value.toFixed(3)} ± ${error.toFixed(3)}`;
    console.log(`Root mean square z: ${shown(mean)} of means, ${shown(sd)} of standard deviations.`);
  }
  if (!complete) return wrong.length === 0;
  const near = [mean, sd].every(({ value }) => value > 0.9 && value < 1.1);
  if (!near) console.log("Both should lie between 0.9 and 1.1.");
  return wrong.length === 0 && near;
}

/** @returns the exit status: 0 when every moment agrees, 1 when one does not, 2 when the arguments are wrong. */
export async function main(args: readonly string[]): Promise<number> {
  let settings: Settings;
  try {
    settings = settingsOf(args);
  } catch (error) {
    const list = args.includes("--list");
    console[list ? "log" : "error"](`${(error as Error).message}${list ? "" : `\n\n${usage}`}`);
    return list ? 0 : 2;
  }
  const { chosen, run, workers, log, again } = settings;
  const key = `${digestOf(["dist", "dist-examples/test/posteriors", "test/posteriors"])} ${JSON.stringify(run)}`;
  const finished = again ? new Map<string, Comparison>() : readLog(log, key);
  const reference = readReference();
  const comparisons: Comparison[] = [];
  const failures: string[] = [];
  console.log(line(columns.map(([title]) => title)));
  for (const posterior of chosen) {
    const moments = reference.get(posterior.name);
    if (moments === undefined) throw new Error(`reference.json has no '${posterior.name}'.`);
    try {
      let comparison = finished.get(posterior.name);
      if (comparison === undefined) {
        comparison = await compare(posterior, moments, {
          ...run,
          seed: seedOf(posterior.name, run.seed),
          ...(workers !== undefined && { workers }),
        });
        appendLog(log, key, comparison);
      }
      comparisons.push(comparison);
      console.log(rowOf(comparison));
    } catch (error) {
      failures.push(`${posterior.name}: ${(error as Error).message}`);
      console.log(`${posterior.name.padEnd(46)}failed`);
    }
  }
  return verdict(comparisons, failures, chosen.length === posteriors.length) ? 0 : 1;
}
