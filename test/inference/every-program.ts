/** Programs of the tests and the examples, with guides, and programs that use axes in every way that one draw allows. */
import { programs as controlVariates } from "../../examples/control-variates.ts";
import { mixture, guide as mixtureGuide } from "../../examples/coordinate-ascent.ts";
import { normalMean } from "../../examples/elbo-gap.ts";
import { programs as gradientVariance } from "../../examples/gradient-variance.ts";
import { loadTumours, regression } from "../../examples/logistic-regression.ts";
import { schools } from "../../examples/map-mcmc-vi.ts";
import { programs as minibatch } from "../../examples/minibatch-svi.ts";
import { programs as raoBlackwell } from "../../examples/rao-blackwell.ts";
import { guide as tightGuide, target as tightTarget } from "../../examples/tighter-bounds.ts";
import {
  Bernoulli,
  Categorical,
  Dirichlet,
  Gamma,
  HalfNormal,
  Mixture,
  MultivariateNormal,
  Normal,
  OneHotCategorical,
  VonMises,
} from "../../src/distributions/index.ts";
import {
  autoDelta,
  autoFlow,
  autoFullRankNormal,
  autoLowRankNormal,
  autoNormal,
  type EstimatorOptions,
} from "../../src/inference/index.ts";
import { BeliefNetwork, M2, VAE } from "../../src/models/index.ts";
import { initializers } from "../../src/nn/index.ts";
import { model, type Program } from "../../src/program/index.ts";
import {
  cholesky,
  concat,
  conv2d,
  cos,
  cumsum,
  eye,
  gather,
  input,
  matmul,
  stack,
  type Tensor,
  tensor,
  triangularSolve,
  where,
} from "../../src/tensor/index.ts";
import { conjugatePrograms } from "./cavi/programs.ts";
import { centredSchools, coin, eightSchools } from "./programs.ts";

export interface Case {
  readonly model: Program<readonly never[]>;
  readonly guide: Program<readonly never[]>;
  readonly args: readonly Tensor[];
  readonly options?: EstimatorOptions;
}

function caseOf<A extends readonly Tensor[]>(
  model: Program<A>,
  guide: Program<A>,
  args: A,
  options?: EstimatorOptions,
): Case {
  return {
    model: model as unknown as Case["model"],
    guide: guide as unknown as Case["guide"],
    args,
    ...(options && { options }),
  };
}

const data = tensor([0.3, -1.2, 2.1, 0.7]);
const design = tensor([
  [1, 2, 0.5],
  [0.3, -1, 1],
  [2, 0.1, -0.4],
  [-1, 1, 0.2],
]);

/** Axes outside plates, counted from the left, from the right, reshaped, joined, contracted. */
const shapes: Readonly<Record<string, Program<[]>>> = {
  "a vector as one event": model(({ sample, observe }) => {
    const [a, s] = [sample("a", Normal(0, 1)), sample("s", HalfNormal(1))];
    observe("y", Normal(data.mul(a), s).toEvent(1), data);
  }),
  "a vector in a factor": model(({ sample, factor }) => {
    const a = sample("a", Normal(0, 1));
    factor("y", Normal(data.mul(a), 1).logProb(data.square()).sum());
  }),
  "a constant matrix times a latent vector": model(({ sample, observe, plate }) => {
    const w = sample("w", Normal(0, 1).expand([3]).toEvent(1));
    plate("row", 4, () => observe("y", Normal(matmul(design, w), 1), data));
  }),
  "the same as one event, by a product of the other side": model(({ sample, observe }) => {
    const w = sample("w", Normal(0, 1).expand([3]).toEvent(1));
    observe("y", Normal(matmul(w.reshape([1, 3]), design.transpose()).squeeze(0), 1).toEvent(1), data);
  }),
  "latent matrices on both sides": model(({ sample, observe }) => {
    const u = sample("u", Normal(0, 1).expand([4, 2]).toEvent(2));
    const v = sample("v", Normal(0, 1).expand([2, 3]).toEvent(2));
    observe("y", Normal(matmul(u, v), 1).toEvent(2), design);
  }),
  "axes counted from the left": model(({ sample, observe }) => {
    const z = sample("z", Normal(0, 1).expand([3, 2]).toEvent(2));
    const columns = z.transpose([1, 0]).slice({ axis: 0, start: 1, end: 2 }).reshape([3]);
    observe("y", Normal(columns.add(z.sum(1)).add(z.max(0).sum()), 1).toEvent(1), tensor([1, 2, 3]));
  }),
  "what is joined and stacked": model(({ sample, observe }) => {
    const [a, b] = [sample("a", Normal(0, 1)), sample("b", Normal(0, 1).expand([2]).toEvent(1))];
    const joined = concat([stack([a, a.square()], 0), b, tensor([1, 2])], 0);
    observe("y", Normal(cumsum(joined, 0), 1).toEvent(1), tensor([0, 1, 2, 3, 4, 5]));
  }),
  "a covariance from latent scales": model(({ sample, observe }) => {
    const [s, r] = [sample("s", HalfNormal(1)), sample("r", Normal(0, 1))];
    const gaps = design.matmul(design, { transposeB: true });
    const covariance = gaps
      .mul(r.square())
      .exp()
      .mul(0.01)
      .add(eye(4).mul(s.add(1)));
    const factor = cholesky(covariance);
    const white = triangularSolve(factor, data);
    observe("y", MultivariateNormal(data.mul(r), { scaleTril: factor }), data);
    observe("white", Normal(0, 1).expand([4]).toEvent(1), white);
  }),
  "rows that are looked up": model(({ sample, observe, plate }) => {
    const table = sample("table", Normal(0, 1).expand([3, 2]).toEvent(2));
    const at = tensor([0, 2, 1, 2], { dtype: "int64" });
    plate("row", 4, () => {
      const rows = gather(table, at);
      observe("y", Normal(rows.sum(1), 1), data);
    });
  }),
  "a latent image": model(({ sample, observe }) => {
    const image = sample("image", Normal(0, 1).expand([1, 1, 3, 3]).toEvent(4));
    const kernel = sample("kernel", Normal(0, 1).expand([2, 1, 2, 2]).toEvent(4));
    observe("y", Normal(conv2d(image, kernel).relu().reshape([8]), 1).toEvent(1), [0, 1, 2, 3, 4, 5, 6, 7]);
  }),
  "nested plates, sites in and out of them": model(({ sample, observe, plate }) => {
    const m = sample("m", Normal(0, 1));
    plate("group", 2, () => {
      const g = sample("g", Normal(m, 1));
      plate("member", 3, () => {
        const z = sample("z", Normal(g, 1));
        observe("y", Normal(z.mul(m), 1), [
          [1, 2],
          [3, 4],
          [5, 6],
        ]);
      });
      observe("x", Normal(g, 2), [1, 2]);
    });
  }),
  "a finite site beside a vector of as many": model(({ sample, observe }) => {
    const [a, k] = [sample("a", Normal(0, 1)), sample("k", Categorical({ probs: [0.2, 0.3, 0.5] }))];
    observe(
      "y",
      Normal(
        design
          .matmul(tensor([1, 0, 1]))
          .add(k.cast("float32"))
          .mul(a),
        1,
      ).toEvent(1),
      data,
    );
    observe(
      "x",
      Normal(gather(tensor([1, -1, 2]), k).add(tensor([1, 2, 3]).mul(a)), 1).toEvent(1),
      [1, 2, 3],
    );
  }),
  "finite sites that depend on each other, in and out of a plate": model(({ sample, observe, plate }) => {
    const a = sample("a", Normal(0, 1));
    const s = sample("s", Bernoulli({ probs: a.sigmoid() }));
    plate("row", 2, () => {
      const z = sample("z", Bernoulli({ logits: s.mul(2).sub(a) }));
      const w = sample("w", OneHotCategorical({ logits: stack([z, s.add(z), a.add(z)], -1) }));
      observe(
        "y",
        Normal(
          w
            .mul(tensor([1, 2, 3]))
            .sum(-1)
            .add(a),
          1,
        ),
        [0.5, 2],
      );
    });
  }),
  "draws that are rejected, mixed and circular": model(({ sample, observe, plate }) => {
    const g = sample("g", Gamma(2, 1));
    const d = sample("d", Dirichlet([1, 2, 3]));
    const c = sample("c", VonMises(0.3, 2));
    plate("row", 4, () =>
      observe("y", Mixture(Categorical({ probs: d }), Normal(tensor([0, 1, 2]), g)), data),
    );
    observe("x", Normal(cos(c), 1), 0.2);
  }),
};

const { zeros, normal } = initializers;

/** A guide of rejection samplers and finite sites, each with parameters of its own. */
const rough = model(({ sample, param }) => {
  sample("g", Gamma(param("shape", [], normal(1)).exp(), 1.3));
  sample("d", Dirichlet(param("concentration", [3], normal(0.5)).exp()));
  sample("c", VonMises(param("angle", [], normal(1)), 1.5));
});
const finite = model(({ sample, param, plate }) => {
  const a = sample("a", Normal(param("loc", [], normal(1)), 0.7));
  const s = sample("s", Bernoulli({ logits: a.mul(2) }));
  plate("row", 2, () => {
    const z = sample("z", Bernoulli({ logits: s.add(param("bias", [2], normal(1))) }));
    const first = where(z.equal(1), a, s);
    sample("w", OneHotCategorical({ logits: stack([first, z, z.add(s)], -1) }));
  });
});
const finiteThenReal: readonly [Program<[]>, Program<[]>] = [
  model(({ sample, observe, plate }) => {
    plate("row", 4, () => {
      const k = sample("k", OneHotCategorical({ probs: [0.3, 0.7] }));
      const z = sample("z", Normal(k.mul(tensor([-1, 1])).sum(-1), 1));
      observe("y", Normal(z, 1), data);
    });
  }),
  model(({ sample, param, plate }) => {
    plate("row", 4, () => {
      const k = sample("k", OneHotCategorical({ logits: param("logits", [4, 2], normal(1)) }));
      sample("z", Normal(k.mul(param("loc", [2], normal(1))).sum(-1), param("scale", [], zeros).exp()));
    });
  }),
];

/** One site outside the plate and one in it, of which one reads the other. */
const bits: readonly [Program<[]>, Program<[]>] = [
  model(({ sample, observe, plate }) => {
    const b = sample("b", Bernoulli({ probs: 0.4 }).expand([2]).toEvent(1));
    plate("row", 4, () => {
      const k = sample("k", OneHotCategorical({ probs: [0.2, 0.3, 0.5] }));
      observe(
        "y",
        Normal(
          k
            .mul(tensor([-1, 0, 1]))
            .sum(-1)
            .add(b.sum()),
          1,
        ),
        data,
      );
    });
  }),
  model(({ sample, param, plate }) => {
    sample("b", Bernoulli({ logits: param("b logits", [2], normal(1)) }).toEvent(1));
    plate("row", 4, () => sample("k", OneHotCategorical({ logits: param("k logits", [4, 3], normal(1)) })));
  }),
];

const guided = (programs: Readonly<Record<string, Program<[]>>>): [string, Case][] =>
  Object.entries(programs).map(([name, program]) => [name, caseOf(program, autoNormal(program), [])]);

const x = input("x", [3, 12]);
const image = input("image", [2, 16]);

export const cases: Readonly<Record<string, Case>> = {
  ...Object.fromEntries(guided(shapes)),
  "rejection samplers in a guide": caseOf(shapes["draws that are rejected, mixed and circular"], rough, [], {
    baseline: "none",
  }),
  "finite sites in a guide": caseOf(
    shapes["finite sites that depend on each other, in and out of a plate"],
    finite,
    [],
  ),
  "finite sites in a guide, drawn": caseOf(
    shapes["finite sites that depend on each other, in and out of a plate"],
    finite,
    [],
    { estimators: { s: "score", z: "score", w: "score" }, baseline: "none" },
  ),
  "a draw for each value of a finite site": caseOf(...finiteThenReal, []),
  "finite sites with a relaxed control variate": caseOf(...bits, [], {
    estimators: { b: { estimator: "rebar", temperature: 0.7 }, k: "rebar" },
  }),
  "finite sites with a network as control variate": caseOf(...bits, [], {
    estimators: { b: "relax", k: "relax" },
  }),
  "a landing that sticks": caseOf(
    shapes["a constant matrix times a latent vector"],
    autoFullRankNormal(shapes["a constant matrix times a latent vector"]),
    [],
    { estimators: { joint: "sticking-the-landing" } },
  ),
  "a relaxed draw": caseOf(...finiteThenReal, [], { estimators: { k: "gumbel-softmax" } }),
  ...Object.fromEntries(
    Object.entries({
      coin: coin(),
      "centred schools": centredSchools(),
      "eight schools": eightSchools(),
    }).flatMap(([name, program]) =>
      Object.entries({ autoNormal, autoFullRankNormal, autoLowRankNormal, autoFlow, autoDelta }).map(
        ([kind, guide]) => [`${name}, ${kind}`, caseOf(program, guide(program), [])],
      ),
    ),
  ),
  // A simplex of one category has no coordinate, and so no automatic guide.
  ...Object.fromEntries(guided(conjugatePrograms).filter(([name]) => name !== "sizes of one")),
  "example: elbo-gap": caseOf(
    normalMean as Program<[]>,
    model(({ sample }) => {
      sample("mu", Normal(tensor(0.4, { dtype: "float64" }), 0.5));
    }),
    [],
  ),
  "example: map-mcmc-vi": caseOf(schools as Program<[]>, autoFullRankNormal(schools as Program<[]>), []),
  "example: tighter-bounds": caseOf(tightTarget as Program<[]>, tightGuide as Program<[]>, []),
  "example: rao-blackwell": caseOf(
    raoBlackwell(4, false).target as Program<[]>,
    raoBlackwell(4, false).guide as Program<[]>,
    [],
    { estimators: "score", baseline: "none" },
  ),
  "example: gradient-variance": caseOf(
    gradientVariance(5).target as Program<[]>,
    gradientVariance(5).guide as Program<[]>,
    [],
  ),
  "example: control-variates": caseOf(
    controlVariates(0.45).cost as Program<[]>,
    controlVariates(0.45).guide as Program<[]>,
    [],
  ),
  "example: coordinate-ascent": caseOf(mixture(7, 7), mixtureGuide, [input("x", [7])]),
  "example: minibatch-svi": caseOf(minibatch(100).target, minibatch(100).guide, [
    input("x", [3, 5]),
    input("y", [3]),
  ]),
  "example: logistic-regression": caseOf(
    regression(loadTumours()) as Program<[]>,
    autoLowRankNormal(regression(loadTumours()) as Program<[]>),
    [],
  ),
  "a VAE": ((vae) => caseOf(vae.model, vae.guide, [x]))(VAE({ shape: [12], latent: 3, hidden: [5] })),
  "a convolutional VAE": ((vae) => caseOf(vae.model, vae.guide, [image]))(
    VAE({ shape: [4, 4], latent: 2, hidden: [5], network: "convolutional", channels: [2, 3] }),
  ),
  M2: ((m2) => caseOf(m2.model, m2.guide, [x]))(
    M2({ features: 12, classes: 3, latent: 2, hidden: [5], weightInit: normal(0.5) }),
  ),
  "a belief network": ((net) => caseOf(net.model, net.guide, [x], { estimators: "score", baseline: "none" }))(
    BeliefNetwork({ features: 12, units: [4, 2] }),
  ),
};
