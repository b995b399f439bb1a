/** Chains and the values of finite sites meet no axis of a program's own: what is right for one draw is right for many. */
import { describe, expect, test } from "vitest";
import { build } from "../../src/compile/compile.ts";
import { initialValues } from "../../src/compile/leaves.ts";
import { Bernoulli, Categorical, HalfNormal, Normal } from "../../src/distributions/index.ts";
import { annealedImportanceSampling, elbo, unconstrainedDensity } from "../../src/inference/index.ts";
import * as nn from "../../src/nn/index.ts";
import { model, type Program } from "../../src/program/index.ts";
import { type Tensor, tensor, zeros } from "../../src/tensor/index.ts";
import { isNoise, isParameter } from "../../src/tensor/leaf.ts";

const normal = (y: number, m: number, s = 1) =>
  -0.5 * ((y - m) / s) ** 2 - Math.log(s) - 0.5 * Math.log(2 * Math.PI);
const logSumExp = (values: readonly number[]) => {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((a, v) => a + Math.exp(v - top), 0));
};

const logDensity = async (program: Program<[]>, q: readonly number[]): Promise<number> => {
  const density = await unconstrainedDensity(program, []);
  return density.logDensityAndGradient(Float64Array.from(q), new Float64Array(q.length));
};

describe("a finite site that is summed out beside a vector", () => {
  // As many elements as the site has values, one more, and many.
  test.each([1, 2, 3, 7])("of %d elements: as an event, a factor and in a plate", async (n) => {
    const y = Array.from({ length: n }, (_, i) => 0.3 + 1.3 * i);
    const programs: readonly Program<[]>[] = [
      model(({ sample, observe }) => {
        const [x, z] = [sample("x", Normal(0, 1)), sample("z", Bernoulli({ probs: 0.3 }))];
        observe("y", Normal(zeros([n]).add(x).add(z.mul(3)), 1).toEvent(1), tensor(y));
      }),
      model(({ sample, factor }) => {
        const [x, z] = [sample("x", Normal(0, 1)), sample("z", Bernoulli({ probs: 0.3 }))];
        factor(
          "y",
          Normal(x.add(z.mul(3)), 1)
            .logProb(tensor(y))
            .sum(),
        );
      }),
      model(({ sample, observe, plate }) => {
        const [x, z] = [sample("x", Normal(0, 1)), sample("z", Bernoulli({ probs: 0.3 }))];
        plate("n", n, () => observe("y", Normal(x.add(z.mul(3)), 1), tensor(y)));
      }),
    ];
    const given = (z: number) =>
      y.reduce((a, v) => a + normal(v, 0.5 + 3 * z), Math.log(z === 1 ? 0.3 : 0.7));
    const exact = logSumExp([given(0), given(1)]) + normal(0.5, 0);
    for (const program of programs) expect(await logDensity(program, [0.5])).toBeCloseTo(exact, 5);
  });

  test("that picks a row of a matrix, and stands in a plate of as many rows as it has values", async () => {
    const means = [
      [0, 1, 2],
      [3, -1, 0.5],
      [1, 1, -2],
    ];
    const y = [
      [0.2, 0.9, 2.2],
      [2.5, -1, 0.1],
      [0, 1, 2],
    ];
    const weights = [0.5, 0.2, 0.3];
    const program = model(({ sample, observe, plate }) => {
      const x = sample("x", Normal(0, 1));
      plate("row", 3, () => {
        const k = sample("k", Categorical({ probs: weights }));
        const one = tensor([0, 1, 2])
          .reshape([3, 1])
          .equal(k.cast("float32").reshape([3, 1, 1]));
        const mean = tensor(means).mul(one.cast("float32")).sum(1);
        observe("y", Normal(mean.add(x), 1).toEvent(1), tensor(y));
      });
    });
    const exact = y.reduce(
      (total, row) =>
        total +
        logSumExp(
          weights.map((w, k) => row.reduce((a, v, j) => a + normal(v, means[k][j] + 0.4), Math.log(w))),
        ),
      normal(0.4, 0),
    );
    expect(await logDensity(program, [0.4])).toBeCloseTo(exact, 5);
  });
});

test("annealing with as many chains as there are data gives the evidence of other numbers of chains", async () => {
  const [x, y] = [
    [-1, 0.5, 1, 2],
    [-2.1, 1.2, 2.3, 3.9],
  ];
  const programs: readonly Program<[]>[] = [
    model(({ sample, observe, plate }) => {
      const [b, s] = [sample("b", Normal(0, 5)), sample("s", HalfNormal(1))];
      plate("row", 4, () => observe("y", Normal(tensor(x).mul(b), s), tensor(y)));
    }),
    model(({ sample, observe }) => {
      const [b, s] = [sample("b", Normal(0, 5)), sample("s", HalfNormal(1))];
      observe("y", Normal(tensor(x).mul(b), s).toEvent(1), tensor(y));
    }),
    model(({ sample, factor }) => {
      const [b, s] = [sample("b", Normal(0, 5)), sample("s", HalfNormal(1))];
      factor("y", Normal(tensor(x).mul(b), s).logProb(tensor(y)).sum());
    }),
  ];
  for (const chains of [1, 4, 5]) {
    const found = [];
    for (const program of programs)
      found.push(
        (await annealedImportanceSampling(program, [], { seed: 0, chains, temperatures: 100 })).logEvidence,
      );
    // The same program in three spellings, moved by the same noise: apart by roundings, which a chain amplifies.
    for (const evidence of found) expect(evidence).toBeCloseTo(found[0], 2);
    // Of one chain a weight, of several their mean: within what annealing in 100 steps leaves.
    expect(Math.abs(found[0] + 4.4)).toBeLessThan(chains === 1 ? 8 : 2);
  }
});

test("what cannot be listed is refused with its sites, before anything is allocated", async () => {
  const bits = model(({ sample, observe }) => {
    const x = sample("x", Normal(0, 1));
    const all = Array.from({ length: 32 }, (_, i) => sample(`bit ${i}`, Bernoulli({ probs: 0.5 })));
    observe("y", Normal(all.reduce((a, b) => a.add(b)).add(x), 1), 16);
  });
  await expect(unconstrainedDensity(bits, [])).rejects.toThrow(
    "site 'y' depends on 32 finite sites that are summed out: 'bit 0' (2 values), 'bit 1' (2 values), 'bit 2' (2 values), " +
      "'bit 3' (2 values), 'bit 4' (2 values), 'bit 5' (2 values), 'bit 6' (2 values), 'bit 7' (2 values), 24 more, " +
      "4294967296 combinations, which would need an array of 4294967296 numbers.",
  );
  const across = model(({ sample, observe, plate }) => {
    const x = sample("x", Normal(0, 1));
    const z = plate("row", 5, () => sample("z", Bernoulli({ probs: 0.5 })));
    observe("total", Normal(z.sum().add(x), 1), 2);
  });
  await expect(unconstrainedDensity(across, [])).rejects.toThrow(
    "site 'total' depends on the finite site 'z' but is outside its plate 'row', " +
      "which would need all combinations of the values of 5 rows.",
  );
});

test("a chain of 100 finite sites is summed out exactly: a hidden Markov model in a loop", async () => {
  const length = 100;
  const y = Array.from({ length }, (_, t) => Math.sin(t / 9) * 2);
  const program = model(({ sample, observe }) => {
    const x = sample("x", Normal(0, 1));
    let z = tensor(0);
    y.forEach((v, t) => {
      z = sample(`z${t}`, Bernoulli({ probs: z.mul(0.7).add(0.1) }));
      observe(`y${t}`, Normal(z.mul(2).add(x), 1), v);
    });
  });
  let alpha = [1, 0];
  let evidence = normal(0.2, 0);
  for (const v of y) {
    const on = alpha[0] * 0.1 + alpha[1] * 0.8;
    const joint = [(1 - on) * Math.exp(normal(v, 0.2)), on * Math.exp(normal(v, 2.2))];
    const total = joint[0] + joint[1];
    evidence += Math.log(total);
    alpha = joint.map((p) => p / total);
  }
  expect(await logDensity(program, [0.2])).toBeCloseTo(evidence, 3);
});

test("a layer in training sees one draw: its statistics are the means over particles, its dropout is shared", async () => {
  const network = nn.sequential(nn.dense(2, 3), nn.batchNorm(3), nn.dropout(0.4, { site: "drop" }));
  const program = model(({ sample, observe, plate, module, layers }) => {
    module("network", network);
    plate("row", 4, () => {
      const z = sample("z", Normal(0, 1).expand([2]).toEvent(1));
      observe("y", Normal(network.apply(z, layers).sum(-1), 1), [1, 2, 3, 4]);
    });
  });
  const guide = model(({ sample, plate }) => {
    plate("row", 4, () => sample("z", Normal(0.5, 1).expand([2]).toEvent(1)));
  });
  const particles = 3;
  const at = (count: number) => {
    const layers = nn.trainingContext();
    const { value } = elbo(program, guide, [], { particles: count, layers });
    return [value, ...layers.updates.values()];
  };
  const noise = Float64Array.from({ length: particles * 8 }, (_, i) => Math.sin(7 * i));
  const run = async (outputs: readonly Tensor[], draws: Float64Array) => {
    const compiled = await build(outputs, { executor: "host" });
    const out = outputs.map((t) => new Float64Array(t.size));
    const leaves = compiled.leaves.map((leaf) => {
      if (isParameter(leaf)) return Float64Array.from(initialValues(leaf, `p${leaf.shape}`, 1));
      if (!isNoise(leaf)) throw new Error(`no values for ${leaf}`);
      if (leaf.attributes.site !== "drop") return draws;
      expect(leaf.shape).toEqual([4, 3]);
      return Float64Array.from({ length: 12 }, (_, i) => (i % 5) / 5);
    });
    await compiled.bind(leaves, out)();
    return out;
  };
  const all = await run(at(particles), noise);
  const singles: Float64Array[][] = [];
  for (let k = 0; k < particles; k++) singles.push(await run(at(1), noise.subarray(8 * k, 8 * k + 8)));
  expect(all.length).toBe(3);
  all.forEach((values, i) => {
    values.forEach((v, j) => {
      expect(v).toBeCloseTo(singles.reduce((a, s) => a + s[i][j], 0) / particles, 10);
    });
  });
});
