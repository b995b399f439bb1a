// log p(hidden cell | the rest of its row), in the units of the file, by importance samples of z from q(z | the rest).
import { compile } from "../../dist/compile/index.js";
import { overChunks, rowsOf } from "../../dist/data/index.js";
import { permutation } from "../../dist/random/index.js";

const SAMPLES = 200;

/** ln of the standard normal's mass between two numbers, which may be far out on one side. */
const logMassBetween = (low, high) => {
  if (low > 0) return logMassBetween(-high, -low);
  const mass = cumulative(high) - cumulative(low);
  return mass > 1e-300
    ? Math.log(mass)
    : -0.5 * Math.min(low * low, high * high) + Math.log(high - low) - 0.919;
};

/** Φ(x) by a complementary error function in the style of W. J. Cody: a continued fraction far out, a series near 0. */
const cumulative = (x) => {
  const t = Math.abs(x);
  let tail;
  if (t < 3) {
    let [term, total] = [t, t];
    for (let k = 1; k < 200; k++) {
      term *= (t * t) / (2 * k + 1);
      total += term;
    }
    tail = 0.5 - (total * Math.exp(-0.5 * t * t)) / Math.sqrt(2 * Math.PI);
  } else {
    let fraction = t;
    for (let k = 60; k >= 1; k--) fraction = t + k / fraction;
    tail = Math.exp(-0.5 * t * t) / Math.sqrt(2 * Math.PI) / fraction;
  }
  return x > 0 ? 1 - tail : tail;
};

/**
 * Means over hidden cells: for each column whose type, chosen from the data, is neither number nor category, and over all of these.
 * Whole numbers have masses under both models; for a normal it is the mass within half a unit.
 */
export async function heldOutLogLikelihood({ table, whole, preprocessing, layout, chosen, seed, trained }) {
  const { features, columns: places } = layout;
  const judged = chosen.columns.filter(({ kind }) => !["numeric", "categorical"].includes(kind));
  const observed = whole.observed.slice();
  const x = Float32Array.from(whole.x);
  const hidden = new Map();
  judged.forEach(({ name }) => {
    const at = places.findIndex((place) => place.name === name);
    const { start, width } = places[at];
    const key = [...name].reduce((a, c) => (a * 31 + c.charCodeAt(0)) % 1e6, 7);
    const known = [...Array(whole.rows).keys()].filter((row) => whole.observed[row * features + start] === 1);
    const order = permutation(known.length, seed, key, "hide");
    for (let i = 0; i < Math.round(0.2 * known.length); i++) {
      const row = known[order[i]];
      hidden.set(row, [...(hidden.get(row) ?? []), { name, at }]);
      observed.fill(0, row * features + start, row * features + start + width);
      x.fill(0, row * features + start, row * features + start + width);
    }
  });
  const rows = { ...whole, x, observed };
  const model = await trained(rows, layout, seed);
  const vae = model.model;
  const f = compile(
    (seen) => {
      const q = vae.encode(seen);
      const z = q.sample("z", [SAMPLES]);
      const px = vae.decode(z);
      const { loc, logScale, logMean, logTotal, logits } = px.parameters;
      return {
        logWeights: px.logProb(seen).add(vae.prior.logProb(z)).sub(q.logProb(z)),
        ...(loc && { loc, logScale: logScale.add(loc.mul(0)) }),
        ...(logMean && { logMean, logTotal: logTotal.add(logMean.mul(0)) }),
        ...(logits && { logits }),
      };
    },
    { parameters: model.parameters, seed, threads: 1 },
  );
  const totals = new Map(judged.map(({ name }) => [name, []]));
  await overChunks(
    rows,
    async (chunk, count, start) => {
      const out = await f(chunk);
      const size = chunk.shape[0];
      for (let i = 0; i < count; i++) {
        for (const { name, at } of hidden.get(start + i) ?? []) {
          const column = preprocessing.columns[at];
          const kind = chosen.columns.find((one) => one.name === name).kind;
          const cell = Number(table.rows[start + i][table.columns.indexOf(name)]);
          const truth = rowsOf(whole, [start + i], new Float32Array(features));
          const logs = Array.from({ length: SAMPLES }, (_, s) => {
            const part = (key) => {
              const { data, shape } = out[key];
              const width = shape.at(-1);
              return data.subarray((s * size + i) * width, (s * size + i + 1) * width);
            };
            return logDensity(column, kind, cell, truth, places[at].start, layout, part);
          });
          const weights = Array.from({ length: SAMPLES }, (_, s) => out.logWeights.data[s * size + i]);
          totals.get(name).push(logSumExp(weights.map((w, s) => w + logs[s])) - logSumExp(weights));
        }
      }
    },
    50,
  );
  const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length;
  return {
    ...Object.fromEntries([...totals].map(([name, all]) => [name, mean(all)])),
    all: mean([...totals.values()].flat()),
  };
}

const logSumExp = (values) => {
  const top = Math.max(...values);
  return top + Math.log(values.reduce((sum, value) => sum + Math.exp(value - top), 0));
};

const logGamma = (x) => {
  let [at, shift] = [x, 0];
  for (; at < 10; at++) shift += Math.log(at);
  return (
    (at - 0.5) * Math.log(at) - at + 0.5 * Math.log(2 * Math.PI) + 1 / (12 * at) - 1 / (360 * at ** 3) - shift
  );
};

/** The log density, or mass, of a cell in its own units at one z. */
function logDensity(column, kind, cell, truth, start, layout, part) {
  const { numeric, counts = 0, blocks } = layout;
  if (column.kind === "count") {
    const [m, r] = [Math.exp(part("logMean")[start - numeric]), Math.exp(part("logTotal")[start - numeric])];
    return (
      logGamma(cell + r) -
      logGamma(r) -
      logGamma(cell + 1) +
      r * Math.log(r / (r + m)) +
      cell * Math.log(m / (r + m))
    );
  }
  if (column.kind === "ordinal" || column.kind === "categorical") {
    const { categories } = blocks.find((block) => block.start === start);
    const logits = part("logits").subarray(
      start - numeric - counts,
      start - numeric - counts + categories.length,
    );
    const right = categories.findIndex((_, k) => truth[start + k] === 1);
    return logits[right] - logSumExp([...logits]);
  }
  const [mu, sigma] = [part("loc")[start], Math.exp(part("logScale")[start])];
  if (column.kind === "numeric" && (kind === "count" || kind === "ordinal")) {
    const half = 0.5 / column.sd;
    return logMassBetween((truth[start] - half - mu) / sigma, (truth[start] + half - mu) / sigma);
  }
  const normal = -0.5 * ((truth[start] - mu) / sigma) ** 2 - Math.log(sigma) - 0.5 * Math.log(2 * Math.PI);
  // The slope of the feature: d feature / d cell.
  if (column.kind === "positive") return normal - Math.log(column.sd) - Math.log(cell);
  if (column.kind === "bounded") {
    const u = column.margin + ((cell - column.low) / (column.high - column.low)) * (1 - 2 * column.margin);
    return (
      normal -
      Math.log(column.sd) +
      Math.log((1 - 2 * column.margin) / (column.high - column.low)) -
      Math.log(u * (1 - u))
    );
  }
  return normal - Math.log(column.sd);
}
