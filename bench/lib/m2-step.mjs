// One step of M2 side by side: ours, ours without sharing, its products alone, PyTorch. See ../README.md.
import { interpreters, node, peer } from "./contestants.mjs";
import * as m2 from "./m2.mjs";
import { launch } from "./process.mjs";
import { measureTrainSteps } from "./train-step.mjs";

/** Tolerance for losses of the same step in float32: sums of up to 800,000 terms in another order. */
const TOLERANCE = 1e-5;

const contestants = (shape, threads) => {
  const { start: _, below: __, ...network } = m2.SHAPES[shape];
  const spec = JSON.stringify({
    ...network,
    classes: m2.CLASSES,
    latent: m2.LATENT,
    rows: m2.ROWS,
    labelled: m2.LABELLED,
    alpha: m2.ALPHA,
    learningRate: m2.LEARNING_RATE,
    posteriors: m2.POSTERIORS,
  });
  const [ours, floor] = [node("m2.mjs"), node("m2-floor.mjs")];
  const torch = (key, form) => ({
    key,
    commands: interpreters().map((python) => [python, peer("m2_pytorch.py"), form, shape, threads, spec]),
    env: { OMP_NUM_THREADS: threads, OPENBLAS_NUM_THREADS: threads, OMP_WAIT_POLICY: "passive" },
    atLeast: 2,
  });
  return [
    { key: "tightbound", commands: [[...ours, "shared", shape, threads]] },
    { key: "naive", commands: [[...ours, "naive", shape, threads]] },
    { key: "floor", commands: [[...floor, shape, threads]], trains: false },
    torch("torch", "modules"),
    torch("torch-tuned", "tuned"),
  ];
};

export const M2_CONTESTANTS = contestants("features", "1").map(({ key }) => key);

/** Compares our first step's loss with those of the others at the same parameters, minibatch and draws. @throws Error when one differs. */
const agreeOnLoss = async (ready) => {
  const ours = ready.find(({ key }) => key === "tightbound");
  if (ours === undefined) return undefined;
  const sample = await ours.ask({ cmd: "sample" });
  ours.pause();
  const losses = { tightbound: sample.loss };
  for (const other of ready.filter(({ key, trains }) => trains && key !== "tightbound")) {
    const answer = await other.ask(other.key === "naive" ? { cmd: "sample" } : { ...sample, cmd: "loss" });
    other.pause();
    losses[other.key] = answer.loss;
    if (!(Math.abs(answer.loss / sample.loss - 1) < TOLERANCE))
      throw new Error(
        `m2: ${other.key} has loss ${answer.loss} where ours is ${sample.loss}: not the same step`,
      );
  }
  return losses;
};

/** The step on one of the two shapes with a given number of threads. */
const measureOne = async (shape, threads, { only, rounds, progress }) => {
  const ready = [];
  const skipped = [];
  for (const contestant of contestants(shape, String(threads)).filter(
    ({ key }) => !only || only.includes(key),
  )) {
    progress(`m2, ${shape}: starting ${contestant.key}`);
    try {
      const handle = await launch(contestant);
      handle.pause();
      ready.push(handle);
    } catch (error) {
      skipped.push({ key: contestant.key, reason: error.message });
    }
  }
  try {
    const losses = await agreeOnLoss(ready);
    const must = m2.SHAPES[shape];
    const label = (text) => progress(`m2, ${shape}, ${threads} thread(s), ${text}`);
    const entries = await measureTrainSteps(ready, { rounds, progress: label, must });
    return { shape, threads, losses, entries, skipped };
  } finally {
    for (const contestant of ready) await contestant.end();
    progress("");
  }
};

/** Both shapes, with two threads and with one. Resolves to a list of their tables. */
export const measureM2 = async (options) => {
  const groups = [];
  for (const shape of Object.keys(m2.SHAPES))
    for (const threads of [2, 1]) groups.push(await measureOne(shape, threads, options));
  return groups;
};
