// Loops over time, by `scan`: `npm run build && node bench/loops.mjs`. See README.md.
import { execFileSync } from "node:child_process";

const from = (path) => import(new URL(`../dist/public/${path}.js`, import.meta.url).href);
const t = await from("tensor");
const {
  add,
  build,
  grad,
  input,
  logsumexp,
  matmul,
  mul,
  scan,
  sigmoid,
  slice,
  softplus,
  square,
  squeeze,
  sub,
  sum,
  tanh,
  unsqueeze,
} = t;

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const filled = (size, f) => Float64Array.from({ length: size }, (_, i) => f(i));
/** Median milliseconds of a call in batches of `calls`; two things in turn, so that a busy machine slows both. */
async function sideBySide(runs, calls, rounds = 15) {
  const times = runs.map(() => []);
  for (let r = 0; r < rounds; r++)
    for (const [i, run] of runs.entries()) {
      const start = performance.now();
      for (let k = 0; k < calls; k++) await run();
      times[i].push((performance.now() - start) / calls);
    }
  return times.map(median);
}

async function compiled(outputs, executor, numbersOf) {
  const start = performance.now();
  const program = await build(outputs, { executor, threads: 1 });
  const Floats = executor === "host" ? Float64Array : Float32Array;
  const arrays = program.leaves.map((l) => Floats.from(numbersOf(l.attributes.name, l.size)));
  const results = outputs.map((o) => new Floats(o.size));
  const run = program.bind(arrays, results);
  await run();
  return {
    run,
    results,
    arrays: Object.fromEntries(program.leaves.map((l, i) => [l.attributes.name, arrays[i]])),
    ms: performance.now() - start,
  };
}

/** The forward algorithm and its gradient by hand, in log space; the same numbers. */
function forwardByHand({ a, e, p }, T, K) {
  const alpha = new Float64Array(T * K);
  const gradients = { a: new Float64Array(K * K), e: new Float64Array(T * K) };
  const beta = new Float64Array(K);
  const before = new Float64Array(K);
  return Object.assign(
    () => {
      for (let k = 0; k < K; k++) alpha[k] = p[k] + e[k];
      for (let s = 1; s < T; s++)
        for (let j = 0; j < K; j++) {
          let top = Number.NEGATIVE_INFINITY;
          for (let i = 0; i < K; i++) top = Math.max(top, alpha[(s - 1) * K + i] + a[i * K + j]);
          let total = 0;
          for (let i = 0; i < K; i++) total += Math.exp(alpha[(s - 1) * K + i] + a[i * K + j] - top);
          alpha[s * K + j] = top + Math.log(total) + e[s * K + j];
        }
      let top = Number.NEGATIVE_INFINITY;
      for (let k = 0; k < K; k++) top = Math.max(top, alpha[(T - 1) * K + k]);
      let total = 0;
      for (let k = 0; k < K; k++) total += Math.exp(alpha[(T - 1) * K + k] - top);
      const density = top + Math.log(total);
      gradients.a.fill(0);
      for (let k = 0; k < K; k++) beta[k] = Math.exp(alpha[(T - 1) * K + k] - density);
      for (let s = T - 1; s > 0; s--) {
        before.fill(0);
        for (let j = 0; j < K; j++) {
          gradients.e[s * K + j] = beta[j];
          const z = alpha[s * K + j] - e[s * K + j];
          for (let i = 0; i < K; i++) {
            const w = beta[j] * Math.exp(alpha[(s - 1) * K + i] + a[i * K + j] - z);
            gradients.a[i * K + j] += w;
            before[i] += w;
          }
        }
        beta.set(before);
      }
      for (let k = 0; k < K; k++) gradients.e[k] = beta[k];
      return density;
    },
    { gradients },
  );
}

async function hmm(T = 1000, K = 3) {
  const start = performance.now();
  const [a, e, p] = [
    input("a", [K, K], "float64"),
    input("e", [T, K], "float64"),
    input("p", [K], "float64"),
  ];
  const first = add(p, squeeze(slice(e, { axis: 0, end: 1 }), 0));
  const { carry } = scan(first, slice(e, { axis: 0, start: 1 }), (alpha, seen) => ({
    carry: add(logsumexp(add(unsqueeze(alpha, 1), a), 0), seen),
  }));
  const total = logsumexp(carry);
  const outputs = [total, ...grad(total, [a, e, p])];
  const traced = performance.now() - start;
  const ours = await compiled(outputs, "host", (_, size) =>
    filled(size, (i) => -0.2 - Math.sin(i * 1.7 + size) ** 2),
  );
  const hand = forwardByHand(ours.arrays, T, K);
  hand();
  ours.run();
  const off = Math.max(...hand.gradients.a.map((v, i) => Math.abs(v - ours.results[1][i])));
  if (off > 1e-6) throw new Error(`the gradients differ by ${off}`);
  const [scanned, byHand] = await sideBySide([ours.run, hand], 100);
  return {
    what: `HMM, ${T} steps, ${K} states: gradient`,
    "trace + compile ms": traced + ours.ms,
    ms: scanned,
    beside: byHand,
    of: "by hand",
  };
}

async function garch(T = 200) {
  const start = performance.now();
  const names = ["mu", "omega", "alpha", "beta"].map((n) => input(n, [], "float64"));
  const [mu, omega, alpha, beta] = names;
  const y = input("y", [T], "float64");
  const { outputs: v } = scan(omega, y, (before, seen) => ({
    carry: add(add(omega, mul(alpha, square(sub(seen, mu)))), mul(beta, before)),
    output: before,
  }));
  const density = sum(add(square(sub(y, mu)).div(v), v.log())).mul(-0.5);
  const outputs = [density, ...grad(density, names)];
  const traced = performance.now() - start;
  const values = { mu: 0.1, omega: 0.3, alpha: 0.2, beta: 0.5 };
  const ours = await compiled(outputs, "host", (name, size) =>
    filled(size, (i) => values[name] ?? Math.sin(i * 2.3)),
  );
  const seen = ours.arrays.y;
  const variances = new Float64Array(T);
  const byHand = () => {
    const { mu: m, omega: w, alpha: a, beta: b } = values;
    let total = 0;
    let before = w;
    for (let s = 0; s < T; s++) {
      variances[s] = before;
      const r = seen[s] - m;
      total -= 0.5 * ((r * r) / before + Math.log(before));
      before = w + a * r * r + b * before;
    }
    const g = [0, 0, 0, 0];
    let later = 0;
    for (let s = T - 1; s >= 0; s--) {
      const r = seen[s] - m;
      const here = variances[s];
      // The derivative by the next variance reaches the parameters through this step.
      g[1] += later;
      g[2] += later * r * r;
      g[3] += later * here;
      g[0] += -2 * a * r * later + r / here;
      later = b * later + 0.5 * ((r * r) / (here * here) - 1 / here);
    }
    g[1] += later;
    return [total, ...g];
  };
  ours.run();
  byHand().forEach((v2, i) => {
    if (Math.abs(v2 - ours.results[i][0]) > 1e-8 * Math.max(1, Math.abs(v2)))
      throw new Error(`number ${i}: ${v2}, ${ours.results[i][0]}`);
  });
  const [scanned, hand] = await sideBySide([ours.run, byHand], 1000);
  return {
    what: `GARCH(1, 1), ${T} steps: gradient`,
    "trace + compile ms": traced + ours.ms,
    ms: scanned,
    beside: hand,
    of: "by hand",
  };
}

async function gru(T = 100, batch = 64, inputs = 28, hidden = 128) {
  const start = performance.now();
  const leaf = (name, ...shape) => input(name, shape);
  const x = leaf("x", T, batch, inputs);
  const h = leaf("h", batch, hidden);
  const weights = [
    leaf("wi", inputs, 3 * hidden),
    leaf("bi", 3 * hidden),
    leaf("wh", hidden, 3 * hidden),
    leaf("bh", 3 * hidden),
    leaf("wo", hidden, inputs),
    leaf("bo", inputs),
  ];
  const [wi, bi, wh, bh, wo, bo] = weights;
  const third = (g, k) => slice(g, { axis: -1, start: k * hidden, end: (k + 1) * hidden });
  const { outputs: logits } = scan(h, x, (before, now) => {
    const gi = add(matmul(now, wi), bi);
    const gh = add(matmul(before, wh), bh);
    const [r, z] = [0, 1].map((k) => sigmoid(add(third(gi, k), third(gh, k))));
    const n = tanh(add(third(gi, 2), mul(r, third(gh, 2))));
    const next = add(n, mul(z, sub(before, n)));
    return { carry: next, output: add(matmul(next, wo), bo) };
  });
  const loss = sum(sub(softplus(logits), mul(logits, x))).div(batch);
  const outputs = [loss, ...grad(loss, [...weights, h])];
  const traced = performance.now() - start;
  const scale = 1 / Math.sqrt(hidden);
  const ours = await compiled(outputs, "native", (name, size) =>
    filled(size, (i) =>
      name === "x" ? Number(Math.sin(i * 3.1) > 0) : scale * Math.sin(i * 12.9898 + name.charCodeAt(0)),
    ),
  );
  const count = 40;
  const torch = () => {
    const file = new URL("peers/gru_pytorch.py", import.meta.url).pathname;
    try {
      const said = execFileSync(
        "/usr/bin/python3",
        [file, ...[T, batch, inputs, hidden, 1, count].map(String)],
        { encoding: "utf8" },
      );
      return JSON.parse(said);
    } catch {
      return undefined;
    }
  };
  const rounds = [];
  for (let r = 0; r < 3; r++) {
    const [ms] = await sideBySide([ours.run], 1, count);
    rounds.push({ ms, peer: torch() });
  }
  const best = rounds.reduce((m, r) => (r.ms < m.ms ? r : m));
  const peers = rounds.map(({ peer }) => peer?.median ?? Number.NaN);
  return {
    what: `GRU, ${T} steps, batch ${batch}, ${hidden} units: forward and backward`,
    "trace + compile ms": traced + ours.ms,
    ms: best.ms,
    beside: Math.min(...peers),
    of: `PyTorch ${rounds[0].peer?.version ?? "not found"}`,
  };
}

const rows = [];
for (const measure of [hmm, garch, gru]) rows.push(await measure());
for (const row of rows) {
  const { what, ms, beside, of } = row;
  console.log(
    `${what}: trace and compile ${row["trace + compile ms"].toFixed(0)} ms; ${ms.toFixed(3)} ms, ${of} ${beside.toFixed(3)} ms, ratio ${(ms / beside).toFixed(2)}`,
  );
}
