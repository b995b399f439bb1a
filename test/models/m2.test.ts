import { describe, expect, test } from "vitest";
import { build, type Executor } from "../../src/compile/index.ts";
import { initialValues } from "../../src/compile/leaves.ts";
import type { Distribution } from "../../src/distributions/index.ts";
import { UsageError } from "../../src/errors.ts";
import { M2, type M2Likelihood } from "../../src/models/index.ts";
import { initializers } from "../../src/nn/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import {
  add,
  concat,
  grad,
  input,
  log,
  mul,
  noise,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../src/tensor/index.ts";
import { isInput, isNoise, isParameter } from "../../src/tensor/leaf.ts";

const [D, K, Z, L, U] = [6, 3, 2, 4, 5];

type Data = Readonly<Record<"x" | "xLabelled" | "y", Float64Array>> & { readonly warmup?: Float64Array };

const data: Data = {
  x: Float64Array.from({ length: U * D }, (_, i) => Number((i * 7) % 5 < 2)),
  xLabelled: Float64Array.from({ length: L * D }, (_, i) => Number((i * 11) % 7 < 3)),
  y: Float64Array.from({ length: L * K }, (_, i) => Number(i % K === (2 * Math.floor(i / K)) % K)),
};

/** Rows of two numbers and two columns of two categories; a column in three is missing. */
const layout = { numeric: 2, categories: [2, 2] } as const;
const tableRows = (rows: number, seed: number): Float64Array =>
  Float64Array.from({ length: rows * D }, (_, i) => {
    const [row, j] = [Math.floor(i / D), i % D];
    const column = j < 2 ? j : 1 + Math.floor(j / 2);
    if ((row * 5 + column * 7 + seed) % 3 === 0) return Number.NaN;
    return j < 2 ? Math.sin(5 * i + seed) : Number(j % 2 === (row + column) % 2);
  });
const tableData: Data = { ...data, x: tableRows(U, 0), xLabelled: tableRows(L, 1) };

/** Values in float64 (natively in float32), with random parameters and the noise that the names of the draws define. */
async function values(
  outputs: readonly Tensor[],
  fed: Data = data,
  executor: Executor = "host",
): Promise<number[][]> {
  const program = await build(outputs, { executor, threads: 1 });
  const Floats = executor === "host" ? Float64Array : Float32Array;
  const leaves = program.leaves.map((leaf) => {
    if (isParameter(leaf)) return Floats.from(initialValues(leaf, `parameter ${leaf.id}`, 5));
    if (isInput(leaf)) return Floats.from(fed[leaf.attributes.name as keyof Data] ?? []);
    const draws = new Float32Array(leaf.size);
    if (isNoise(leaf)) fillNormal(draws, stream(2, leaf.attributes.site));
    return Floats.from(draws);
  });
  const out = outputs.map((t) => new Floats(t.size));
  await program.bind(leaves, out)();
  return out.map((o) => [...o]);
}

const hot = (k: number, rows: number): Tensor =>
  tensor(Array.from({ length: rows }, () => Array.from({ length: K }, (_, i) => Number(i === k))));

/** −L(x, y) of eq. 6, one row each, from a draw of noise: log p(x|y, z) + log p(y) + log p(z) − log q(z|x, y), its KL in closed form. */
function boundGivenY(
  m2: ReturnType<typeof M2>,
  x: Tensor,
  y: Tensor,
  epsilon: Tensor,
  density: (p: Distribution) => Tensor,
): Tensor {
  const q = m2.encode(x, y);
  const [mean, variance] = [q.mean(), q.variance()];
  const z = add(mean, mul(variance.sqrt(), epsilon));
  return sub(add(density(m2.decode(y, z)), -Math.log(K)), klOfZ(q));
}

/** KL(q(z|x, y) ‖ N(0, I)) of each row. */
function klOfZ(q: Distribution): Tensor {
  const [mean, variance] = [q.mean(), q.variance()];
  return mul(sum(sub(sub(add(variance, mean.square()), 1), log(variance)), -1), 0.5);
}

/** log p(x|y, z) of a table's rows by hand: a sum over the columns that are there, of constants that hold no NaN. */
function tableDensity({ parameters: { loc, logScale, logits } }: Distribution, x: Float64Array): Tensor {
  const rows = x.length / D;
  const column = (j: number) => Array.from({ length: rows }, (_, row) => x[row * D + j]);
  const filled = (j: number) => tensor(column(j).map((v) => (Number.isNaN(v) ? 0 : v)));
  const there = (j: number) => tensor(column(j).map((v) => Number(!Number.isNaN(v))));
  const at = (t: Tensor, j: number) => t.slice({ axis: -1, start: j, end: j + 1 }).squeeze(-1);
  const numbers = [0, 1].map((j) => {
    const standard = filled(j).sub(at(loc, j)).div(at(logScale, j).exp());
    const log = standard
      .square()
      .add(Math.log(2 * Math.PI))
      .mul(-0.5)
      .sub(at(logScale, j));
    return log.mul(there(j));
  });
  const categories = [0, 2].map((k) => {
    const [a, b] = [at(logits, k), at(logits, k + 1)];
    const chosen = a.mul(filled(k + 2)).add(b.mul(filled(k + 3)));
    return chosen.sub(a.exp().add(b.exp()).log()).mul(there(k + 2));
  });
  return [...numbers, ...categories].reduce((s, t) => add(s, t));
}

describe.each<[M2Likelihood, Data]>([
  ["bernoulli", data],
  ["gaussian-per-feature", data],
  ["gaussian-heteroscedastic", data],
  ["table", tableData],
])("%s", (likelihood, fed) => {
  const table = likelihood === "table";
  const of = (rows: "x" | "xLabelled", x: Tensor) => (p: Distribution) =>
    table ? tableDensity(p, fed[rows]) : p.logProb(x);
  const m2 = M2({
    classPrior: "uniform",
    features: D,
    classes: K,
    latent: Z,
    hidden: [7, 5],
    likelihood,
    ...(table && { layout }),
    weightInit: initializers.normal(0.7),
  });
  const settings = { labelled: { size: 20, rows: L }, unlabelled: { size: 300, rows: U }, alpha: 0.1 };

  test("the compiled loss is the paper's, to float64", async () => {
    const { loss } = m2.objective(settings);
    const x = input("x", [U, D]);
    const xl = input("xLabelled", [L, D]);
    const y = input("y", [L, K]);
    // Eq. 7: U(x) = Σ_y q(y|x) (L(x, y)) − H(q(y|x)).
    const epsilon = noise("normal", "z", [K, U, Z]);
    const logQ = m2.classify(x);
    const each = Array.from({ length: K }, (_, k) => {
      const bound = boundGivenY(
        m2,
        x,
        hot(k, U),
        epsilon.slice({ axis: 0, start: k, end: k + 1 }).reshape([U, Z]),
        of("x", x),
      );
      return mul(logQ.exp(), logQ.mul(-1).add(bound.reshape([U, 1]))).slice({
        axis: 1,
        start: k,
        end: k + 1,
      });
    });
    const unlabelled = sum(concat(each, 1));
    const epsilonL = noise("normal", "labelled/z", [L, Z]);
    const labelled = sum(boundGivenY(m2, xl, y, epsilonL, of("xLabelled", xl)));
    const classification = sum(mul(m2.classify(xl), y));
    // Eqs. 8 and 9 over all rows, divided by their number; α counts for all data, shared among the labelled ones.
    const total = 320;
    const byHand = labelled
      .mul(20 / L / total)
      .add(unlabelled.mul(300 / U / total))
      .add(classification.mul((0.1 * total) / L / total))
      .neg();
    const parameters = m2.parameters.map((p) => p.tensor);
    const found = await values([loss, ...grad(loss, parameters)], fed);
    const expected = await values([byHand, ...grad(byHand, parameters)], fed);
    expected.flat().forEach((v, i) => {
      expect(Math.abs(found.flat()[i] - v)).toBeLessThan(1e-12 * Math.max(1, Math.abs(v)));
    });
  });

  test("log p(x, y) by importance samples: of one sample the bound without its closed form, of many above it", async () => {
    const x = input("x", [U, D]);
    const [one, many] = await values([m2.logJoint(x, 1), m2.logJoint(x, 500)], fed);
    const mean = (v: number[]) => v.reduce((a, b) => a + b, 0) / v.length;
    expect([one.length, many.length]).toEqual([U * K, U * K]);
    expect(mean(many)).toBeGreaterThan(mean(one));
    // The class of the first row, by its own program: the same draws, so the same number.
    const epsilon = noise("normal", "class 0/z", [U, Z]);
    const q = m2.encode(x, hot(0, U));
    const z = add(q.mean(), mul(q.variance().sqrt(), epsilon));
    const standard = sum(
      z
        .square()
        .mul(-0.5)
        .sub(0.5 * Math.log(2 * Math.PI)),
      -1,
    );
    const density = of("x", x)(m2.decode(hot(0, U), z));
    const byHand = density.add(standard).sub(Math.log(K)).sub(q.logProb(z));
    (await values([byHand], fed))[0].forEach((v, i) => {
      expect(one[i * K]).toBeCloseTo(v, 9);
    });
  });
});

test("natively the loss and its gradients are the float64 ones, to float32", async () => {
  // Wide enough for every rewrite that the native executor makes: joint products, sums by products, regrouped passes.
  for (const likelihood of ["bernoulli", "gaussian-heteroscedastic"] as const) {
    const m2 = M2({ classPrior: "uniform", features: D, classes: K, latent: Z, hidden: [64], likelihood });
    const { loss } = m2.objective({ labelled: { size: 20, rows: L }, unlabelled: { size: 300, rows: U } });
    const outputs = [
      loss,
      ...grad(
        loss,
        m2.parameters.map((p) => p.tensor),
      ),
    ];
    const wide = await values(outputs);
    const narrow = await values(outputs, data, "native");
    narrow.forEach((found, i) => {
      // A few hundred roundings in a row, of values not above the largest of each gradient.
      const largest = Math.max(...wide[i].map(Math.abs));
      found.forEach((v, j) => {
        expect(Math.abs(v - wide[i][j])).toBeLessThan(500 * 2 ** -24 * largest);
      });
    });
  }
});

test("warm-up leaves the loss alone, and scales what unlabelled rows send to q(y|x)", async () => {
  const m2 = M2({
    classPrior: "uniform",
    features: D,
    classes: K,
    latent: Z,
    hidden: [7],
    weightInit: initializers.normal(0.7),
  });
  const sizes = { labelled: { size: 20, rows: L }, unlabelled: { size: 300, rows: U } };
  const parameters = m2.parameters.map((p) => p.tensor);
  const at = async (options: Parameters<typeof m2.objective>[0], warmup: number) => {
    const { loss } = m2.objective(options);
    return values([loss, ...grad(loss, parameters)], { ...data, warmup: Float64Array.of(warmup) });
  };
  const [plain, none, part] = await Promise.all([
    at(sizes, 1),
    at({ ...sizes, warmup: "input" }, 0),
    at({ ...sizes, warmup: "input" }, 0.3),
  ]);
  // With no unlabelled row at all, of the same total: what is left of q(y|x)'s gradient at 0 is the classification term's.
  const { loss } = m2.objective({ labelled: { size: 320, rows: L }, unlabelled: { size: 0, rows: 0 } });
  const supervised = await values([loss, ...grad(loss, parameters)], data);
  expect(part[0][0]).toBeCloseTo(plain[0][0], 12);
  m2.parameters.forEach(({ name }, i) => {
    plain[i + 1].forEach((whole, j) => {
      const zero = none[i + 1][j];
      expect(part[i + 1][j]).toBeCloseTo(zero + 0.3 * (whole - zero), 12);
      if (name.startsWith("discriminator")) expect(zero).toBeCloseTo(supervised[i + 1][j], 12);
      else expect(zero).toBeCloseTo(whole, 12);
    });
  });
});

test("β weighs what y and z cost, of labelled and unlabelled rows", async () => {
  const m2 = M2({
    classPrior: "uniform",
    features: D,
    classes: K,
    latent: Z,
    hidden: [7],
    weightInit: initializers.normal(0.7),
  });
  const sizes = { labelled: { size: 20, rows: L }, unlabelled: { size: 300, rows: U } };
  const [x, xl, y] = [input("x", [U, D]), input("xLabelled", [L, D]), input("y", [L, K])];
  const logQ = m2.classify(x);
  const each = Array.from({ length: K }, (_, k) => {
    const column = logQ.slice({ axis: 1, start: k, end: k + 1 });
    const cost = klOfZ(m2.encode(x, hot(k, U))).reshape([U, 1]);
    return mul(column.exp(), cost.add(column).add(Math.log(K)));
  });
  const unlabelled = sum(concat(each, 1)).mul(300 / U / 320);
  const divergence = add(unlabelled, sum(klOfZ(m2.encode(xl, y))).mul(20 / L / 320));
  const loss = (beta: number) => m2.objective({ ...sizes, beta }).loss;
  const parameters = m2.parameters.map((p) => p.tensor);
  const weighed = add(m2.objective(sizes).loss, mul(divergence, 3));
  const expected = await values([weighed, ...grad(weighed, parameters)]);
  const found = await values([loss(4), ...grad(loss(4), parameters)]);
  found.flat().forEach((v, i) => {
    expect(v).toBeCloseTo(expected.flat()[i], 11);
  });
});

test("during the warm-up q(y|x) is held in doubt: its entropy on unlabelled rows, less of it the further the warm-up is", async () => {
  const m2 = M2({
    classPrior: "uniform",
    features: D,
    classes: K,
    latent: Z,
    hidden: [7],
    weightInit: initializers.normal(0.7),
  });
  const sizes = { labelled: { size: 20, rows: L }, unlabelled: { size: 300, rows: U } };
  const logQ = m2.classify(input("x", [U, D]));
  const entropy = sum(mul(logQ.exp(), logQ)).mul(-1 / U);
  const parameters = m2.parameters.map((p) => p.tensor);
  const at = (loss: Tensor, warmup: number) =>
    values([loss, ...grad(loss, parameters)], { ...data, warmup: Float64Array.of(warmup) });
  for (const warmup of [0, 0.25, 1]) {
    const { loss } = m2.objective({ ...sizes, warmup: "input", warmupEntropy: 0.4 });
    const byHand = sub(
      m2.objective({ ...sizes, warmup: "input" }).loss,
      mul(entropy, (1 - warmup) * 0.4 * (300 / 320)),
    );
    const expected = (await at(byHand, warmup)).flat();
    (await at(loss, warmup)).flat().forEach((v, i) => {
      expect(v).toBeCloseTo(expected[i], 11);
    });
  }
  expect(() => m2.objective({ ...sizes, warmupEntropy: 0.4 })).toThrow(
    new UsageError("m2: warmupEntropy only applies during a warm-up; expected one, found none."),
  );
});

test("every parameter has a gradient", async () => {
  const m2 = M2({ classPrior: "uniform", features: D, classes: K, latent: Z, hidden: [7] });
  const { loss } = m2.objective({ labelled: { size: 9, rows: L }, unlabelled: { size: 90, rows: U } });
  const gradients = await values(
    grad(
      loss,
      m2.parameters.map((p) => p.tensor),
    ),
  );
  m2.parameters.forEach(({ name }, i) => {
    expect(
      gradients[i].some((g) => g !== 0),
      name,
    ).toBe(true);
  });
});

test("what M2 refuses", () => {
  expect(() => M2({ features: 4, classes: 1 })).toThrow(
    new UsageError("m2: expected at least two classes, found 1."),
  );
  expect(() => M2({ features: 4, classes: 2, hidden: [] })).toThrow(
    new UsageError("m2: expected at least one hidden layer, found none."),
  );
});

describe("dropout of q(y|x)", () => {
  const m2 = M2({
    classPrior: "uniform",
    features: D,
    classes: K,
    latent: Z,
    hidden: [7, 5],
    dropout: 0.5,
    inputDropout: 0.25,
  });
  const objective = m2.objective({ labelled: { size: 9, rows: L }, unlabelled: { size: 90, rows: U } });

  test("the programs have noise of their own, for the inputs and each hidden layer; a trained model has none", async () => {
    const { loss } = m2.objective({
      labelled: { size: 9, rows: L },
      unlabelled: { size: 90, rows: U },
      warmup: "input",
      warmupEntropy: 0.3,
    });
    const masks = (await build([loss], { executor: "host" })).leaves.flatMap((leaf) =>
      isNoise(leaf) && leaf.attributes.site.includes("dropout")
        ? [`${leaf.attributes.site} ${leaf.shape.join("×")}`]
        : [],
    );
    const sizes = (site: string, rows: number) =>
      [D, 7, 5].map((n, i) => `${site}/dropout.${i} ${rows}×${n}`);
    expect(masks.sort()).toEqual(
      [...sizes("classifier", L), ...sizes("doubt", U), ...sizes("guide", U)].sort(),
    );
    const trained = await build([m2.classify(input("x", [U, D]))], { executor: "host" });
    expect(trained.leaves.filter(isNoise)).toEqual([]);
  });

  test("a classifier that sees nothing says what its biases say", async () => {
    const { classification } = objective.metrics ?? {};
    const program = await build([classification], { executor: "host" });
    // Biases begin at 0. Uniform noise of 0 drops everything, of 1 nothing.
    const run = async (uniform: number) => {
      const leaves = program.leaves.map((leaf) => {
        if (isParameter(leaf)) return Float64Array.from(initialValues(leaf, `p${leaf.id}`, 3));
        if (isInput(leaf)) return data[leaf.attributes.name as "x"];
        return new Float64Array(leaf.size).fill(uniform);
      });
      const out = [new Float64Array(1)];
      await program.bind(leaves, out)();
      return out[0][0];
    };
    expect(await run(0)).toBeCloseTo(-Math.log(K), 12);
    expect(await run(1)).not.toBeCloseTo(-Math.log(K), 3);
  });

  test("a share of 1 is refused", () => {
    expect(() =>
      M2({ classPrior: "uniform", features: D, classes: K, dropout: 1 }).classify(input("x", [U, D])),
    ).toThrow(/the rate must be at least 0 and below 1, found 1/);
  });
});
