import { expect, test } from "vitest";
import { reconstructionAlone } from "../../examples/reconstruction-alone.ts";

test("without the divergence the training digits are told apart, held-out digits are not, and the bound shows it", async () => {
  const { ELBO: both, "reconstruction alone": alone } = await reconstructionAlone({
    train: 300,
    test: 300,
    epochs: 120,
    every: 10,
    seed: 0,
  });
  const [last, lastAlone] = [both[both.length - 1], alone[alone.length - 1]];
  // It gets what it asked for …
  expect(lastAlone.train.reconstruction).toBeGreaterThan(last.train.reconstruction + 10);
  // … and overfits: on held-out digits it falls from its best, while it still rises in training.
  const best = Math.max(...alone.map((e) => e.test.reconstruction));
  const at = alone.findIndex((e) => e.test.reconstruction === best);
  expect(lastAlone.test.reconstruction).toBeLessThan(best - 10);
  expect(lastAlone.train.reconstruction).toBeGreaterThan(alone[at].train.reconstruction + 10);
  // Its bound is hundreds of nats below the other's, and the divergence is why.
  expect(lastAlone.test.elbo).toBeLessThan(last.test.elbo - 200);
  expect(lastAlone.test.kl).toBeGreaterThan(last.test.kl + 200);
  expect(lastAlone.test.elbo).toBeLessThan(alone[0].test.elbo);
});
