import { expect, test } from "vitest";
import { annealedImportance } from "../../examples/annealed-importance.ts";

test("annealing finds at least what importance sampling finds, and brackets digits that the VAE made", async () => {
  const { estimates, simulated } = await annealedImportance({
    train: 2000,
    epochs: 3,
    digits: 8,
    chains: 8,
    temperatures: [5, 60],
    samples: [1, 100],
    seed: 0,
  });
  const of = (method: string) => estimates.filter((e) => e.method === method).map((e) => e.logLikelihood);
  const [one, hundred] = of("importance sampling");
  const [hasty, patient] = of("annealed, from the prior");
  const [, encoder] = of("annealed, from the encoder");
  expect(hundred).toBeGreaterThan(one);
  expect(patient).toBeGreaterThan(hasty + 1);
  // Means over eight digits, each estimate good to some tenths of a nat.
  expect(patient).toBeGreaterThan(hundred - 0.5);
  expect(Math.abs(patient - encoder)).toBeLessThan(1);
  expect(simulated.upper).toBeGreaterThan(simulated.lower - 0.5);
  expect(simulated.upper - simulated.lower).toBeLessThan(2);
});
