/** Means over ranks inside a loop: they cannot be taken there, and are refused rather than taken of one rank's rows. */
import { expect, test } from "vitest";
import { alone } from "../../src/mpi/index.ts";
import { initializers } from "../../src/nn/index.ts";
import { compileStep, sgd } from "../../src/optim/index.ts";
import { togetherOf } from "../../src/optim/together.ts";
import { input, mean, meanOverRanks, mul, parameter, scan, sum } from "../../src/tensor/index.ts";

const objectiveOf = (ranks: number) => {
  const w = parameter([], initializers.ones);
  const x = input("x", [4, 2]);
  const { carry } = scan(w, x, (h, row) => ({ carry: mul(h, meanOverRanks(mean(row), ranks)), output: h }));
  return { loss: sum(carry), metrics: {}, w };
};

test("refused, whether it was traced for one process or for several", async () => {
  expect(() => togetherOf({ ...alone, size: 2 }, objectiveOf(1), () => objectiveOf(1))).toThrow(
    "trainingContext",
  );
  const { w, ...objective } = objectiveOf(2);
  await expect(
    compileStep(objective, [{ name: "w", tensor: w }], sgd({ learningRate: 0.1 }), { seed: 0 }),
  ).rejects.toThrow("needs statistics of all");
});
