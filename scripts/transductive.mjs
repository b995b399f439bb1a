// M1 with its transductive support vector machine, on the M1 that `tightbound reproduce kingma2014` trained:
//   npm run build && node scripts/transductive.mjs runs/kingma2014/m1 [labels] [draws]
// Prints the validation and test error of each draw of the labels, in percent, and their means.
import {
  activeDimensions,
  drawLabels,
  hideLabels,
  posteriorOf,
  predictedClasses,
  selectFeatures,
  transductiveSvm,
} from "../dist/index.js";
import { loadRunData, openTrained, VALIDATION } from "../dist/run/index.js";

const [path = "runs/kingma2014/m1", labels = "100", draws = "5"] = process.argv.slice(2);
const data = await loadRunData({ spec: "mnist", validation: VALIDATION });
const { trained } = await openTrained(path);
const posterior = await posteriorOf(trained.model, trained.parameters, data.train);
const active = activeDimensions(posterior);
const features = async (part) =>
  selectFeatures(await posteriorOf(trained.model, trained.parameters, part), active).means;
const x = selectFeatures(posterior, active).means;
const held = await Promise.all(
  [data.validation, data.test].map(async (part) => ({ x: await features(part), labels: part.labels })),
);

const errors = [];
for (let seed = 0; seed < Number(draws); seed++) {
  const { labelled } = drawLabels(data.train, { labels: Number(labels), seed });
  const few = hideLabels(data.train, labelled);
  const known = { x, features: active.length, labels: few.labels, classes: few.classes.length };
  const fitted = await transductiveSvm().fit(known);
  const row = [];
  for (const part of held) {
    const predicted = predictedClasses(await fitted.scores(part.x), known.classes);
    const wrong = predicted.reduce((count, k, i) => count + Number(k !== part.labels[i]), 0);
    row.push((100 * wrong) / predicted.length);
  }
  errors.push(row);
  console.log(`draw ${seed}: validation ${row[0].toFixed(2)}, test ${row[1].toFixed(2)}`);
}
const [validation, test] = [0, 1].map((i) => errors.reduce((sum, row) => sum + row[i], 0) / errors.length);
const squares = errors.reduce((sum, row) => sum + (row[1] - test) ** 2, 0);
const standardError = Math.sqrt(squares / (errors.length - 1) / errors.length);
console.log(
  `mean: validation ${validation.toFixed(2)}, test ${test.toFixed(2)} ± ${standardError.toFixed(2)}`,
);
