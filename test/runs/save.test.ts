/** A model that was trained in memory is saved as a run, and opens as it was. */
import { writeFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { toNpy } from "../../src/cli/table.ts";
import { UsageError } from "../../src/errors.ts";
import { stackOn, Trained, TrainedClassifier } from "../../src/kinds/index.ts";
import { Autoencoder, M2, VAE } from "../../src/models/index.ts";
import { open, train } from "../../src/runs/index.ts";
import { cli, ok } from "../cli/harness.ts";
import { few, data as labelled } from "./labelled-toys.ts";
import { data, newPath } from "./toys.ts";

const how = { epochs: 3, batch: 16, threads: 1, seed: 5 } as const;

describe("a run of a model that was trained in memory", () => {
  test.each([
    ["a VAE", () => VAE({ shape: [4, 3], latent: 2, hidden: [8, 5], activation: "tanh", batchNorm: true })],
    ["an autoencoder", () => Autoencoder({ shape: [4, 3], latent: 2, hidden: [8] })],
  ] as const)("%s", async (_, model) => {
    const trained = await train(model() as ReturnType<typeof VAE>, data.train, how);
    const path = newPath();
    await trained.save(path);
    const opened = await open(path, Trained);
    expect((await opened.evaluate(data.test)).reconstruction).toBe(
      (await trained.evaluate(data.test)).reconstruction,
    );
    // Saved once more, from what was opened.
    const again = newPath();
    await opened.save(again);
    expect((await (await open(again, Trained)).evaluate(data.test)).means).toEqual(
      (await trained.evaluate(data.test)).means,
    );
    await expect(trained.save(path)).rejects.toThrow(UsageError);
    await trained.save(path, { overwrite: true });
  });

  test("M2 and M1+M2, with the VAE that it stands on", async () => {
    const m2 = await train(M2({ features: 12, classes: 4, latent: 2, hidden: [8] }), few, how);
    const m1 = await train(VAE({ shape: [4, 3], latent: 3, hidden: [8] }), data.train, {
      ...how,
      epochs: 20,
      lr: 0.01,
    });
    const stacked = await train(
      await stackOn(m1, labelled.train, { classes: 4, latent: 2, hidden: [8] }),
      few,
      how,
    );
    for (const trained of [m2, stacked]) {
      const path = newPath();
      await trained.save(path);
      const opened = await open(path, TrainedClassifier);
      expect(await opened.classify(labelled.test)).toEqual(await trained.classify(labelled.test));
      expect(await opened.bound(labelled.test)).toBe(await trained.bound(labelled.test));
      expect(opened.classes).toEqual(labelled.train.classes);
    }
  });

  test("the command line takes it, and asks for the rows that it has not", async () => {
    const trained = await train(VAE({ shape: [4, 3], latent: 2, hidden: [8] }), data.train, how);
    const path = newPath();
    await trained.save(path);
    await ok("sample", path, "--count", "4");
    expect((await cli("evaluate", path)).err).toBe(
      "bars: the run was trained in a program, on data in memory, which were not saved. Give rows with --data.\n",
    );
    const rows = `${path}.npy`;
    writeFileSync(
      rows,
      toNpy(
        Float32Array.from(data.test.x, (v) => v / 255),
        [data.test.rows, 4, 3],
      ),
    );
    const { elbo } = (await ok("evaluate", path, "--data", rows, "--samples", "5", "--json")).json();
    expect(elbo).toBeCloseTo((await trained.evaluate(data.test)).elbo ?? Number.NaN, 4);
  });

  test("a type that it is not is said; one that nobody trained is not saved", async () => {
    const trained = await train(VAE({ shape: [4, 3], latent: 2, hidden: [8] }), data.train, how);
    const path = newPath();
    await trained.save(path);
    await expect(open(path, TrainedClassifier)).rejects.toThrow(
      `${path}: expected a run that opens as TrainedClassifier, found one of vae, which opens as Trained.`,
    );
    const { model, parameters, settings } = trained;
    await expect(new Trained(model, parameters, settings).save(newPath())).rejects.toThrow(
      "save: expected a model from train() or open(); how this vae was trained is unknown.",
    );
  });
});
