// The step of M2, ours: `node m2.mjs FORM SHAPE THREADS`. FORM is `shared`, the step that training makes, or `naive`, the same bound
// written without thought: each unlabelled row repeated once for every class, so that nothing which does not depend on the class
// is shared. Parameters, minibatches and draws are the same, so both start at the same loss.
import { createRequire } from "node:module";
import { gaussianMinibatches, minibatches } from "../../dist/data/index.js";
import { loadMnist } from "../../dist/public/data.js";
import { Trainer } from "../../dist/public/runs.js";
import { expand, noise, reshape, sum, transpose } from "../../dist/public/tensor.js";
import { drawLabels, hideLabels, input, kl, M2, Normal, tensor } from "../../dist/public/tightbound.js";
import { fillNormal, stream } from "../../dist/random/index.js";
import { semiSupervisedBatches } from "../../dist/train/batches.js";
import {
  ALPHA,
  CLASSES,
  centre,
  LABELLED,
  LATENT,
  LEARNING_RATE,
  POSTERIORS,
  ROWS,
  SHAPES,
} from "../lib/m2.mjs";
import { serve } from "../lib/serve.mjs";

const { version } = createRequire(import.meta.url)("../../package.json");
const [form, name] = process.argv.slice(2);
const threads = Number(process.argv[4]);
const shape = SHAPES[name];
const settings = {
  epochs: 10,
  optimizer: "adam",
  lr: LEARNING_RATE,
  schedule: "constant",
  seed: 0,
  threads,
};

/** Labelled and unlabelled minibatches, and the classes of all rows. */
const pixelRows = () => {
  const digits = loadMnist("train");
  const { labelled } = drawLabels(digits, { labels: LABELLED });
  const { labels } = hideLabels(digits, labelled);
  const rows = (subset, site) =>
    minibatches(digits, { batch: ROWS, seed: 0, site, binarize: "dynamic", subset });
  return { labels, rows };
};

const featureRows = () => {
  const { rows: count, spread, scale } = POSTERIORS;
  const means = new Float32Array(count * shape.features);
  fillNormal(means, stream(0, "posteriors"));
  means.forEach((e, i) => {
    means[i] = centre(Math.floor(i / shape.features) % CLASSES, i % shape.features) + spread * e;
  });
  const gaussian = { rows: count, features: shape.features, means, scales: means.map(() => scale) };
  const labels = Int32Array.from({ length: count }, (_, i) => (i < LABELLED ? i % CLASSES : -1));
  return {
    labels,
    rows: (subset, site) => gaussianMinibatches(gaussian, { batch: ROWS, seed: 0, site, subset }),
  };
};

const { labels, rows } = name === "pixels" ? pixelRows() : featureRows();
const rowsWhere = (keep) => Uint32Array.from(labels.keys()).filter((row) => keep(labels[row]));
const [few, many] = [rowsWhere((label) => label >= 0), rowsWhere((label) => label < 0)];

const m2 = M2({
  features: shape.features,
  classes: CLASSES,
  latent: LATENT,
  hidden: [shape.hidden],
  activation: shape.activation,
  likelihood: shape.likelihood,
});

/** J of eq. 9, as `m2.objective` has it, from the networks alone. */
const naiveObjective = () => {
  const oneHot = (count) =>
    tensor(
      Array.from({ length: CLASSES * count }, (_, i) =>
        Array.from({ length: CLASSES }, (_, k) => Number(k === Math.floor(i / count))),
      ),
    );
  const prior = Normal(0, 1).expand([LATENT]).toEvent(1);
  const bound = (x, y, epsilon) => {
    const q = m2.encode(x, y);
    const z = q.mean().add(q.variance().sqrt().mul(epsilon));
    return m2.decode(y, z).logProb(x).sub(Math.log(CLASSES)).sub(kl(q, prior));
  };
  const [x, xLabelled, y] = [
    input("x", [ROWS, shape.features]),
    input("xLabelled", [ROWS, shape.features]),
    input("y", [ROWS, CLASSES]),
  ];
  const repeated = reshape(expand(x, [CLASSES, ROWS, shape.features]), [CLASSES * ROWS, shape.features]);
  const epsilon = reshape(noise("normal", "z", [CLASSES, ROWS, LATENT]), [CLASSES * ROWS, LATENT]);
  const classes = oneHot(ROWS);
  const logQ = reshape(transpose(m2.classify(x)), [CLASSES * ROWS]);
  const unlabelled = sum(logQ.exp().mul(bound(repeated, classes, epsilon).sub(logQ)));
  const labelled = sum(bound(xLabelled, y, noise("normal", "labelled/z", [ROWS, LATENT])));
  const classification = sum(m2.classify(xLabelled).mul(y));
  const total = few.length + many.length;
  const loss = unlabelled
    .mul(many.length / ROWS / total)
    .add(labelled.mul(few.length / ROWS / total))
    .add(classification.mul(ALPHA / ROWS))
    .neg();
  return { loss, metrics: {} };
};

const trainer = await Trainer.create(
  m2.parameters,
  form === "naive"
    ? naiveObjective()
    : m2.objective({
        labelled: { size: few.length, rows: ROWS },
        unlabelled: { size: many.length, rows: ROWS },
        alpha: ALPHA,
      }),
  semiSupervisedBatches({
    labelled: rows(few, "labelled/"),
    unlabelled: rows(many),
    labels,
    classes: CLASSES,
  }),
  settings,
);

const encoded = (values, dimensions) => ({
  shape: dimensions,
  data: Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString("base64"),
});

/** The first step's parameters, minibatch and draws, and its loss: what another implementation must agree with. */
const sample = async () => {
  const { trainStep } = trainer;
  const tensors = Object.fromEntries(
    m2.parameters.map((p) => [p.name, encoded(trainStep.value(p.name).slice(), p.tensor.shape)]),
  );
  const { loss } = await trainer.next();
  for (const [input, columns] of [
    ["x", shape.features],
    ["xLabelled", shape.features],
    ["y", CLASSES],
  ]) {
    tensors[input] = encoded(trainStep.input(input), [ROWS, columns]);
  }
  for (const [site, dimensions] of [
    ["z", [CLASSES, ROWS, LATENT]],
    ["labelled/z", [ROWS, LATENT]],
  ]) {
    const draws = new Float32Array(dimensions.reduce((a, b) => a * b));
    fillNormal(draws, stream(settings.seed, site), { step: 0 });
    tensors[site] = encoded(draws, dimensions);
  }
  return { loss, tensors, rows: { labelled: few.length, unlabelled: many.length } };
};

await serve({
  name: form === "naive" ? "Tightbound, rows repeated" : "Tightbound",
  version,
  threads,
  step: async () => (await trainer.next()).loss,
  commands: { sample },
});
