/** No public function passes over an option that it does not know, also where no compiler looks. */
import { readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { TightboundError, UsageError } from "../../src/errors.ts";
import { checkOptions, distance, nearest, positive, whole } from "../../src/options.ts";
import * as data from "../../src/public/data.ts";
import * as distributions from "../../src/public/distributions.ts";
import * as inference from "../../src/public/inference.ts";
import * as mcmc from "../../src/public/mcmc.ts";
import * as models from "../../src/public/models.ts";
import * as nn from "../../src/public/nn.ts";
import * as optim from "../../src/public/optim.ts";
import * as report from "../../src/public/report.ts";
import * as runs from "../../src/public/runs.ts";
import * as tensor from "../../src/public/tensor.ts";

const root = join(import.meta.dirname, "..", "..");
const { model } = inference;
const coin = model(({ sample, observe }) => {
  const p = sample("p", distributions.Beta(2, 2));
  observe("x", distributions.Bernoulli({ probs: p }), tensor.scalar(1));
});
const guide = inference.autoNormal(coin);
const dataset = data.createDataset({
  name: "two",
  x: new Float32Array(8).fill(0.5),
  rows: 2,
  shape: [4],
  labels: Int32Array.from([0, 1]),
  classes: ["a", "b"],
});
const matrix = tensor.eye(2);
const vae = () => models.VAE({ shape: [4], latent: 2, hidden: [3] });
const untrained = () => runs.train(vae(), dataset, { epochs: 1, binarize: "dynamic" });
const m2 = () => models.M2({ features: 4, classes: 2, latent: 2, hidden: [3] });

/** Each public type of options: calls that take it, written without types, as JavaScript does. */
// biome-ignore lint/suspicious/noExplicitAny: what is tested is what happens where there are no types
type Call = (options: any) => unknown;
const calls: Record<string, readonly Call[]> = {
  AdamOptions: [optim.adam, optim.adamw],
  SgdOptions: [optim.sgd],
  RmspropOptions: [optim.rmsprop],
  StepOptions: [
    (o) =>
      optim.compileStep({ loss: tensor.scalar(0), metrics: {} }, [], optim.sgd({ learningRate: 1 }), {
        seed: 0,
        ...o,
      }),
  ],
  GaussianProcessOptions: [(o) => distributions.GaussianProcess(distributions.kernels.rbf(), o)],
  SparseGaussianProcessOptions: [
    (o) =>
      distributions.SparseGaussianProcess(distributions.kernels.rbf(), tensor.ones([1]), { noise: 1, ...o }),
  ],
  HilbertSpaceOptions: [
    (o) =>
      distributions.hilbertSpaceFeatures(distributions.kernels.rbf(), tensor.ones([1]), {
        basis: 2,
        boundary: 2,
        ...o,
      }),
  ],
  KernelOptions: [distributions.kernels.rbf, distributions.kernels.matern32, distributions.kernels.matern52],
  PeriodicOptions: [(o) => distributions.kernels.periodic({ period: 1, ...o })],
  LinearKernelOptions: [distributions.kernels.linear],
  ValuesOptions: [
    (o) =>
      distributions
        .GaussianProcess(distributions.kernels.rbf(), { noise: 1 })
        .given(tensor.ones([1]), tensor.ones([1]), tensor.ones([1]), o),
    (o) =>
      distributions
        .SparseGaussianProcess(distributions.kernels.rbf(), tensor.ones([1]), { noise: 1 })
        .given(tensor.ones([1]), tensor.ones([1]), tensor.ones([1]), o),
  ],
  RandomWalkOptions: [(o) => distributions.GaussianRandomWalk(1, 3, o)],
  StateSpaceOptions: [
    (o) =>
      distributions.LinearGaussianStateSpace({
        length: 2,
        transition: [[1]],
        transitionScale: [[1]],
        emission: [[1]],
        initialScale: [[1]],
        ...o,
      }),
  ],
  ArmaOptions: [(o) => distributions.ARMA({ ar: [0.5], scale: 1, length: 3, ...o })],
  EmpiricalOptions: [(o) => distributions.Empirical([1, 2], o)],
  GruOptions: [(o) => nn.gru(2, 2, o)],
  LstmOptions: [(o) => nn.lstm(2, 2, o)],
  OdeintOptions: [(o) => tensor.odeint((_, y) => y, tensor.ones([1]), [0, 1], o)],
  ScanOptions: [
    (o) =>
      tensor.scan(
        tensor.scalar(0),
        tensor.ones([3]),
        (carry, x) => ({ carry: carry.add(x), output: carry }),
        o,
      ),
  ],
  BatchNormOptions: [(o) => nn.batchNorm(2, o)],
  NormOptions: [(o) => nn.layerNorm(2, o)],
  DropoutOptions: [(o) => nn.dropout(0.5, { site: "s", ...o })],
  MlpOptions: [(o) => nn.mlp({ inputs: 1, hidden: [1], outputs: 1, ...o })],
  WeightOptions: [(o) => nn.dense(1, 1, o), (o) => nn.convolution2d(1, 1, 1, o)],
  Conv1dOptions: [(o) => tensor.conv1d(tensor.ones([1, 1, 2]), tensor.ones([1, 1, 1]), o)],
  CumprodOptions: [(o) => tensor.cumprod(matrix, 0, o)],
  Pool1dOptions: [
    (o) => tensor.maxPool1d(tensor.ones([1, 1, 4]), 2, o),
    (o) => tensor.meanPool1d(tensor.ones([1, 1, 4]), 2, o),
  ],
  Pool2dOptions: [
    (o) => tensor.maxPool2d(tensor.ones([1, 1, 4, 4]), 2, o),
    (o) => tensor.meanPool2d(tensor.ones([1, 1, 4, 4]), 2, o),
  ],
  SortOptions: [(o) => tensor.sort(matrix, 0, o), (o) => tensor.argsort(matrix, 0, o)],
  Conv2dOptions: [(o) => tensor.conv2d(tensor.ones([1, 1, 2, 2]), tensor.ones([1, 1, 1, 1]), o)],
  Conv2dTransposeOptions: [
    (o) => tensor.conv2dTranspose(tensor.ones([1, 1, 2, 2]), tensor.ones([1, 1, 1, 1]), o),
    (o) => nn.convolutionTranspose2d(1, 1, 1, o),
  ],
  MatmulOptions: [(o) => tensor.matmul(matrix, matrix, o), (o) => matrix.matmul(matrix, o)],
  ReduceOptions: [
    tensor.sum,
    tensor.mean,
    tensor.max,
    tensor.min,
    tensor.prod,
    tensor.logsumexp,
    tensor.variance,
  ].map(
    (reduce): Call =>
      (o) =>
        reduce(matrix, 0, o),
  ),
  TriangularSolveOptions: [(o) => tensor.triangularSolve(matrix, matrix, o)],
  CompileOptions: [(o) => tensor.compile((x) => x, o)],
  RelaxedOptions: [
    (o) => distributions.RelaxedBernoulli(0.5, tensor.scalar(0), o),
    (o) => distributions.RelaxedOneHotCategorical(0.5, tensor.zeros([2]), o),
  ],
  BoundOptions: [(o) => inference.svi(coin, guide).init([], o)],
  SviOptions: [(o) => inference.svi(coin, guide).init([], o)],
  SviRunOptions: [(o) => inference.svi(coin, guide).run([], { steps: 1, ...o })],
  ReweightedWakeSleepOptions: [(o) => inference.reweightedWakeSleep(coin, guide, o)],
  ElboOptions: [(o) => inference.elbo(coin, guide, [], o)],
  EstimatorOptions: [(o) => inference.elbo(coin, guide, [], o)],
  ImportanceWeightedOptions: [(o) => inference.importanceWeighted(coin, guide, [], o)],
  ImportanceOptions: [(o) => inference.importance(coin, guide, [], { draws: 25, ...o })],
  PredictOptions: [(o) => inference.predict({ values: new Map() } as never, coin, [], o)],
  PredictiveCheckOptions: [(o) => inference.predictiveCheck(coin, [], o)],
  PriorSensitivityOptions: [(o) => inference.priorSensitivity(coin, [], { posterior: new Map(), ...o })],
  PosteriorReportOptions: [
    (o) => report.renderPosterior({ values: new Map(), method: "laplace" } as never, o),
  ],
  PredictiveOptions: [(o) => inference.predictive(coin, [], { draws: 1, ...o })],
  MapOptions: [(o) => inference.map(coin).init([], o)],
  MapRunOptions: [(o) => inference.map(coin).run([], o)],
  LaplaceOptions: [(o) => inference.laplace(coin).run([], o)],
  InferenceDataOptions: [(o) => inference.toInferenceData({ values: new Map() } as never, o)],
  PathfinderOptions: [(o) => inference.pathfinder(coin).run([], o)],
  CaviOptions: [(o) => inference.cavi(coin).init([], o)],
  CaviRunOptions: [(o) => inference.cavi(coin).run([], o)],
  StochasticCaviOptions: [(o) => inference.stochasticCavi(coin).init([], o)],
  StochasticCaviRunOptions: [(o) => inference.stochasticCavi(coin).run([], { steps: 1, ...o })],
  UnconstrainedDensityOptions: [(o) => inference.unconstrainedDensity(coin, [], o)],
  AnnealingOptions: [
    (o) => inference.annealedImportanceSampling(coin, [], o),
    (o) => inference.reverseAnnealedImportanceSampling(coin, [], new Map(), o),
    (o) => inference.bidirectionalMonteCarlo(coin, [], o),
  ],
  AutoNormalOptions: [(o) => inference.autoNormal(coin, o), (o) => inference.autoFullRankNormal(coin, o)],
  AutoLowRankNormalOptions: [(o) => inference.autoLowRankNormal(coin, o)],
  AutoFlowOptions: [(o) => inference.autoFlow(coin, o)],
  NutsOptions: [(o) => mcmc.nuts(coin, o)],
  HmcOptions: [(o) => mcmc.hmc(coin, o)],
  McmcOptions: [(o) => mcmc.nuts(coin).init([], o), (o) => mcmc.hmc(coin).init([], o)],
  McmcRunOptions: [(o) => mcmc.nuts(coin).run([], o), (o) => mcmc.hmc(coin).run([], o)],
  GuideDrawsOptions: [async (o) => (await inference.svi(coin, guide).run([], { steps: 1 })).draw(o)],
  SummaryOptions: [(o) => mcmc.summary({ method: "nuts", values: new Map() } as never, o)],
  FitSummaryOptions: [(o) => mcmc.summary({ method: "svi", draw: async () => new Map() } as never, o)],
  CalibrationOptions: [(o) => mcmc.simulationBasedCalibration(coin, [], o)],
  ContinueOptions: [(o) => runs.resumeRun("nowhere", { train: dataset }, o)],
  VaeOptions: [(o) => models.VAE({ shape: [4], ...o })],
  AutoencoderOptions: [(o) => models.Autoencoder({ shape: [4], ...o })],
  BeliefNetworkOptions: [(o) => models.BeliefNetwork({ features: 4, ...o })],
  M2Options: [(o) => models.M2({ features: 4, classes: 2, ...o })],
  StackedOptions: [(o) => models.Stacked({ m1: vae(), frozen: new Map(), classes: 2, ...o })],
  KnnOptions: [models.knn],
  LogisticOptions: [models.logistic],
  SvmOptions: [models.svm],
  TransductiveSvmOptions: [models.transductiveSvm],
  TrainInput: [(o) => runs.train(vae(), dataset, o), (o) => runs.compileTraining(vae(), dataset, o)],
  SemiSupervisedTrainInput: [(o) => runs.train(m2(), dataset, o)],
  ImputeOptions: [async (o) => (await untrained()).impute(dataset, o)],
  LoadOptions: [(o) => data.loadData("nowhere", o)],
  LoadTableOptions: [(o) => data.loadTable("nowhere.csv", o)],
  RecordOptions: [(o) => data.readTable("nowhere.csv", o)],
  TableOptions: [
    (o) => data.fitTable({ path: "t.csv", columns: ["a"], rows: [["1"]], lines: [2], notes: [] } as never, o),
  ],
  ImageFolderOptions: [(o) => data.readImageFolder("nowhere", o)],
  LabelDrawOptions: [(o) => data.drawLabels(dataset, o)],
  MinibatchOptions: [(o) => data.minibatches(dataset, { batch: 1, seed: 0, ...o })],
  RowOrderOptions: [
    (o) =>
      data.gaussianMinibatches(
        { rows: 1, features: 1, means: new Float32Array(1), scales: new Float32Array(1) },
        { batch: 1, seed: 0, ...o },
      ),
  ],
  CsvOptions: [(o) => data.readCsv("nowhere.csv", o), (o) => mcmc.drawsToCsv({} as never, o)],
};

/** Types of options that reach no function of their own: parts of others, or settings of the upper floors. */
const elsewhere = new Set<string>([
  "BuildOptions", // a part of CompileOptions
  "OptimizerOptions", // a part of each optimiser's
  "ImageOptions", // a part of ImageFolderOptions and LoadOptions
  "RunOptions", // of handlers
  "OnnxOptions",
  "M2ObjectiveOptions",
  "VaeObjectiveOptions",
  "EvaluationOptions",
  "ImageGridOptions",
  "Kingma2014Options",
  "LogLikelihoodOptions",
  "RowLikelihoodOptions",
  "ReportOptions",
  "MeasureOptions",
  "VerbOptions",
]);

test("every public type of options is tried below", () => {
  const require = createRequire(join(root, "docs", "package.json"));
  const ts = require("typescript") as typeof import("../../docs/node_modules/typescript/lib/typescript.js");
  const listed = new Set<string>();
  for (const door of readdirSync(join(root, "src", "public"))) {
    const text = ts.sys.readFile(join(root, "src", "public", door)) ?? "";
    for (const [, name] of text.matchAll(/type (\w+(?:Options|Input))\b/g)) listed.add(name);
  }
  const missing = [...listed].filter((name) => calls[name] === undefined && !elsewhere.has(name));
  expect(missing).toEqual([]);
  expect([...Object.keys(calls), ...elsewhere].filter((name) => !listed.has(name))).toEqual([]);
});

const refusal = async (call: Call, options: unknown): Promise<unknown> => {
  try {
    await call(options);
  } catch (error) {
    return error;
  }
  return undefined;
};

describe.each(Object.entries(calls))("%s", (_, list) => {
  test("a name that is none is refused", async () => {
    for (const call of list) {
      const error = await refusal(call, { nonsuch: 1 });
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toContain("there is no option 'nonsuch'");
    }
  });

  test("whatever is no object is refused, and no error is from our depths", async () => {
    for (const call of list.filter((call) => !String(call).includes("...o"))) {
      for (const options of [5, "fast", [1], () => 1])
        expect(await refusal(call, options), String(options)).toBeInstanceOf(TightboundError);
    }
  });
});

describe("what has no default is asked for by name", () => {
  const cases: readonly (readonly [string, string, Call])[] = [
    ["adam", "learningRate", optim.adam],
    ["adamw", "learningRate", optim.adamw],
    ["sgd", "learningRate", optim.sgd],
    ["rmsprop", "learningRate", optim.rmsprop],
    [
      "compileStep",
      "seed",
      (o) =>
        optim.compileStep({ loss: tensor.scalar(0), metrics: {} }, [], optim.sgd({ learningRate: 1 }), o),
    ],
    ["dropout", "site", (o) => nn.dropout(0.5, o)],
    ["mlp", "inputs", nn.mlp],
    ["svi", "steps", (o) => inference.svi(coin, guide).run([], o)],
    ["stochasticCavi", "steps", (o) => inference.stochasticCavi(coin).run([], o)],
    ["importance", "draws", (o) => inference.importance(coin, guide, [], o)],
    ["predictive", "draws", (o) => inference.predictive(coin, [], o)],
    ["VAE", "shape", models.VAE],
    ["Autoencoder", "shape", models.Autoencoder],
    ["BeliefNetwork", "features", models.BeliefNetwork],
    ["M2", "features", models.M2],
    ["Stacked", "m1", models.Stacked],
    ["minibatches", "batch", (o) => data.minibatches(dataset, o)],
    [
      "gaussianMinibatches",
      "batch",
      (o) =>
        data.gaussianMinibatches(
          { rows: 1, features: 1, means: new Float32Array(1), scales: new Float32Array(1) },
          o,
        ),
    ],
    ["affineCoupling", "size", distributions.transforms.affineCoupling],
    ["splineCoupling", "size", distributions.transforms.splineCoupling],
    ["maskedAutoregressive", "size", distributions.transforms.maskedAutoregressive],
    ["inverseAutoregressive", "size", distributions.transforms.inverseAutoregressive],
  ];
  test.each(cases)("%s: %s", async (_, name, call) => {
    for (const options of [undefined, {}]) {
      const error = await refusal(call, options);
      expect(error).toBeInstanceOf(UsageError);
      expect((error as Error).message).toContain(`the option ${name} is missing; give `);
    }
    // An empty object is no answer to a question that is answered with null.
    expect(await refusal(call, null)).toBeInstanceOf(UsageError);
  });

  test("as are arguments that are no options", async () => {
    const x = tensor.parameter([2], nn.initializers.zeros);
    const forgotten: readonly [string, Call][] = [
      ["grad", (wrt) => tensor.grad(tensor.sum(x), wrt)],
      ["vjp", (wrt) => tensor.vjp(x, x, wrt)],
      ["grad", (loss) => tensor.grad(loss, [x])],
      ["concat", (list) => tensor.concat(list)],
      ["stack", (list) => tensor.stack(list)],
      ["Mixture", (d) => distributions.Mixture(distributions.Categorical({ logits: [0, 0] }), d)],
      ["Mixture", (d) => distributions.Mixture(d, distributions.Normal([0, 1], 1))],
      ["Transformed", (d) => distributions.Transformed(d, distributions.transforms.exp)],
      ["Transformed", (t) => distributions.Transformed(distributions.Normal(0, 1), t)],
      ["posterior", (values) => inference.reverseAnnealedImportanceSampling(coin, [], values)],
    ];
    for (const [name, call] of forgotten) {
      for (const value of [undefined, null, 5, "x", {}, x]) {
        // A scalar function of one tensor is differentiated by a list of it alone; the loss may well be a tensor.
        if (value === x && String(call).includes("grad(loss")) continue;
        const error = await refusal(call, value);
        expect(error, `${name} ${String(value)}`).toBeInstanceOf(TightboundError);
        expect((error as Error).message).toContain(name);
      }
    }
  });
});

describe("misspelt names are told the nearest", () => {
  test.each([
    ["epoch", "epochs", () => runs.train(vae(), dataset, { epoch: 5 } as never)],
    ["learningrate", "learningRate", () => optim.adam({ learningrate: 1 } as never)],
    ["step", "steps", () => inference.svi(coin, guide).run([], { step: 5 } as never)],
    ["warmup", "warmUp", () => mcmc.nuts(coin).run([], { warmup: 5 } as never)],
    ["keepdims", "keepDims", () => tensor.sum(matrix, 0, { keepdims: true } as never)],
    ["hiden", "hidden", () => models.VAE({ shape: [4], hiden: [3] } as never)],
    ["labelColum", "labelColumn", () => data.loadData("nowhere", { labelColum: "a" } as never)],
  ])("%s: %s", async (given, meant, call) => {
    const error = await refusal(call, undefined);
    expect((error as Error).message).toContain(`there is no option '${given}'. Did you mean '${meant}'?`);
  });
});

describe("numbers that cannot be right", () => {
  const cases: readonly (readonly [string, Call])[] = [
    ["draws", (draws) => inference.predictive(coin, [], { draws })],
    ["draws", (draws) => inference.importance(coin, guide, [], { draws })],
    ["draws", (draws) => inference.laplace(coin).run([], { draws })],
    ["draws", (draws) => mcmc.nuts(coin).run([], { draws })],
    ["chains", (chains) => mcmc.hmc(coin).run([], { chains })],
    ["steps", (steps) => inference.svi(coin, guide).run([], { steps })],
    ["particles", (particles) => inference.elbo(coin, guide, [], { particles })],
    ["particles", (particles) => inference.svi(coin, guide).run([], { steps: 1, particles })],
    ["maxSteps", (maxSteps) => inference.map(coin).run([], { maxSteps })],
    ["sweeps", (sweeps) => inference.cavi(coin).run([], { sweeps })],
    ["chains", (chains) => inference.annealedImportanceSampling(coin, [], { chains })],
    ["simulations", (simulations) => mcmc.simulationBasedCalibration(coin, [], { simulations })],
    ["layers", (layers) => inference.autoFlow(coin, { layers })],
    ["epochs", (epochs) => runs.train(vae(), dataset, { epochs, binarize: "dynamic" })],
    ["batch", (batch) => runs.train(vae(), dataset, { batch, binarize: "dynamic" })],
    ["k", (k) => models.knn({ k })],
  ];
  test.each(cases)("%s", async (name, call) => {
    for (const value of [Number.NaN, -1, 1.5, Number.POSITIVE_INFINITY, "ten", null]) {
      const error = await refusal(call, value);
      expect(error, `${name}: ${value}`).toBeInstanceOf(UsageError);
      expect((error as Error).message).toContain(name);
    }
  });
});

describe("checkOptions", () => {
  test("says what was expected and what was found", () => {
    const rules = { draws: whole(1), scale: positive };
    const check = (options: unknown) => () => checkOptions("f", options as object, rules);
    expect(check(undefined)).not.toThrow();
    expect(check({ draws: 2, scale: undefined })).not.toThrow();
    expect(check({ draws: 0 })).toThrow("f: draws must be a whole number of at least 1, found 0.");
    expect(check({ scale: "1" })).toThrow('f: scale must be a finite number above 0, found "1".');
    expect(check(null)).toThrow("f: expected an object of options, found null.");
    expect(check({ colour: 1 })).toThrow("f: there is no option 'colour'. The options are draws, scale.");
    expect(check({ constructor: 1 })).toThrow("f: there is no option 'constructor'.");
  });

  test("distance: letters put in, left out, exchanged, swapped", () => {
    expect([
      distance("", "abc"),
      distance("abc", "abc"),
      distance("abc", "acb"),
      distance("kitten", "sitting"),
    ]).toEqual([3, 0, 1, 3]);
  });

  test("nearest: what is near, or nothing", () => {
    const known = ["learningRate", "epochs", "seed"];
    expect(nearest("learning", known)).toBe("learningRate");
    expect(nearest("sede", known)).toBe("seed");
    expect(nearest("temperature", known)).toBeUndefined();
  });
});
