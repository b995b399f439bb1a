import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { Normal, type Transform, Transformed, transforms } from "../../../src/distributions/index.ts";
import { countParameters, initializers, mlp, parametersOf } from "../../../src/nn/index.ts";
import { adam, compileStep } from "../../../src/optim/index.ts";
import {
  concat,
  grad,
  input,
  mean,
  noise,
  parameter,
  sub,
  sum,
  type Tensor,
  tensor,
} from "../../../src/tensor/index.ts";
import { arrayOf, largestError, numbersOf } from "./cases.ts";

const { affineCoupling, compose, inverseAutoregressive, made, maskedAutoregressive, planar, splineCoupling } =
  transforms;

const wild = initializers.normal(1);
const double = (values: Parameters<typeof tensor>[0]): Tensor => tensor(values, { dtype: "float64" });

describe("parameters", () => {
  test("those of a stack have names of their own", () => {
    const flow = compose(
      affineCoupling({ size: 2, hidden: [4] }),
      transforms.reverse,
      inverseAutoregressive({ size: 2, hidden: [4] }),
      planar({ size: 2 }),
    );
    const names = parametersOf({ flow }).map((p) => p.name);
    expect(names).toEqual([
      "flow.parts.0.conditioner.layers.0.weight",
      "flow.parts.0.conditioner.layers.0.bias",
      "flow.parts.0.conditioner.layers.2.weight",
      "flow.parts.0.conditioner.layers.2.bias",
      "flow.parts.2.network.layers.0.weight",
      "flow.parts.2.network.layers.0.bias",
      "flow.parts.2.network.layers.1.weight",
      "flow.parts.2.network.layers.1.bias",
      "flow.parts.3.u",
      "flow.parts.3.w",
      "flow.parts.3.b",
    ]);
    expect(Object.keys(flow.parameters).map((k) => `flow.${k}`)).toEqual(names);
    // 1·4 + 4 + 4·2 + 2, 2·4 + 4 + 4·4 + 4, 2 + 2 + 1.
    expect(countParameters(flow)).toBe(18 + 32 + 5);
  });

  test("a network shared by flows with different contexts is there once", () => {
    const network = made({ size: 2, outputs: 2, hidden: [4], context: 3 });
    const flows = [input("a", [5, 3]), input("b", [7, 3])].map((context) =>
      inverseAutoregressive({ size: 2, network, context }),
    );
    expect(parametersOf(flows).map((p) => p.name)).toEqual(parametersOf(flows[0], "0").map((p) => p.name));
    expect(flows.map((f) => f.batchShape)).toEqual([[5], [7]]);
    expect(flows[1].forwardShape([9, 1, 2])).toEqual([9, 7, 2]);
  });

  test.each([
    ["affineCoupling", affineCoupling({ size: 4, dtype: "float64" })],
    ["splineCoupling", splineCoupling({ size: 4, keep: "last", dtype: "float64" })],
    ["maskedAutoregressive", maskedAutoregressive({ size: 4, dtype: "float64" })],
    ["inverseAutoregressive", inverseAutoregressive({ size: 4, dtype: "float64" })],
  ])("%s starts near the identity", async (_, flow) => {
    const x = double([1.3, -0.4, 0.2, -2]);
    const error = largestError(await numbersOf(() => flow.forward(x)), await numbersOf(() => x));
    // Last layers of weights with deviation 0.01 on 64 units of order 1: 0.01 · √64 ≈ 0.1.
    expect(error).toBeGreaterThan(0);
    expect(error).toBeLessThan(0.4);
  });
});

test.each([
  [0, [3, 7]],
  [2, [5]],
  [0, []],
])(
  "MADE with a context of %i and hidden layers %o: each element sees those before it alone",
  async (context, hidden) => {
    const network = made({
      size: 3,
      outputs: 2,
      hidden,
      context,
      activation: "tanh",
      outputInit: wild,
      dtype: "float64",
    });
    const x = double([0.3, -1, 2]);
    const c = context > 0 ? double([0.5, -0.7]) : undefined;
    const jacobian = await compile(
      (at: Tensor) => {
        const out = network.apply(at, c);
        const rows = [0, 1, 2].flatMap((i) =>
          [0, 1].map(
            (j) =>
              grad(
                sum(out.slice({ axis: 0, start: i, end: i + 1 }).slice({ axis: 1, start: j, end: j + 1 })),
                [at],
              )[0],
          ),
        );
        const sensitivity = c === undefined ? sum(x) : sum(grad(sum(out.slice({ axis: 0, end: 1 })), [c])[0]);
        return Object.fromEntries([
          ...rows.map((r, k) => [`${Math.floor(k / 2)}.${k % 2}`, r] as const),
          ["context", sensitivity],
        ]);
      },
      { executor: "host" },
    )(arrayOf([0.3, -1, 2], "float64"));
    for (let i = 0; i < 3; i++) {
      for (let j = 0; j < 2; j++) {
        const row = Array.from(jacobian[`${i}.${j}`].data, Number);
        expect(row.map((v) => v !== 0)).toEqual([0, 1, 2].map((k) => k < i));
      }
    }
    expect(jacobian.context.data[0]).not.toBe(0);
  },
);

test("coupling leaves what it keeps, and moves the rest", async () => {
  for (const keep of ["first", "last"] as const) {
    const flow = affineCoupling({ size: 3, kept: 2, keep, dtype: "float64" });
    const [a, b] = [[1, -2, 0.5], await numbersOf(() => flow.forward(double([1, -2, 0.5])))];
    expect(a.map((v, i) => v === b[i])).toEqual(keep === "first" ? [true, true, false] : [false, true, true]);
  }
});

test("an amortised flow treats each context as it would alone", async () => {
  const contexts = [
    [0.4, -1, 2],
    [-0.3, 0.8, 0.1],
  ];
  const network = made({ size: 2, outputs: 2, hidden: [5], context: 3, outputInit: wild, dtype: "float64" });
  const heads = mlp({ inputs: 3, hidden: [4], outputs: 5, activation: "tanh", dtype: "float64" });
  const conditioner = mlp({ inputs: 4, hidden: [4], outputs: 2, activation: "tanh", dtype: "float64" });
  const flow = (context: Tensor): Transform => {
    const h = heads.apply(context);
    const part = (start: number, end: number) => h.slice({ axis: -1, start, end });
    const b = part(4, 5);
    return compose(
      planar({ u: part(0, 2), w: part(2, 4), b: b.reshape(b.shape.slice(0, -1)) }),
      inverseAutoregressive({ size: 2, network, context }),
      affineCoupling({ size: 2, conditioner, context }),
    );
  };
  const x = double([
    [0.2, -1],
    [1.5, 0.7],
    [0, 0],
  ]);
  // One graph, since separate ones would draw their own first weights.
  const found = await compile(
    () => {
      const joint = flow(double(contexts)).forwardAndLogDet(x.unsqueeze(1));
      const alone = contexts.map((c) => flow(double(c)).forwardAndLogDet(x));
      return {
        joint: joint.value,
        logDet: joint.logDet,
        first: alone[0].value,
        second: alone[1].value,
        firstLogDet: alone[0].logDet,
        secondLogDet: alone[1].logDet,
      };
    },
    { executor: "host" },
  )();
  expect([found.joint.shape, found.logDet.shape]).toEqual([
    [3, 2, 2],
    [3, 2],
  ]);
  const list = (key: keyof typeof found) => Array.from(found[key].data, Number);
  const pick = (key: "joint" | "logDet", n: number, at: number) =>
    list(key).filter((_, i) => Math.floor(i / n) % 2 === at);
  expect(largestError(pick("joint", 2, 0), list("first"))).toBeLessThan(1e-13);
  expect(largestError(pick("joint", 2, 1), list("second"))).toBeLessThan(1e-13);
  expect(largestError(pick("logDet", 1, 0), list("firstLogDet"))).toBeLessThan(1e-13);
  expect(largestError(pick("logDet", 1, 1), list("secondLogDet"))).toBeLessThan(1e-13);
});

test("drawing from an inverse autoregressive flow takes one pass of its network, from a masked one a pass each", () => {
  const passes = (flow: Transform): number => {
    const seen = new Set<Tensor>();
    const stack = [flow.forwardAndLogDet(input("x", [4])).value];
    for (let t = stack.pop(); t !== undefined; t = stack.pop()) {
      if (seen.has(t)) continue;
      seen.add(t);
      stack.push(...t.inputs);
    }
    return [...seen].filter((t) => t.op.name === "matmul").length;
  };
  // Two layers each.
  expect(passes(inverseAutoregressive({ size: 4, hidden: [6] }))).toBe(2);
  expect(passes(maskedAutoregressive({ size: 4, hidden: [6] }))).toBe(8);
});

/** Simpson's rule on [−reach, reach]² for a density given on rows of points. */
async function integral(logDensity: (x: Tensor) => Tensor, reach: number, n: number): Promise<number> {
  const nodes = Array.from({ length: n + 1 }, (_, i) => -reach + (2 * reach * i) / n);
  const weights = nodes.map((_, i) => ((i === 0 || i === n ? 1 : i % 2 === 1 ? 4 : 2) * 2 * reach) / (3 * n));
  const rows = nodes.flatMap((a) => nodes.map((b) => [a, b]));
  const logs = await compile(logDensity, { executor: "host" })(arrayOf(rows, "float64"));
  return rows.reduce(
    (total, _, k) =>
      total + weights[Math.floor(k / (n + 1))] * weights[k % (n + 1)] * Math.exp(Number(logs.data[k])),
    0,
  );
}

describe("densities of flows total one", () => {
  const normal = () => Normal(double([0, 0]), double([1, 1])).toEvent(1);
  const made2 = (outputs: number) =>
    made({
      size: 2,
      outputs,
      hidden: [4],
      activation: "tanh",
      outputInit: initializers.normal(0.4),
      dtype: "float64",
    });
  const conditioner = (outputs: number) =>
    mlp({ inputs: 1, hidden: [4], outputs, activation: "tanh", dtype: "float64" });
  const flows: readonly (readonly [string, Transform])[] = [
    ["affineCoupling", affineCoupling({ size: 2, conditioner: conditioner(2) })],
    [
      "splineCoupling",
      compose(splineCoupling({ size: 2, bins: 5, conditioner: conditioner(14) }), transforms.reverse),
    ],
    ["maskedAutoregressive", maskedAutoregressive({ size: 2, network: made2(2) })],
    ["inverseAutoregressive", inverseAutoregressive({ size: 2, network: made2(2) })],
    [
      "inverse(planar)",
      transforms.inverse(planar({ u: double([1, -2]), w: double([0.7, 0.4]), b: double(0.2) })),
    ],
  ];
  test.each(flows)("%s", async (name, flow) => {
    const kinked = name === "splineCoupling";
    const total = await integral(
      (x) => Transformed(normal(), flow).logProb(x),
      kinked ? 8 : 14,
      kinked ? 320 : 240,
    );
    // Smooth densities of widths 0.5 and up, at a step of 0.12. A spline's density has kinks at its knots, whose error is
    // of the order of h² / 12 = 2e-4 times the jump in slope, and falls with h (8e-4 at 0.12, 2e-5 at 0.025).
    expect(Math.abs(total - 1)).toBeLessThan(kinked ? 2e-4 : 1e-5);
  });
});

describe("training", () => {
  /** A banana: x₁ ~ N(0, 1), x₂ | x₁ ~ N(b x₁² − b, ½). Normalised, so that the best ELBO is 0. */
  const banana = (z: Tensor): Tensor => {
    const [x1, x2] = [0, 1].map((i) => {
      const part = z.slice({ axis: -1, start: i, end: i + 1 });
      return part.reshape(part.shape.slice(0, -1));
    });
    return Normal(0, 1)
      .logProb(x1)
      .add(Normal(x1.mul(x1).sub(1), 0.5).logProb(x2));
  };
  const base = () => Normal(0, 1).expand([2]).toEvent(1);

  /** What is maximised: at the first step, and the mean over the last 50. */
  async function train(
    flow: Transform,
    objective: Tensor,
    steps: number,
  ): Promise<readonly [number, number]> {
    const step = await compileStep(
      { loss: objective.neg(), metrics: { objective } },
      parametersOf({ flow }),
      adam({ learningRate: 0.02 }),
      { seed: 1, threads: 1 },
    );
    const found: number[] = [];
    for (let i = 0; i < steps; i++) found.push((await step.run(i)).objective);
    return [found[0], found.slice(-50).reduce((a, b) => a + b, 0) / 50];
  }

  /**
   * Of the best normal guide with independent parts, for b = 1: 1 + ln s₁ + ln s₂ + ln 2 − s₁²/2 − 2 s₂² − 4 s₁⁴ at
   * s₂ = ½, s₁² = (√65 − 1) / 32.
   */
  const NORMAL_GUIDE = -0.5606;

  test.each([
    [
      "affineCoupling",
      () => [
        affineCoupling({ size: 2, keep: "last", hidden: [32] }),
        affineCoupling({ size: 2, hidden: [32] }),
      ],
      0.1,
    ],
    ["planar", () => Array.from({ length: 6 }, () => planar({ size: 2 })), 0.5],
    ["inverseAutoregressive", () => [inverseAutoregressive({ size: 2, hidden: [32] })], 0.1],
  ] as const)(
    "a guide through %s closes most of a normal guide's gap on a banana",
    async (_, parts, share) => {
      const flow = compose(...parts());
      const { value, logProb } = Transformed(base(), flow).sampleAndLogProb("z", [256]);
      const [start, end] = await train(flow, mean(sub(banana(value), logProb)), 400);
      expect(start).toBeLessThan(2 * NORMAL_GUIDE);
      expect(end).toBeGreaterThan(share * NORMAL_GUIDE);
      // No ELBO is above 0; its estimate, from 50 · 256 draws of deviation below 1, has a standard error below 0.01.
      expect(end).toBeLessThan(0.05);
    },
  );

  test("a spline flow fits draws of a banana, by maximum likelihood", async () => {
    const loc = parameter([2], initializers.zeros);
    const flow = compose(
      splineCoupling({ size: 2, keep: "last", hidden: [16], bound: 6 }),
      splineCoupling({ size: 2, hidden: [16], bound: 6 }),
      transforms.affine(loc, 1),
    );
    const x1 = noise("normal", "x1", [256, 1]);
    // b = ½.
    const x2 = x1
      .mul(x1)
      .sub(1)
      .add(noise("normal", "x2", [256, 1]))
      .mul(0.5);
    const rows = concat([x1, x2], -1);
    const [start, end] = await train(flow, mean(Transformed(base(), flow).logProb(rows)), 250);
    // Of a standard normal: −ln 2π − ½ (1 + ¾) = −2.71, with a standard error of 0.07 at one step.
    expect(start).toBeLessThan(-2.5);
    // The banana's own: −½ ln 2πe − ½ ln(2πe / 4) = −2.145, within a third of the gap of −2.694, that of the normal with
    // its moments (variances 1 and ¾); standard error 0.01.
    expect(end).toBeGreaterThan(-2.145 - 0.55 / 3);
    expect(end).toBeLessThan(-2.145 + 0.05);
  });
});
