import { describe, expect, test } from "vitest";
import { CheckpointError, NonFiniteError, UsageError } from "../../src/errors.ts";
import { MemoryPlan } from "../../src/kernels/index.ts";
import { squaredNorm } from "../../src/optim/clip.ts";
import { Arena, adam, globalNorm, type NamedTensor, schedules, sgd } from "../../src/optim/index.ts";
import { fillNormal, stream } from "../../src/random/index.ts";

const SPECS = [
  { name: "encoder.weight", shape: [5, 7] },
  { name: "encoder.bias", shape: [7] },
  { name: "decoder.weight", shape: [7, 3] },
  { name: "decoder.bias", shape: [3] },
  { name: "scale", shape: [] },
  { name: "empty", shape: [0, 4] },
] as const;

const filled = (optimizer = adam({ learningRate: 0.1 })) => {
  const arena = Arena.allocate(SPECS, optimizer);
  for (const { name } of SPECS) {
    fillNormal(arena.parameter(name), stream(0, name));
    fillNormal(arena.gradient(name), stream(1, name));
  }
  return arena;
};

describe("layout", () => {
  test("tensors are aligned views of flat buffers, and padding stays zero", () => {
    const arena = filled(adam({ learningRate: 0.1, weightDecay: 0.1 }));
    const before = arena.parameter("encoder.weight").slice();
    for (let step = 0; step < 5; step++) arena.update({ step });
    expect(arena.parameter("encoder.weight")).not.toEqual(before);
    const inside = new Set<number>();
    for (const { name, size, offset } of arena.tensors) {
      const view = arena.parameter(name);
      expect(view.length).toBe(size);
      expect(view.buffer).toBe(arena.flat.parameters.buffer);
      expect(view.byteOffset).toBe(arena.flat.parameters.byteOffset + 4 * offset);
      expect(view.byteOffset % 64).toBe(0);
      for (let i = 0; i < size; i++) inside.add(offset + i);
    }
    expect(inside.size).toBe(35 + 7 + 21 + 3 + 1);
    for (const buffer of [arena.flat.parameters, arena.flat.gradients, ...arena.flat.moments.values()]) {
      expect(buffer.every((x, i) => inside.has(i) || x === 0)).toBe(true);
    }
  });

  test("an arena shares a planned memory with other slots", () => {
    const plan = new MemoryPlan();
    const planned = Arena.plan(SPECS, sgd({ learningRate: 1 }), plan);
    const batch = plan.reserve("batch", 10, "float32");
    const memory = plan.allocate();
    const arena = planned.bind(memory);
    expect(arena.flat.gradients.buffer).toBe(memory.view(batch).buffer);
  });

  test.each([
    [
      [
        { name: "w", shape: [1] },
        { name: "w", shape: [2] },
      ],
      'parameter "w" is declared twice; give each parameter a name of its own',
    ],
    [
      [{ name: "w", shape: [2, -1] }],
      'parameter "w": expected a shape of non-negative integers, found [2, -1]',
    ],
    [
      [{ name: "optimizer/x", shape: [1] }],
      'parameter name: expected one that is not empty and does not start with "optimizer/", found "optimizer/x"',
    ],
  ])("impossible specs are refused (%#)", (specs, message) => {
    expect(() => Arena.allocate(specs, sgd({ learningRate: 1 }))).toThrow(new UsageError(message));
  });

  test("unknown names are answered with the known ones", () => {
    const arena = filled();
    expect(() => arena.gradient("bias")).toThrow(
      new UsageError(
        'no parameter "bias"; there are "encoder.weight", "encoder.bias", "decoder.weight", "decoder.bias", ' +
          '"scale", "empty"',
      ),
    );
    expect(() => arena.moment("third", "scale")).toThrow(
      new UsageError('adam has no moment "third"; it has "first", "second"'),
    );
  });
});

describe("groups", () => {
  test("each group is one range with its own settings; the first match wins; frozen ones never move", () => {
    const seen: string[] = [];
    const optimizer = sgd({
      learningRate: 0.5,
      groups: [
        {
          match: /\.bias$/g,
          learningRate: schedules.piecewise({ initial: 0, boundaries: [{ at: 1, value: 2 }] }),
        },
        { match: (name) => name.startsWith("decoder"), frozen: true },
        {
          match: (name, label) => {
            seen.push(name);
            return label === "likelihood";
          },
          weightDecay: 0.25,
        },
      ],
    });
    const specs = SPECS.map((spec) => (spec.name === "scale" ? { ...spec, group: "likelihood" } : spec));
    const arena = Arena.allocate(specs, optimizer);
    expect(arena.layout.ranges.map(({ group }) => group)).toEqual([0, 1, 2, 3]);
    // Group 0: two biases of 16 padded elements; 1: 21 → 32; 2: 16; 3: 35 → 48.
    expect(arena.layout.ranges.map(({ count }) => count)).toEqual([32, 32, 16, 48]);
    expect(seen).toEqual(["encoder.weight", "scale", "empty"]);

    for (const { name } of SPECS) {
      arena.parameter(name).fill(1);
      arena.gradient(name).fill(1);
    }
    const first = () =>
      Object.fromEntries(SPECS.slice(0, 5).map(({ name }) => [name, arena.parameter(name)[0]]));
    arena.update({ step: 0 });
    // 1 - 0.5·1; biases at rate 0; the decoder frozen; the scale with decay: 1 - 0.5·(1 + 0.25).
    expect(first()).toEqual({
      "encoder.weight": 0.5,
      "encoder.bias": 1,
      "decoder.weight": 1,
      "decoder.bias": 1,
      scale: 0.375,
    });
    arena.update({ step: 1 });
    expect(first()["encoder.bias"]).toBe(-1);
    expect(first()["decoder.bias"]).toBe(-1);
    expect(first()["decoder.weight"]).toBe(1);
  });

  test("a schedule that goes wrong changes nothing", () => {
    const optimizer = sgd({
      learningRate: 1,
      groups: [{ match: /scale/, learningRate: (step) => 1 - step }],
    });
    const arena = filled(optimizer);
    const before = arena.flat.parameters.slice();
    expect(() => arena.update({ step: 2 })).toThrow(
      new UsageError(
        "sgd: expected the learning rate at step 2 to be finite and not negative, found -1; parameters are unchanged",
      ),
    );
    expect(() => arena.update({ step: 0, gradientScale: Number.NaN })).toThrow(
      new NonFiniteError("step 0: expected a finite gradient scale, found NaN; parameters are unchanged"),
    );
    expect(() => arena.update({ step: -1 })).toThrow(
      new UsageError("arena update: expected step to be an integer, 0 or more, found -1"),
    );
    expect(arena.flat.parameters).toEqual(before);
  });
});

describe("parts", () => {
  test.each([1, 2, 3, 7])("%i parts, each updated by itself, are one update bit for bit", (count) => {
    const optimizer = adam({
      learningRate: 0.1,
      weightDecay: 0.01,
      groups: [
        { match: /bias/, learningRate: 0.5 },
        { match: /scale/, frozen: true },
      ],
    });
    const whole = filled(optimizer);
    const gradients = whole.flat.gradients.slice();
    const norm = globalNorm(whole);
    const { length } = whole.layout;
    const size = Math.ceil(length / count);
    const bounds = Array.from({ length: count }, (_, i) => ({
      start: Math.min(length, i * size),
      end: Math.min(length, (i + 1) * size),
    }));
    for (let step = 0; step < 2; step++) whole.update({ step });
    const pieces = bounds.map(({ start, end }) => {
      const plan = new MemoryPlan();
      const planned = Arena.plan(SPECS, optimizer, plan);
      const slot = plan.reserve("part", Math.max(1, end - start), "float32");
      const memory = plan.allocate();
      const arena = planned.bind(memory);
      const own = memory.view(slot).subarray(0, end - start);
      const part = { start, end, gradients: own };
      for (const { name } of SPECS) fillNormal(arena.parameter(name), stream(0, name));
      own.set(gradients.subarray(start, end));
      const square = squaredNorm(arena, part);
      for (let step = 0; step < 2; step++) expect(arena.update({ step, part })).toBe(true);
      expect(() => arena.state()).toThrow("Call `pull()`");
      arena.gathered();
      expect(arena.state()).toHaveLength(3 * SPECS.length);
      const cut = (buffer: Float32Array) => [...buffer.subarray(start, end)];
      return { square, parts: [arena.flat.parameters, ...arena.flat.moments.values()].map(cut) };
    });
    [whole.flat.parameters, ...whole.flat.moments.values()].forEach((buffer, i) => {
      expect(pieces.flatMap(({ parts }) => parts[i])).toEqual([...buffer]);
    });
    expect(Math.sqrt(pieces.reduce((sum, { square }) => sum + square, 0))).toBeCloseTo(norm, 12);
  });
});

describe("state", () => {
  test("a loaded arena goes on bit for bit, also under another grouping", () => {
    const arena = filled();
    for (let step = 0; step < 3; step++) arena.update({ step });
    const state = arena.state();
    expect(state.map(({ name }) => name)).toContain("optimizer/adam/second/encoder.bias");
    const resumed = filled(adam({ learningRate: 0.1, groups: [{ match: /bias/ }] }));
    resumed.load([...state].reverse());
    for (const a of [arena, resumed]) for (let step = 3; step < 6; step++) a.update({ step });
    expect(resumed.state()).toEqual(arena.state());
    // The state is a copy: later updates did not reach it.
    expect(state[0]?.data).not.toEqual(arena.state()[0]?.data);
  });

  test("parameters alone", () => {
    const arena = filled();
    arena.update({ step: 0 });
    const other = Arena.allocate(SPECS, sgd({ learningRate: 1 }));
    other.load(arena.state(), { moments: false });
    for (const { name } of SPECS) expect(other.parameter(name)).toEqual(arena.parameter(name));
  });

  const replaced = (name: string, change: (tensor: NamedTensor) => NamedTensor) =>
    filled()
      .state()
      .map((tensor) => (tensor.name === name ? change(tensor) : tensor));

  test.each([
    [
      replaced("encoder.weight", (tensor) => ({ ...tensor, shape: [7, 5] })),
      'tensor "encoder.weight": expected shape [5, 7], found [7, 5]; the checkpoint belongs to another architecture',
    ],
    [
      replaced("scale", (tensor) => ({ ...tensor, shape: [1] })),
      'tensor "scale": expected shape [], found [1]; the checkpoint belongs to another architecture',
    ],
    [
      replaced("decoder.bias", (tensor) => ({ ...tensor, data: new Float32Array(2) })),
      'tensor "decoder.bias": expected 3 float32 values, found a Float32Array of 2',
    ],
    [
      replaced("decoder.bias", (tensor) => ({
        ...tensor,
        data: new Float64Array(3) as unknown as Float32Array,
      })),
      'tensor "decoder.bias": expected 3 float32 values, found a Float64Array of 3',
    ],
    [
      [{ name: "other", shape: [1], data: new Float32Array(1) }],
      'tensor "encoder.weight": expected shape [5, 7], found no such tensor; the checkpoint has "other"',
    ],
    [
      [...replaced("", (tensor) => tensor), { name: "other", shape: [1], data: new Float32Array(1) }],
      'the checkpoint has tensors that nothing here expects: "other"; it belongs to another architecture or optimiser',
    ],
  ])("a checkpoint that does not fit is refused and nothing is written (%#)", (tensors, message) => {
    const arena = Arena.allocate(SPECS, adam({ learningRate: 0.1 }));
    expect(() => arena.load(tensors)).toThrow(new CheckpointError(message));
    expect(arena.flat.parameters.every((x) => x === 0)).toBe(true);
  });
});
