// What several ranks do with parts: collectives on arrays of awkward lengths, and train steps whose optimiser's work is shared.
export async function partsOf(dist, ranks) {
  const { Arena, adam, compileStep, togetherOf } = await import(`${dist}/public/optim.js`);
  const { input, parameter } = await import(`${dist}/public/tensor.js`);
  const { zeros } = (await import(`${dist}/public/nn.js`)).initializers;
  const { rank, size } = ranks;
  const problems = [];
  const check = (what, holds) => holds || problems.push(what);
  const same = (a, b) => a.length === b.length && a.every((x, i) => Object.is(x, b[i]));

  for (const length of [1, 2, 7, 1000, 300_001]) {
    // Whole numbers, whose sums are exact in any order.
    const value = (i, of) => ((i * 7 + of * 13) % 101) - 50;
    const whole = Float32Array.from({ length }, (_, i) => {
      let sum = 0;
      for (let of = 0; of < size; of++) sum += value(i, of);
      return sum;
    });
    const part = Math.ceil(length / size);
    const starts = Array.from({ length: size + 1 }, (_, i) => Math.min(length, i * part));
    const counts = Int32Array.from({ length: size }, (_, i) => starts[i + 1] - starts[i]);
    const mine = Float32Array.from({ length }, (_, i) => value(i, rank));
    const kept = mine.slice();
    const [from, count] = [starts[rank], counts[rank]];
    const received = new Float32Array((size - 1) * count);
    ranks.exchange(mine, received, counts);
    const others = Array.from({ length: size }, (_, of) => of).filter((of) => of !== rank);
    const sent = others.flatMap((of) => Array.from({ length: count }, (_, i) => value(from + i, of)));
    check(`exchange of ${length}`, same(received, Float32Array.from(sent)));
    check(`exchange of ${length} changes its input`, same(mine, kept));
    const all = new Float32Array(length).fill(Number.NaN);
    all.set(whole.subarray(from, from + count), from);
    ranks.allGather(all, counts);
    check(`allGather of ${length}`, same(all, whole));
    ranks.sum(mine);
    check(`sum of ${length}`, same(mine, whole));
  }

  // Three numbers a row, twelve rows in all; the parameters end in a part of their own.
  const rowsOf = (from, count) => Float32Array.from({ length: 3 * count }, (_, i) => Math.sin(3 * from + i));
  const w = parameter([3, 40], zeros);
  const b = parameter([40], zeros);
  const frozen = parameter([1], zeros);
  const objective = (rows) => {
    const y = input("x", [rows, 3]).matmul(w).add(b).add(frozen);
    return { loss: y.sub(1).square().mean().mul(100), metrics: {} };
  };
  const named = Object.entries({ w, b, frozen }).map(([name, tensor]) => ({ name, tensor }));
  const optimizer = () =>
    adam({
      learningRate: 0.1,
      groups: [
        { match: /^b$/, learningRate: 0.01 },
        { match: /frozen/, frozen: true },
      ],
    });
  const compiled = async (together) => {
    const step = await compileStep(objective(together ? 12 / size : 12), named, optimizer(), {
      seed: 0,
      threads: 1,
      maxGradientNorm: 1,
      ...(together && { together }),
    });
    step.input("x").set(together ? rowsOf((rank * 12) / size, 12 / size) : rowsOf(0, 12));
    return step;
  };
  const [one, several] = [
    await compiled(),
    await compiled(togetherOf(ranks, objective(12 / size), () => objective(12))),
  ];
  for (let i = 0; i < 5; i++) {
    await one.run(i);
    await several.run(i);
  }
  const refused = (run) => {
    try {
      run();
      return "not refused";
    } catch (error) {
      return error.message;
    }
  };
  check("a gradient in parts is refused", refused(() => several.gradient("w")).includes("Call `pull()`"));
  check("a checkpoint in parts is refused", refused(() => several.arena.state()).includes("Call `pull()`"));
  await several.pull();
  const near = (a, b) => a.every((x, i) => Math.abs(x - b[i]) <= 1e-5 * Math.max(1e-3, ...a.map(Math.abs)));
  const expected = one.arena.state();
  several.arena.state().forEach(({ name, data }, i) => {
    check(name, near(expected[i].data, data));
  });
  for (const { name } of named)
    check(`gradient of ${name}`, near(one.gradient(name), several.gradient(name)));
  // What one rank has gathered goes on in one process.
  const alone = Arena.allocate(
    named.map(({ name, tensor }) => ({ name, shape: tensor.shape })),
    optimizer(),
  );
  alone.load(several.arena.state());

  // An overflow on the last rank alone is reported by all, and with the same parameter.
  if (rank === size - 1) several.input("x").fill(3e38);
  const message = await several.run(5).then(
    () => "not refused",
    (error) => error.message,
  );
  return { problems, message };
}
