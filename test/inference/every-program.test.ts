/**
 * No program sees the axes that an inference adds. With the same noise, many particles are the mean of single draws, and chains are side
 * by side what each is alone; finite sites that are summed out are what a loop over all their values adds up to. For every program.
 */
import { describe, expect, test } from "vitest";
import { build } from "../../src/compile/compile.ts";
import { initialValues } from "../../src/compile/leaves.ts";
import { UsageError } from "../../src/errors.ts";
import { elbo, importanceWeighted } from "../../src/inference/index.ts";
import { parametersOfPrograms } from "../../src/inference/svi.ts";
import { unconstrainedGraph } from "../../src/inference/unconstrained-graph.ts";
import { condition, latentSites, logDensity, trace } from "../../src/program/index.ts";
import { fillNormal, fillUniform, stream } from "../../src/random/index.ts";
import { grad, input, type Tensor } from "../../src/tensor/index.ts";
import { isConstant, isInput, isNoise, isParameter } from "../../src/tensor/leaf.ts";
import type { Shape } from "../../src/tensor/shape.ts";
import { nodesOf } from "../../src/tensor/substitute.ts";
import { type Case, cases } from "./every-program.ts";

/** What a leaf holds, by what it is: parameters by their names, noise by its site, data by their input. */
function valuesOf(
  leaf: Tensor,
  { model, guide }: Case,
  noiseOf: (leaf: Tensor) => Float64Array,
): Float64Array {
  if (isNoise(leaf)) return noiseOf(leaf);
  if (isParameter(leaf)) {
    const name = parametersOfPrograms(model, guide).find((p) => p.tensor === leaf)?.name ?? "control";
    return Float64Array.from(initialValues(leaf, name, 3));
  }
  if (!isInput(leaf)) throw new Error(`no values for ${leaf}`);
  const out = new Float64Array(leaf.size);
  fillUniform(out, stream(7, leaf.attributes.name));
  return out.map((u) => Number(u < 0.4));
}

async function evaluate(outputs: readonly Tensor[], values: (leaf: Tensor) => Float64Array) {
  const program = await build(outputs, { executor: "host" });
  const out = outputs.map((t) => new Float64Array(t.size));
  await program.bind(program.leaves.map(values), out)();
  return out;
}

const drawn = (leaf: Tensor): Float64Array => {
  if (!isNoise(leaf)) throw new Error("no noise");
  const out = new Float64Array(leaf.size);
  (leaf.attributes.kind === "normal" ? fillNormal : fillUniform)(out, stream(11, leaf.attributes.site));
  return out;
};

/** The elements of one index along an axis. */
function take(values: Float64Array, shape: Shape, axis: number, index: number): Float64Array {
  const inner = shape.slice(axis + 1).reduce((n, k) => n * k, 1);
  return values.filter((_, i) => Math.floor(i / inner) % shape[axis] === index);
}

/** Ranks of the noise of one draw of each site, and the sizes of every axis that a program's leaves have. */
function shapesOf({ model, guide, args }: Case) {
  const sites = latentSites(trace(guide, args as never));
  const nodes = new Set(
    [...sites.map((s) => s.value), logDensity(trace(model, args as never))].flatMap((t) => [...nodesOf(t)]),
  );
  const leaves = [...nodes].filter((t) => isNoise(t) || isConstant(t) || isInput(t));
  return {
    ranks: new Map([...nodes].flatMap((t) => (isNoise(t) ? [[t.attributes.site, t.rank] as const] : []))),
    sizes: [...new Set(leaves.flatMap((t) => t.shape))].filter((n) => n > 1 && n <= 8),
  };
}

const close = (found: ArrayLike<number>, expected: ArrayLike<number>, label: string): void => {
  expect(found.length, label).toBe(expected.length);
  Array.from(expected).forEach((v, i) => {
    if (Object.is(v, found[i])) return;
    expect(
      Math.abs(found[i] - v) / Math.max(1, Math.abs(v)),
      `${label} [${i}]: ${found[i]}, not ${v}`,
    ).toBeLessThan(1e-8);
  });
};

const mean = (rows: readonly Float64Array[]): Float64Array =>
  rows[0].map((_, i) => rows.reduce((a, row) => a + row[i], 0) / rows.length);

/** One draw of a case, compiled, and what its leaves are. */
async function singleOf(c: Case, outputs: readonly Tensor[]) {
  return { outputs, program: await build(outputs, { executor: "host" }), ...shapesOf(c) };
}

/** The same outputs of one draw for each particle, from its part of the noise that all of them have. */
async function each(
  c: Case,
  particles: number,
  many: readonly Tensor[],
  { outputs, program, ranks }: Awaited<ReturnType<typeof singleOf>>,
): Promise<{
  readonly all: readonly Float64Array[];
  readonly singles: readonly (readonly Float64Array[])[];
}> {
  const wide = new Map(
    [...new Set(many.flatMap((t) => [...nodesOf(t)]))].flatMap((t) =>
      isNoise(t) ? [[t.attributes.site, t] as const] : [],
    ),
  );
  const all = await evaluate(many, (leaf) => valuesOf(leaf, c, drawn));
  const singles: Float64Array[][] = [];
  for (let k = 0; k < particles; k++) {
    const out = outputs.map((t) => new Float64Array(t.size));
    const leaves = program.leaves.map((leaf) =>
      valuesOf(leaf, c, (own) => {
        const from = isNoise(own) ? wide.get(own.attributes.site) : undefined;
        if (!isNoise(own) || from === undefined) throw new Error(`no noise for ${own}`);
        if (from.rank === own.rank) return drawn(from);
        // Values of finite sites stand left of the particles, what belongs to one draw right of them.
        // A relaxed draw has noise of its own shape.
        const axis = Math.max(
          0,
          own.rank - Math.max(ranks.get(own.attributes.site) ?? own.rank, relaxed(c, own)),
        );
        expect(from.shape.toSpliced(axis, 1)).toEqual(own.shape);
        return take(drawn(from), from.shape, axis, k);
      }),
    );
    await program.bind(leaves, out)();
    singles.push(out);
  }
  return { all, singles };
}

/** The rank of a draw's noise where it is drawn through a relaxation. */
const relaxed = ({ options }: Case, noise: Tensor): number =>
  Object.values(options?.estimators ?? {})
    .map((e: unknown) => (typeof e === "object" && e !== null && "estimator" in e ? e.estimator : e))
    .some((e) => e === "gumbel-softmax" || e === "rebar" || e === "relax")
    ? noise.rank
    : 0;

const counts = ({ sizes }: { readonly sizes: readonly number[] }): number[] => [
  ...new Set([1, 2, 3, 7, ...sizes]),
];

describe("many particles are the mean of single draws, in value and gradient", () => {
  test.each(Object.entries(cases))("%s", async (_, c) => {
    const at = (particles: number) => {
      const { value, reconstruction, kl, surrogate, perDatum } = elbo(c.model, c.guide, c.args as never, {
        ...c.options,
        particles,
      });
      const parameters = parametersOfPrograms(c.model, c.guide)
        .map((p) => p.tensor)
        .filter((t) => isParameter(t) && t.attributes.trainable);
      return [value, reconstruction, kl, perDatum.elbo, ...grad(surrogate, parameters)];
    };
    const one = await singleOf(c, at(1));
    for (const particles of counts(one)) {
      const { all, singles } = await each(c, particles, at(particles), one);
      all.forEach((found, i) => {
        close(found, mean(singles.map((s) => s[i])), `${particles} particles, output ${i}`);
      });
    }
  });
});

describe("weights of many particles are those of single draws, and the bound is their logarithm", () => {
  // Finite sites of a guide cannot be enumerated there: they are drawn. Of a minibatch there is no such bound.
  test.each(Object.entries(cases).filter(([name]) => name !== "example: minibatch-svi"))(
    "%s",
    async (_, c) => {
      const asked = JSON.stringify(c.options?.estimators ?? {});
      const options = { ...(/rebar|relax/.test(asked) ? {} : c.options), baseline: "none" } as const;
      const at = (particles: number) => {
        const { logWeights, perDatum } = importanceWeighted(c.model, c.guide, c.args as never, {
          ...options,
          particles,
        });
        return [logWeights, perDatum];
      };
      const one = await singleOf(c, at(1));
      for (const particles of counts(one)) {
        const { all, singles } = await each(c, particles, at(particles), one);
        const weights = singles.map(([w]) => w);
        close(
          all[0],
          Float64Array.from(weights.flatMap((w) => [...w])),
          `${particles} particles, log weights`,
        );
        const bound = weights[0].map((_, i) => {
          const top = Math.max(...weights.map((w) => w[i]));
          return top + Math.log(mean(weights.map((w) => w.map((v) => Math.exp(v - top))))[i]);
        });
        close(all[1], bound, `${particles} particles, bound`);
      }
    },
  );
});

const withoutInputs = Object.entries(cases).filter(([, { args }]) => args.length === 0);

/** The posterior density of a program, where it has one. */
function densityOf(c: Case, chains?: number) {
  const graph = unconstrainedGraph(c.model, c.args as never, chains === undefined ? {} : { chains });
  const total = graph.logJoint.add(graph.logJacobian);
  return { graph, outputs: [total, ...grad(total, graph.coordinates)] };
}

const pointOf = (leaf: Tensor): Float64Array => {
  const out = new Float64Array(leaf.size);
  fillNormal(out, stream(5, isInput(leaf) ? leaf.attributes.name : ""));
  return out;
};

describe("chains side by side are what each is alone, in density and gradient", () => {
  test.each(withoutInputs)("%s", async (_, c) => {
    let single: ReturnType<typeof densityOf>;
    try {
      single = densityOf(c);
    } catch (error) {
      // A program without a posterior density says so; none of these has another fault.
      expect(error).toBeInstanceOf(UsageError);
      expect(String(error)).toMatch(/no continuous latent site|is discrete and its values cannot be listed/);
      return;
    }
    const alone = await build(single.outputs, { executor: "host" });
    for (const chains of new Set([2, ...shapesOf(c).sizes])) {
      const many = densityOf(c, chains);
      const points = new Map(
        many.graph.coordinates.map((leaf, i) => [
          single.graph.coordinates[i],
          { leaf, values: pointOf(leaf) },
        ]),
      );
      const [total, ...slopes] = await evaluate(many.outputs, (leaf) => {
        const found = [...points.values()].find((p) => p.leaf === leaf);
        return found?.values ?? valuesOf(leaf, c, drawn);
      });
      let sum = 0;
      for (let k = 0; k < chains; k++) {
        const out = single.outputs.map((t) => new Float64Array(t.size));
        const leaves = alone.leaves.map((leaf) => {
          const found = points.get(leaf);
          return found === undefined ? valuesOf(leaf, c, drawn) : take(found.values, found.leaf.shape, 0, k);
        });
        await alone.bind(leaves, out)();
        sum += out[0][0];
        slopes.forEach((slope, i) => {
          close(
            take(slope, [chains, out[i + 1].length], 0, k),
            out[i + 1],
            `chain ${k} of ${chains}, gradient ${i}`,
          );
        });
      }
      close(total, [sum], `${chains} chains`);
    }
  });
});

/** All assignments of values to the elements of finite sites. */
function* assignments(sizes: readonly number[]): Generator<readonly number[]> {
  const total = sizes.reduce((n, k) => n * k, 1);
  for (let i = 0; i < total; i++) {
    let rest = i;
    yield sizes.map((k) => {
      const v = rest % k;
      rest = Math.floor(rest / k);
      return v;
    });
  }
}

describe("finite sites that are summed out are a sum over all their values", () => {
  const finite = withoutInputs.flatMap(([name, c]): [string, Case][] => {
    const sites = latentSites(trace(c.model, c.args as never)).filter(
      (s) => s.distribution.cardinality !== undefined,
    );
    const rest = latentSites(trace(c.model, c.args as never)).filter(
      (s) => !sites.some(({ name }) => name === s.name),
    );
    const moved = rest.length > 0 && rest.every((s) => !s.distribution.isDiscrete);
    return sites.length > 0 && moved ? [[name, c]] : [];
  });
  expect(finite.length).toBeGreaterThan(5);

  test.each(finite)("%s", async (_, c) => {
    const { graph } = densityOf(c);
    const sites = latentSites(trace(c.model, c.args as never)).filter(
      (s) => s.distribution.cardinality !== undefined,
    );
    const elements = sites.flatMap(({ distribution: d }) =>
      new Array<number>(d.batchShape.reduce((n, k) => n * k, 1)).fill(d.cardinality ?? 0),
    );
    if (elements.reduce((n, k) => n * k, 1) > 3000) return;
    const leaves = new Map(sites.map((s) => [s.name, input(s.name, s.value.shape, s.distribution.dtype)]));
    const values = new Map(
      [...graph.single].map(([name, t]) => [name, t] as const).filter(([name]) => !leaves.has(name)),
    );
    const given = { ...Object.fromEntries(values), ...Object.fromEntries(leaves) };
    const joint = logDensity(trace(c.model, c.args as never, [condition(given)]));
    const program = await build([joint, ...[...sites].map((s) => s.distribution.enumerate())], {
      executor: "host",
    });
    const supports = sites.map((s) => new Float64Array(s.distribution.enumerate().size));
    const terms: number[] = [];
    for (const chosen of assignments(elements)) {
      let next = 0;
      const tables = await evaluate(
        sites.map((s) => s.distribution.enumerate().cast("float64")),
        (leaf) => valuesOf(leaf, c, drawn),
      );
      const filled = new Map(
        sites.map((s, i) => {
          const { batchShape, eventShape } = s.distribution;
          const width = eventShape.reduce((n, k) => n * k, 1);
          const rows = batchShape.reduce((n, k) => n * k, 1);
          const out = new Float64Array(rows * width);
          for (let r = 0; r < rows; r++)
            out.set(tables[i].subarray(chosen[next] * width, (chosen[next++] + 1) * width), r * width);
          return [leaves.get(s.name), out] as const;
        }),
      );
      const out = [new Float64Array(1), ...supports];
      await program.bind(
        program.leaves.map((leaf) => filled.get(leaf) ?? pointOf(leaf)),
        out,
      )();
      terms.push(out[0][0]);
    }
    const top = Math.max(...terms);
    const exact = top + Math.log(terms.reduce((a, v) => a + Math.exp(v - top), 0));
    const [found] = await evaluate([graph.logJoint], (leaf) =>
      isInput(leaf) ? pointOf(leaf) : valuesOf(leaf, c, drawn),
    );
    close(found, [exact], "log density");
  });
});
