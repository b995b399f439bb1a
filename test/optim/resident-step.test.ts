/** A step on a device takes the steps of the processor: same losses, parameters, moments and running statistics. */
import { InferenceSession } from "onnxruntime-node";
import { describe, expect, test } from "vitest";
import { NonFiniteError, UsageError } from "../../src/errors.ts";
import { initializers } from "../../src/nn/index.ts";
import {
  adam,
  adamw,
  compileStep,
  type Optimizer,
  rmsprop,
  type StepOptions,
  type StepReport,
  schedules,
  sgd,
} from "../../src/optim/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";
import {
  abs,
  input,
  log,
  matmul,
  mean,
  noise,
  parameter,
  scalar,
  sqrt,
  square,
  type Tensor,
  tanh,
} from "../../src/tensor/index.ts";
import { hasSoftwareGpu } from "../software-gpu.ts";

const ROWS = 16;
const rows = (size: number, name: string): Float32Array => {
  const out = new Float32Array(size);
  fillNormal(out, stream(0, name));
  return out;
};
const X = rows(ROWS * 3, "x");
const Y = rows(ROWS * 2, "y");

/** A network of two layers with noise at its hidden units; `count` is a buffer that each step moves. */
function network() {
  const leaves = {
    "first.weight": parameter([3, 7], initializers.normal()),
    "first.bias": parameter([7], initializers.zeros),
    "second.weight": parameter([7, 2], initializers.normal()),
    "second.bias": parameter([2], initializers.ones),
  };
  const average = parameter([7], initializers.zeros, { trainable: false });
  const hidden = tanh(matmul(input("x", [ROWS, 3]), leaves["first.weight"]).add(leaves["first.bias"]));
  const noisy = hidden.add(noise("normal", "hidden", [ROWS, 7]).mul(0.1));
  const out = matmul(noisy, leaves["second.weight"]).add(leaves["second.bias"]);
  const loss = mean(square(out.sub(input("y", [ROWS, 2]))));
  const named = [...Object.entries(leaves), ["average", average] as const].map(([name, tensor]) => ({
    name,
    tensor,
  }));
  const next = average.mul(0.9).add(mean(hidden, [0]).mul(0.1));
  return {
    objective: { loss, metrics: { size: mean(square(hidden)) }, updates: new Map([[average, next]]) },
    named,
  };
}

/** How often each session of the runtime that is created from now on runs. */
function countedRuns() {
  const create = InferenceSession.create;
  const sessions: number[] = [];
  const counted = async (...given: Parameters<typeof create>) => {
    const session = await create.apply(InferenceSession, given);
    const [run, at] = [session.run.bind(session), sessions.push(0) - 1];
    session.run = (...args: unknown[]) => {
      sessions[at]++;
      return (run as (...args: unknown[]) => ReturnType<typeof session.run>)(...args);
    };
    return session;
  };
  Object.assign(InferenceSession, { create: counted });
  return { sessions, restore: () => Object.assign(InferenceSession, { create }) };
}

async function trained(optimizer: Optimizer, options: Omit<StepOptions, "seed">, steps = 20) {
  const { objective, named } = network();
  const step = await compileStep(objective, named, optimizer, { seed: 3, ...options });
  step.input("x").set(X);
  step.input("y").set(Y);
  const reports: (readonly number[])[] = [];
  for (let i = 0; i < steps; i++) reports.push(Object.values(await step.run(i)));
  await step.pull();
  return { step, reports, state: [...step.state(), ...step.buffers()] };
}

const optimizers: Record<string, () => Optimizer> = {
  adam: () => adam({ learningRate: schedules.cosine({ peak: 0.05, steps: 30 }), weightDecay: 0.01 }),
  adamw: () => adamw({ learningRate: 0.02, weightDecay: 0.1 }),
  "sgd, no momentum": () => sgd({ learningRate: 0.1, weightDecay: 0.01 }),
  "sgd, Nesterov": () => sgd({ learningRate: 0.05, momentum: 0.9, nesterov: true }),
  rmsprop: () => rmsprop({ learningRate: 0.01 }),
  "rmsprop, momentum": () => rmsprop({ learningRate: 0.01, momentum: 0.5, weightDecay: 0.01 }),
  "groups, one of them frozen": () =>
    adam({
      learningRate: 0.02,
      groups: [
        { match: /first\.bias/, frozen: true },
        { match: /second/, learningRate: 0.05, weightDecay: 0.1 },
      ],
    }),
};

/** Float32 sums in another order, over 20 steps of size 0.05. */
const CLOSE = 1e-4;

describe.skipIf(!hasSoftwareGpu)("a step on a device", () => {
  test.each(Object.entries(optimizers))("%s: twenty steps as on the processor", async (_, optimizer) => {
    const clip = { maxGradientNorm: 0.5 };
    const [here, there] = [
      await trained(optimizer(), clip),
      await trained(optimizer(), { ...clip, device: "webgpu" }),
    ];
    for (const [i, report] of there.reports.entries())
      for (const [k, value] of report.entries()) expect(value).toBeCloseTo(here.reports[i][k], 4);
    expect(there.state.map(({ name }) => name)).toEqual(here.state.map(({ name }) => name));
    for (const [i, { name, data }] of there.state.entries()) {
      const expected = here.state[i].data;
      expect(data.length).toBe(expected.length);
      for (const [j, value] of data.entries())
        expect(Math.abs(value - expected[j]), `${name}[${j}]`).toBeLessThan(
          CLOSE * (1 + Math.abs(expected[j])),
        );
    }
    // The comparison would be empty if nothing had been learnt.
    expect(here.reports[19][0]).toBeLessThan(here.reports[0][0]);
  });

  test("goes on from the state of the processor, and back", async () => {
    const optimizer = optimizers.adam;
    const straight = await trained(optimizer(), {}, 20);
    const first = await trained(optimizer(), { device: "webgpu" }, 10);
    const { objective, named } = network();
    const second = await compileStep(objective, named, optimizer(), { seed: 3 });
    second.load(first.step.state());
    second.loadBuffers(first.step.buffers());
    second.input("x").set(X);
    second.input("y").set(Y);
    for (let i = 10; i < 20; i++) {
      const { loss } = await second.run(i);
      expect(loss).toBeCloseTo(straight.reports[i][0], 4);
    }
    // What was loaded replaces what the device had.
    first.step.load(second.state());
    expect((await first.step.run(20)).loss).toBeCloseTo((await second.run(20)).loss, 4);
  });

  test("refuses to read what it does not have", async () => {
    const { step } = await trained(optimizers.adam(), { device: "webgpu" }, 1);
    await step.run(1);
    for (const read of [
      () => step.value("first.bias"),
      () => step.state(),
      () => step.gradient("first.bias"),
    ])
      expect(read).toThrow(UsageError);
    expect(step.arena.parameter("first.bias").every(Number.isNaN)).toBe(true);
    await step.pull();
    expect(step.value("first.bias").every(Number.isFinite)).toBe(true);
  });

  test("stops where a gradient is not finite, and names the parameter", async () => {
    const w = parameter([2], initializers.zeros);
    const loss: Tensor = mean(log(w));
    const step = await compileStep(
      { loss, metrics: {} },
      [{ name: "w", tensor: w }],
      adam({ learningRate: 0.1 }),
      { seed: 0, device: "webgpu" },
    );
    const failed = step.run(0);
    await expect(failed).rejects.toThrow(NonFiniteError);
    await expect(failed).rejects.toThrow(/step 0.*"w"/);
  });
});

/** A step that can be made to fail by what it is fed: its loss, a metric, or only a gradient. */
async function fragile(device: "cpu" | "webgpu", optimizer = optimizers.adam()) {
  const { objective, named } = network();
  const weight = named[2].tensor;
  const loss = objective.loss.add(mean(sqrt(abs(weight).mul(input("factor", [])))));
  const metrics = { ...objective.metrics, other: scalar(1).div(input("divisor", [])) };
  const step = await compileStep({ ...objective, loss, metrics }, named, optimizer, { seed: 3, device });
  /** Fills a step's inputs, which have something wrong with them at some steps. */
  const feed = (at: number, wrong?: string): void => {
    step.input("x").set(X.map((v) => v + at / 100));
    step.input("y").set(Y);
    step.input("factor")[0] = wrong === "gradient" ? 0 : 1;
    step.input("divisor")[0] = wrong === "metric" ? 0 : 1 + at;
    if (wrong === "loss") step.input("x")[5] = Number.NaN;
  };
  const take = async (from: number, to: number, wrong: Readonly<Record<number, string>> = {}) => {
    const reports: StepReport[] = [];
    const error = await step
      .take({
        from,
        to,
        before(at) {
          feed(at, wrong[at]);
          return true;
        },
        after: (some) => void reports.push(...some),
      })
      .then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
    await step.pull();
    return { reports, error, state: [...step.state(), ...step.buffers()].map((t) => [t.name, [...t.data]]) };
  };
  return { step, take };
}

describe.skipIf(!hasSoftwareGpu)("steps on a device whose figures are read together", () => {
  test("are those whose figures are read one by one, bit for bit, and fewer are read", async () => {
    const { sessions, restore } = countedRuns();
    const together = await fragile("webgpu");
    const { reports, state } = await together.take(0, 37);
    restore();
    // The step itself, its figures after 16, 32 and 37 steps, and the state.
    expect(sessions).toEqual([37, 3, 1]);
    const single = await fragile("webgpu");
    const each: StepReport[] = [];
    let last: unknown;
    for (let i = 0; i < 37; i++) {
      const one = await single.take(i, i + 1);
      each.push(...one.reports);
      last = one.state;
    }
    expect(each).toHaveLength(37);
    expect(reports).toEqual(each);
    expect(state).toEqual(last);
  });

  const places = [
    [0, "loss"],
    [1, "gradient"],
    [6, "metric"],
    [15, "gradient"],
    [16, "loss"],
    [20, "gradient"],
  ] as const;
  test.each(places)("a failure at step %i, of its %s, leaves everything as it was", async (at, wrong) => {
    const it = await fragile("webgpu");
    const { reports, error, state } = await it.take(0, 40, { [at]: wrong });
    const before = await fragile("webgpu");
    const sound = await before.take(0, at);
    expect(error).toBeInstanceOf(NonFiniteError);
    expect(reports).toEqual(sound.reports);
    expect(state).toEqual(sound.state);
    expect(reports).toHaveLength(at);

    // What the error says is what the processor's says.
    const cpu = await fragile("cpu");
    const there = await cpu.take(0, 40, { [at]: wrong });
    expect(`${error}`).toBe(`${there.error}`);
    expect(`${error}`).toContain(`step ${at}: `);
    expect(Object.keys(it.step.report())).toEqual(Object.keys(cpu.step.report()));
    for (const [name, value] of Object.entries(cpu.step.report()))
      expect(it.step.report()[name], name).toSatisfy(
        (v: number) => Object.is(v, value) || Math.abs(v - value) < CLOSE,
      );
    // The inputs are those of the step that failed, not of the last one that was sent.
    for (const name of ["x", "factor", "divisor"]) expect(it.step.input(name)).toEqual(cpu.step.input(name));

    // It goes on from there, without the step that failed, and may fail again.
    const rest = await it.take(at + 1, at + 20, { [at + 18]: "gradient" });
    const other = await before.take(at + 1, at + 18);
    expect(rest.reports).toEqual(other.reports);
    expect(rest.state).toEqual(other.state);
    expect(rest.error).toBeInstanceOf(NonFiniteError);
    expect(rest.reports).toHaveLength(17);
  });

  test("a step that cannot be sent ends them; those before it are read", async () => {
    const falling = (step: number): number => (step < 5 ? 0.1 : -1);
    const it = await fragile("webgpu", sgd({ learningRate: falling }));
    const { reports, error } = await it.take(0, 20);
    expect(error).toBeInstanceOf(UsageError);
    expect(reports).toHaveLength(5);
    // A failure before it is the cause, and comes first.
    const other = await fragile("webgpu", sgd({ learningRate: falling }));
    expect((await other.take(0, 20, { 3: "loss" })).error).toBeInstanceOf(NonFiniteError);
  });
});

test("a device that is not one, and executors that it does not have, are refused", async () => {
  const { objective, named } = network();
  const compiled = (options: object) =>
    compileStep(objective, named, optimizers.adam(), { seed: 0, ...options });
  await expect(compiled({ device: "tpu" })).rejects.toThrow(/cpu or webgpu/);
  await expect(compiled({ device: "webgpu", executor: "host" })).rejects.toThrow(
    /executor host computes on the processor.*use native/,
  );
  // Several processes.
  await expect(compiled({ device: "webgpu", together: {} })).rejects.toThrow(
    /several ranks.*device "cpu", or in one process/,
  );
});
