// Our sampler beside Stan's on ten posteriors: effective draws a second of CPU time, one core each, without Stan's compilation. Resumable: what lies in
// the folder is not done again.
import { spawnSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { gunzipSync } from "node:zlib";

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

/** Stan's draws of a posterior by the settings of our sampler, unless they are there. @returns whether they are there now. */
function sampleWithStan(name, folder, seed, options) {
  mkdirSync(folder, { recursive: true });
  if (existsSync(join(folder, "seconds.txt"))) return true;
  if (!existsSync(join(folder, "model.stan")))
    copyFileSync(join(here, `${name}.stan`), join(folder, "model.stan"));
  const raw = readFileSync(join(data, `${name.slice(0, name.indexOf("-"))}.json.gz`));
  writeFileSync(join(folder, "data.R"), dump(POSTERIORS[name](JSON.parse(gunzipSync(raw)))));
  const { status, error } = spawnSync(
    "nice",
    ["-n", "15", "Rscript", join(here, "sample.R"), folder, String(seed), ...settingsOf(options)],
    {
      stdio: ["ignore", "inherit", "inherit"],
    },
  );
  if (error?.code === "ENOENT") throw new Error("Rscript is missing: apt-get install r-cran-rstan");
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

/**
 * Both samplers on each posterior, with the same target of acceptance, metric and depth of trees: the smallest effective number of draws of any parameter (centre of the distribution) over CPU seconds.
 * Ours runs in a process of its own; its time is the whole run's, with tracing and the compilation of the graph, without the start of Node.
 */
export async function measureStan({
  names = Object.keys(POSTERIORS),
  folder = "runs/stan",
  seed = 1,
  progress = () => {},
}) {
  const { status: compiled } = spawnSync("npx", ["tsc", "-p", "tsconfig.examples.json"], {
    stdio: "inherit",
  });
  if (compiled !== 0) throw new Error("the posteriors' programs do not compile");
  const { essBulk } = await import("../../dist/public/mcmc.js");
  const { posteriors } = await import("../../dist-examples/test/posteriors/posteriors.js");
  const rows = [];
  for (const name of names) {
    const own = join(folder, name);
    progress(`Stan: ${name}`);
    const { options } = posteriors.find((p) => p.name === name);
    if (!sampleWithStan(name, own, seed, options)) {
      rows.push({ name, failed: "Stan stopped" });
      continue;
    }
    progress(`ours: ${name}`);
    const file = join(own, "ours.json");
    if (!existsSync(file)) {
      const script = fileURLToPath(new URL("../stan/ours.mjs", import.meta.url));
      const { status } = spawnSync("nice", ["-n", "15", process.execPath, script, name, file, String(seed)], {
        stdio: "inherit",
      });
      if (status !== 0) {
        rows.push({ name, failed: "ours stopped" });
        continue;
      }
    }
    const stan = smallest(
      [...readDraws(own)].filter(([n]) => n !== "lp__"),
      (values) => essBulk(values, 4),
    );
    const stanSeconds = Number(readFileSync(join(own, "seconds.txt"), "utf8"));
    const ours = JSON.parse(readFileSync(file, "utf8"));
    rows.push({
      name,
      stan: { ...stan, seconds: stanSeconds, rate: stan.draws / stanSeconds },
      ours: { ...ours, rate: ours.draws / ours.seconds },
      ratio: ours.draws / ours.seconds / (stan.draws / stanSeconds),
    });
  }
  return rows;
}
