import { expect, test } from "vitest";
import { Normal } from "../../../src/distributions/index.ts";
import { type ChainProgress, nuts, withChainBars } from "../../../src/inference/index.ts";
import { model } from "../../../src/program/index.ts";

const height = model(({ sample }) => {
  sample("x", Normal(0, 1));
});

const terminal = (isTTY: boolean) => {
  let text = "";
  return { isTTY, columns: 120, write: (part: string) => (text += part), text: () => text };
};

const report = (chain: number, iteration: number, divergences = 0): ChainProgress => ({
  chain,
  iteration,
  total: 2000,
  phase: iteration < 1000 ? "warm-up" : "sampling",
  divergences,
});

test("each chain of a sampler has a bar, which ends full", async () => {
  const stream = terminal(true);
  const options = { chains: 2, draws: 100, warmUp: 100, seed: 0, workers: 1 };
  const { values } = await withChainBars(stream, (onProgress) =>
    nuts(height).run([], { ...options, onProgress }),
  );
  expect(stream.text()).toMatch(/chain 1 {2}█{24} sampling {2}200\/200 {2}0 divergences {2}done/);
  expect(stream.text()).toMatch(/chain 2 {2}█{24} sampling {2}200\/200 {2}0 divergences {2}done/);
  const silent = await nuts(height).run([], options);
  expect(values.get("x")?.data).toEqual(silent.values.get("x")?.data);
});

test("a bar says the phase, the divergences and the time left", async () => {
  const stream = terminal(true);
  await withChainBars(stream, async (onProgress) => {
    onProgress(report(0, 100));
    await new Promise((resolve) => setTimeout(resolve, 700));
    onProgress(report(0, 500));
    await new Promise((resolve) => setTimeout(resolve, 200));
    onProgress(report(0, 1500, 1));
  });
  expect(stream.text()).toMatch(/chain 1 {2}█{6}░{18} warm-up {3}500\/2000 {2}0 divergences {2}\d+ s left/);
  expect(stream.text()).toMatch(/█{18}░{6} sampling {2}1500\/2000 {2}1 divergence {2}\d+ s left/);
});

test("nothing is written to what is no terminal", async () => {
  const stream = terminal(false);
  expect(
    await withChainBars(stream, async (onProgress) => {
      onProgress(report(0, 2000));
      return 7;
    }),
  ).toBe(7);
  expect(stream.text()).toBe("");
});

test("an error ends the bars: the cursor is back, and nothing is drawn afterwards", async () => {
  const stream = terminal(true);
  const failing = withChainBars(stream, async (onProgress) => {
    onProgress(report(0, 100));
    throw new RangeError("no density");
  });
  await expect(failing).rejects.toThrow("no density");
  const ended = stream.text();
  expect(ended).toContain("\u001b[?25h");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(stream.text()).toBe(ended);
});
