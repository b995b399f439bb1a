/** Programs for a graphics processor: whose mode is sought, and that fail while a guide is fitted to them. */
import { Bernoulli, Exponential, Normal } from "../../src/distributions/index.ts";
import { NonFiniteError } from "../../src/errors.ts";
import { map, svi } from "../../src/inference/index.ts";
import { initializers } from "../../src/nn/index.ts";
import { sgd } from "../../src/optim/index.ts";
import { model, type Program } from "../../src/program/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import { exp, matmul, tensor } from "../../src/tensor/index.ts";

type Device = "cpu" | "webgpu";

const ROWS = 400;
const x = new Float32Array(3 * ROWS);
fillNormal(x, stream(0, "x"));
const rows = Array.from({ length: ROWS }, (_, i) => [...x.subarray(3 * i, 3 * i + 3)]);
const y = rows.map(([a, b, c]) => Number(a - 0.5 * b + c * c > 0.8));

/** Programs with a mode. */
export const withMode: Readonly<Record<string, Program<[]>>> = {
  logistic: model(({ sample, observe, plate }) => {
    const bias = sample("bias", Normal(0, 2));
    const slope = plate("feature", 3, () => sample("slope", Normal(0, 2)));
    plate("row", ROWS, () =>
      observe("y", Bernoulli({ logits: matmul(tensor(rows), slope).add(bias) }), tensor(y)),
    );
  }),
  scale: model(({ sample, observe, plate }) => {
    const centre = sample("centre", Normal(0, 100));
    const scale = sample("scale", Exponential(0.1));
    plate("row", ROWS, () => observe("y", Normal(centre, scale), tensor(rows.map(([a]) => 70 + 12 * a))));
  }),
};

/** The mode of one of them, in unconstrained coordinates, and its log density. */
export async function modeOf(name: string, device: Device) {
  const { coordinates, logDensity, steps } = await map(withMode[name]).run([], {
    device,
    ...(device === "cpu" && { executor: "native" }),
  });
  return { coordinates: [...coordinates], logDensity, steps };
}

const data = tensor([1, 2, 3]);

/** A rate that a guide's draw makes negative sooner or later, and a mean that steps too long throw further off each time. */
const failing = {
  rate: () => {
    const program = model(({ sample, observe, plate }) => {
      const rate = sample("rate", Normal(2, 1));
      plate("row", 3, () => observe("y", Exponential(rate), data));
    });
    const guide = model(({ sample, param }) => {
      sample("rate", Normal(param("loc", [], initializers.constant(1.2)), 0.5));
    });
    return { program, guide, learningRate: 1e-3 };
  },
  mean: () => {
    const program = model(({ sample, observe, plate }) => {
      const centre = sample("centre", Normal(0, 1));
      plate("row", 3, () => observe("y", Normal(centre, 1), data));
    });
    const guide = model(({ sample, param }) => {
      const logScale = param("logScale", [], initializers.constant(-3));
      sample("centre", Normal(param("loc", [], initializers.zeros), exp(logScale)));
    });
    return { program, guide, learningRate: 2 };
  },
} as const;

export const failingNames = Object.keys(failing) as (keyof typeof failing)[];

/**
 * Steps until one fails: how many were sound, what the error says, and the parameters then. `most` stops before.
 */
export async function failed(name: keyof typeof failing, device: Device, most = 200) {
  const { program, guide, learningRate } = failing[name]();
  const machine = svi(program, guide);
  const options = { seed: 4, device, executor: "native", optimizer: sgd({ learningRate }) } as const;
  let state = await machine.init([], options);
  let error = "";
  while (state.step < most && error === "") {
    try {
      ({ state } = await machine.step(state));
    } catch (thrown) {
      if (!(thrown instanceof NonFiniteError)) throw thrown;
      error = thrown.message;
    }
  }
  await state.compiled.pull();
  const values = guide.parameters().map((leaf) => [leaf.name, [...state.compiled.value(leaf.name)]] as const);
  // All at once, as `run` takes them: their figures are read 16 at a time.
  const together = await machine.run([], { ...options, steps: most }).then(
    () => "",
    (thrown: Error) => thrown.message,
  );
  return { sound: state.step, error, together, values };
}
