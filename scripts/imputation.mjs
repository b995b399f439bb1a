// `npm run imputation [-- --draws 5] [--table wdbc] [--without age] [--first 3]`: how accurately a VAE imputes the tables of the examples, with 30 % of the
// cells hidden at random or by their values; `--types`: the gain from types of columns, in nats for each hidden cell.
import { parseArgs } from "node:util";
import { encodeTable, featureLayout, fitTable, readTable } from "../dist/data/index.js";
import { hideCells, imputationError, imputeMeans, imputeNearest, VAE } from "../dist/models/index.js";
import { train } from "../dist/runs/index.js";
import { heldOutLogLikelihood } from "./support/held-out-cells.mjs";

const { values } = parseArgs({
  options: {
    draws: { type: "string", default: "5" },
    types: { type: "boolean" },
    table: { type: "string" },
    without: { type: "string", multiple: true, default: [] },
    first: { type: "string", default: "0" },
  },
});
const draws = Number(values.draws);
const first = Number(values.first);

const TABLES = [
  { name: "penguins", path: "examples/data/penguins.csv", options: { ignore: ["year"] } },
  { name: "wdbc", path: "examples/data/wdbc.csv", options: {} },
  { name: "anes96", path: "examples/data/anes96.csv", options: {} },
]
  .filter(({ name }) => values.table === undefined || name === values.table)
  .map(({ options, ...rest }) => ({
    ...rest,
    options: { ignore: [...(options.ignore ?? []), ...values.without] },
  }));

/** Defaults of `tightbound train vae` on a table. */
const trained = (data, layout, seed) =>
  train(VAE({ shape: data.shape, latent: 10, hidden: [50], likelihood: "table", layout }), data, {
    epochs: 100,
    lr: 3e-3,
    schedule: "cosine",
    binarize: "none",
    seed,
    threads: 1,
  });

const mean = (numbers) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
const cell = (value) => (value === undefined || Number.isNaN(value) ? "" : value.toFixed(3)).padStart(8);

for (const { name, path, options } of TABLES) {
  const table = await readTable(path);
  const { preprocessing } = fitTable(table, options);
  const layout = featureLayout(preprocessing);
  const whole = encodeTable(table, preprocessing).dataset;
  if (values.types) {
    await compareTypes(name, table, options);
    continue;
  }
  for (const how of ["random", "high"]) {
    const found = { posterior: [], mean: [], nearest: [] };
    for (let seed = first; seed < first + draws; seed++) {
      const { rows, hidden } = hideCells(whole, layout, { share: 0.3, seed, how });
      const vae = await trained(rows, layout, seed);
      const error = (filled) => imputationError(whole, filled, hidden, layout);
      found.posterior.push(error(await vae.impute(rows, { seed })));
      found.mean.push(error(imputeMeans(rows, rows)));
      found.nearest.push(error(imputeNearest(rows, rows)));
    }
    for (const [way, errors] of Object.entries(found)) {
      const [rmse, right] = ["rmse", "right"].map((key) =>
        mean(errors.map((error) => error[key] ?? Number.NaN)),
      );
      console.log(
        `${name.padEnd(10)}${how.padEnd(8)}${way.padEnd(10)}rmse${cell(rmse)}  right${cell(right)}  (${draws} draws)`,
      );
    }
  }
}

/** Log likelihood of hidden cells, in nats per cell, with the types that the data choose and with normals only. */
async function compareTypes(name, table, options) {
  const chosen = fitTable(table, options).preprocessing;
  const numbers = chosen.columns.filter(({ kind }) => !["numeric", "categorical"].includes(kind));
  const plain = Object.fromEntries(numbers.map((column) => [column.name, "number"]));
  const found = { types: [], normals: [] };
  for (let seed = first; seed < first + draws; seed++) {
    for (const [way, types] of [
      ["types", undefined],
      ["normals", plain],
    ]) {
      const { preprocessing } = fitTable(table, { ...options, ...(types && { types }) });
      const layout = featureLayout(preprocessing);
      const whole = encodeTable(table, preprocessing).dataset;
      // Hide the same cells for both: they depend on the seed, the row and the name of the column.
      found[way].push(
        await heldOutLogLikelihood({ table, whole, preprocessing, layout, chosen, seed, trained }),
      );
    }
  }
  for (const column of ["all", ...numbers.map((one) => one.name)]) {
    const [types, normals] = ["types", "normals"].map((way) => mean(found[way].map((one) => one[column])));
    console.log(
      `${name.padEnd(10)}${column.padEnd(26)}types${cell(types)}  normals${cell(normals)}  nats a cell (${draws} draws)`,
    );
  }
}
