/** Runs opened as what a test knows them to be. */
import { expect } from "vitest";
import { Trained, TrainedClassifier, TrainedM1 } from "../../src/kinds/index.ts";
import { openRun } from "../../src/runs/index.ts";

/** The run of a VAE or an autoencoder; of M1 its VAE. */
export async function openTrained(path: string) {
  const { trained: found, ...rest } = await openRun(path);
  const trained = found instanceof TrainedM1 ? found.vae : found;
  if (!(trained instanceof Trained)) return expect.unreachable(`${path} holds no autoencoder`);
  return { ...rest, trained };
}

/** The run of M2 or M1+M2. */
export async function openClassifier(path: string) {
  const { trained, ...rest } = await openRun(path);
  if (!(trained instanceof TrainedClassifier)) return expect.unreachable(`${path} holds no M2`);
  return { ...rest, trained };
}

/** The run of M1. */
export async function openM1(path: string) {
  const { trained, ...rest } = await openRun(path);
  if (!(trained instanceof TrainedM1)) return expect.unreachable(`${path} holds no M1`);
  return { ...rest, trained };
}
