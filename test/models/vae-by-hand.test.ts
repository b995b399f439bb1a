/** The VAE as a program against the same step written out by hand: the language must cost nothing. */
import { describe, expect, test } from "vitest";
import { kl, Normal } from "../../src/distributions/index.ts";
import { VAE } from "../../src/models/index.ts";
import { adam, compileStep, type Objective } from "../../src/optim/index.ts";
import { input, mean, sub } from "../../src/tensor/index.ts";

const BATCH = 128;

/** The negative ELBO of Kingma and Welling (2014), estimator B, from the model's layers and nothing else. */
function byHand(vae: ReturnType<typeof VAE>): Objective {
  const x = input("x", [BATCH, vae.features]);
  const q = vae.encode(x);
  const z = q.sample("z");
  const reconstruction = mean(vae.decode(z).logProb(x));
  const divergence = mean(kl(q, Normal(0, 1).expand([vae.latent]).toEvent(1)));
  return { loss: sub(divergence, reconstruction), metrics: { reconstruction, kl: divergence } };
}

describe.each(["native", "host"] as const)("%s", (executor) => {
  test("the compiled step has exactly as many operations, and gives the same numbers", async () => {
    const vae = VAE({ shape: [28, 28], latent: 20, hidden: [400] });
    const compiled = async (objective: Objective) =>
      compileStep(objective, vae.parameters, adam({ learningRate: 1e-3 }), { seed: 0, executor, threads: 1 });
    const [program, hand] = [await compiled(vae.objective({ batch: BATCH })), await compiled(byHand(vae))];
    expect(program.nodes).toBe(hand.nodes);
    const pixels = Float32Array.from({ length: BATCH * 784 }, (_, i) => Number(i % 3 === 0));
    for (const step of [program, hand]) step.input("x").set(pixels);
    for (let i = 0; i < 3; i++) expect(await program.run(i)).toEqual(await hand.run(i));
    for (const { name } of vae.parameters) expect(program.value(name)).toEqual(hand.value(name));
  });
});
