// Our sampler beside Stan's on ten posteriors: effective draws a second of CPU time, one core each. Stan's compiled programs and draws stay in the
// folder and are not made again; ours are always drawn anew.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";
import { quantile } from "./stats.mjs";

const here = fileURLToPath(new URL("../stan", import.meta.url));
const data = fileURLToPath(new URL("../../test/posteriors/data", import.meta.url));

const kidiq = (d) => ({ n: d.kid_score.length, ...d });
const points = (d) => ({ n: d.x.length, ...d });
const series = (d) => ({ n: d.y.length, ...d });

/** Of each posterior, Stan's data from ours. */
export const POSTERIORS = {
  "eight_schools-eight_schools_noncentered": series,
  "arK-arK": ({ y, K }) => {
    const later = y.slice(K);
    const lagged = later.map((_, t) => Array.from({ length: K }, (_, k) => y[K + t - 1 - k]));
    return { n: later.length, K, lagged, y: later };
  },
  "arma-arma11": series,
  "garch-garch11": series,
  "low_dim_gauss_mix-low_dim_gauss_mix": series,
  "kidiq-kidscore_interaction": kidiq,
  "gp_pois_regr-gp_pois_regr": points,
  "gp_pois_regr-gp_regr": points,
  "hmm_example-hmm_example": series,
  "diamonds-diamonds": ({ X, Y }) => ({ n: Y.length, K: X[0].length, X, Y }),
};

/** R's dump format; matrices go column by column. */
function dump(values) {
  const vector = (list) => `c(${list.join(", ")})`;
  return Object.entries(values)
    .map(([name, v]) => {
      if (typeof v === "number") return `${name} <- ${v}\n`;
      if (typeof v[0] === "number") return `${name} <- ${vector(v)}\n`;
      const columns = v[0].flatMap((_, k) => v.map((row) => row[k]));
      return `${name} <- structure(${vector(columns)}, .Dim = c(${v.length}, ${v[0].length}))\n`;
    })
    .join("");
}

/** Our settings of a posterior, as Stan takes them. */
const settingsOf = ({ targetAcceptance = 0.8, metric = "diagonal", maxTreeDepth = 10 }) => [
  String(targetAcceptance),
  { diagonal: "diag_e", dense: "dense_e", unit: "unit_e" }[metric],
  String(maxTreeDepth),
];

/** Stan's draws of a posterior by the settings of our sampler, into a folder, unless they are there. @returns whether they are there now. */
function sampleWithStan(name, folder, out, { seed, draws, options }) {
  mkdirSync(out, { recursive: true });
  if (existsSync(join(out, "seconds.txt"))) return true;
  if (!existsSync(join(folder, "model.stan")))
    copyFileSync(join(here, `${name}.stan`), join(folder, "model.stan"));
  const raw = readFileSync(join(data, `${name.slice(0, name.indexOf("-"))}.json.gz`));
  writeFileSync(join(folder, "data.R"), dump(POSTERIORS[name](JSON.parse(gunzipSync(raw)))));
  const numbers = [String(seed), ...settingsOf(options), String(draws)];
  return nicely("Rscript", [join(here, "sample.R"), folder, out, ...numbers]);
}

/** Runs a command with the least priority. @returns whether it succeeded. */
function nicely(command, args) {
  const { status, error } = spawnSync("nice", ["-n", "15", command, ...args], {
    stdio: ["ignore", "inherit", "inherit"],
  });
  if (status === 127 || error?.code === "ENOENT")
    throw new Error(`${command} is missing; Debian's r-cran-rstan brings Stan`);
  return status === 0;
}

/** The draws that sample.R wrote: a column for each parameter, chains one after another. */
function readDraws(folder) {
  const [head, ...lines] = readFileSync(join(folder, "draws.csv"), "utf8").trim().split("\n");
  const names = head.split(",").map((n) => n.replaceAll('"', ""));
  const rows = lines.map((line) => line.split(",").map(Number));
  return new Map(names.map((n, k) => [n, Float64Array.from(rows, (row) => row[k])]));
}

const smallest = (columns, ess) => {
  let least = { name: "", draws: Number.POSITIVE_INFINITY };
  for (const [name, values] of columns) {
    const draws = ess(values);
    if (draws < least.draws) least = { name, draws };
  }
  return least;
};

/** Median, least and largest of some figure of each seed's run. */
const over = (runs, figure) => {
  const values = runs.map(figure);
  return { median: quantile(values, 0.5), min: Math.min(...values), max: Math.max(...values) };
};

/**
 * Both samplers on each posterior, with the same target of acceptance, metric and depth of trees: the smallest effective number of draws of any parameter (centre of the distribution) over CPU seconds.
 * Stan and ours take turns, seed by seed. Ours runs in a process of its own, twice: the cold run's time is all of a first run, with what V8 compiles; the warm run's that of
 * a second one with another seed, which traces the graph again and finds it and the sampler compiled. Neither has the start of Node.
 */
export async function measureStan({
  names = Object.keys(POSTERIORS),
  folder = "runs/stan",
  seeds = 3,
  draws = 1000,
  progress = () => {},
}) {
  const { status: compiled } = spawnSync("npx", ["tsc", "-p", "tsconfig.examples.json"], {
    stdio: "inherit",
  });
  if (compiled !== 0) throw new Error("the posteriors' programs do not compile");
  const { essBulk } = await import("../../dist/public/mcmc.js");
  const { posteriors } = await import("../../dist-examples/test/posteriors/posteriors.js");
  const script = join(here, "ours.mjs");

  const measure = (name, seed) => {
    const { options } = posteriors.find((p) => p.name === name);
    const out = join(folder, name, `${seed}-${draws}`);
    progress(`Stan: ${name}, seed ${seed}`);
    if (!sampleWithStan(name, join(folder, name), out, { seed, draws, options })) return "Stan stopped";
    progress(`ours: ${name}, seed ${seed}`);
    const file = join(out, "ours.json");
    if (!nicely(process.execPath, [script, name, file, String(seed), String(draws)])) return "ours stopped";
    const sampled = [...readDraws(out)].filter(([n]) => n !== "lp__");
    const stan = smallest(sampled, (values) => essBulk(values, 4));
    const seconds = Number(readFileSync(join(out, "seconds.txt"), "utf8"));
    const { cold, warm } = JSON.parse(readFileSync(file, "utf8"));
    return { stan: { ...stan, seconds }, cold, warm };
  };

  const rows = [];
  for (const name of names) {
    const runs = [];
    let failed;
    for (let seed = 1; seed <= seeds && failed === undefined; seed++) {
      const run = measure(name, seed);
      if (typeof run === "string") failed = run;
      else runs.push(run);
    }
    if (failed !== undefined) {
      rows.push({ name, failed });
      continue;
    }
    const rate = ({ draws, seconds }) => draws / seconds;
    const of = (side) => ({
      seconds: over(runs, (run) => run[side].seconds),
      rate: over(runs, (run) => rate(run[side])),
      fewest: runs.map((run) => run[side].name),
    });
    const ratio = (side) => over(runs, (run) => rate(run[side]) / rate(run.stan));
    rows.push({
      name,
      stan: of("stan"),
      cold: { ...of("cold"), ratio: ratio("cold") },
      warm: { ...of("warm"), ratio: ratio("warm") },
    });
  }
  return rows;
}
