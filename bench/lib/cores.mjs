// The train step of three VAEs with its update on all cores, beside the same on one core, the matrix products alone and PyTorch, in turns.
import { isDeepStrictEqual } from "node:util";
import { peer, torch } from "./contestants.mjs";
import { launch } from "./process.mjs";
import { measureTrainSteps } from "./train-step.mjs";

/** `atMost`: the project's target for the step over its products. */
const MODELS = [
  { name: "784-400-20, batch 128", hidden: "400", latent: "20", batch: "128", atMost: 1.4 },
  {
    name: "2 × 600 hidden, latent 50, batch 256",
    hidden: "600,600",
    latent: "50",
    batch: "256",
    atMost: 1.25,
  },
  { name: "2 × 1000 hidden, latent 50, batch 256", hidden: "1000,1000", latent: "50", batch: "256" },
];

const contestantsOf = ({ hidden, latent, batch }) => {
  const node = (file, ...args) => [[process.execPath, peer(file), hidden, latent, batch, ...args]];
  return [
    { key: "tightbound", commands: node("cores.mjs", "all") },
    { key: "one", commands: node("cores.mjs", "one") },
    { key: "floor", commands: node("floor.mjs"), trains: false },
    torch(hidden, latent, batch),
  ];
};

/** For each model the entries of the step, of the step with its update on one core, of the products, and of PyTorch where it is installed. */
export const measureCores = async ({ rounds, progress, models = MODELS }) => {
  const groups = [];
  for (const model of models) {
    const ready = [];
    for (const contestant of contestantsOf(model)) {
      progress(`${model.name}: starting ${contestant.key}`);
      try {
        const handle = await launch(contestant);
        handle.pause();
        ready.push(handle);
      } catch (error) {
        if (contestant.key !== "torch") throw error;
        progress("");
        console.log(`left out: PyTorch: ${error.message}`);
      }
    }
    const losses = new Map();
    const heard = ready.map((handle) => ({
      ...handle,
      ask: async (request) => {
        const answer = await handle.ask(request);
        losses.set(handle.key, [...(losses.get(handle.key) ?? []), ...(answer.losses ?? [])]);
        return answer;
      },
    }));
    const entries = await measureTrainSteps(heard, {
      rounds,
      progress: (text) => progress(`${model.name}: ${text}`),
      must: { start: [480, 620], below: { full: 200, quick: 300 } },
    });
    for (const handle of ready) await handle.end();
    groups.push({
      ...model,
      entries,
      sameLosses: isDeepStrictEqual(losses.get("tightbound"), losses.get("one")),
    });
  }
  progress("");
  return groups;
};
