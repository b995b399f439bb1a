import { expect, test } from "vitest";
import { trainDisplay } from "../../src/cli/progress.ts";
import { toCsv, toNpy } from "../../src/cli/table.ts";
import { clock, commandLine, grouped } from "../../src/cli/terminal.ts";
import { chooseObservation } from "../../src/kinds/index.ts";

test("what is not said follows from the data", () => {
  const image = { kind: "image", isBinary: false, range: [0, 1] } as const;
  const table = { kind: "table", isBinary: false, range: [0, 1] } as const;
  const choose = (...[traits, given]: Parameters<typeof chooseObservation>) => {
    const { likelihood, binarize } = chooseObservation(traits, given);
    return `${likelihood} ${binarize}`;
  };
  expect(choose(image, {})).toBe("bernoulli dynamic");
  expect(choose({ ...image, isBinary: true }, {})).toBe("bernoulli none");
  expect(choose({ ...image, range: [-1, 1] }, {})).toBe("gaussian none");
  expect(choose(table, {})).toBe("gaussian none");
  expect(choose({ ...table, isBinary: true }, {})).toBe("bernoulli none");
  expect(choose(table, { binarize: "fixed" })).toBe("bernoulli fixed");
  expect(choose(image, { likelihood: "continuous-bernoulli" })).toBe("continuous-bernoulli none");
  // Refused later, with the ways out: an explicit wish is not overruled.
  expect(choose(image, { binarize: "none" })).toBe("bernoulli none");
  expect(choose(table, { likelihood: "bernoulli" })).toBe("bernoulli none");
  expect(chooseObservation(image, { likelihood: "gaussian", binarize: "none" }).why).toBeUndefined();
});

test("CSV quotes what needs it and keeps float32 exact", () => {
  const third = Math.fround(1 / 3);
  expect(toCsv({ columns: ["a,b", 'c"d', "e"], rows: [[third, -2, "x\ny"]] })).toBe(
    '"a,b","c""d",e\n0.333333343,-2,"x\ny"\n',
  );
  expect(Math.fround(0.333333343)).toBe(third);
});

test(".npy has numpy's header", () => {
  const bytes = toNpy(Float32Array.of(1, 2, 3), [3]);
  // numpy.lib.format: magic, version 1.0, length of the header, which ends in a newline on a multiple of 64.
  const text = Buffer.from(bytes).toString("latin1");
  expect(text.slice(0, 10)).toBe("\x93NUMPY\x01\x00v\x00");
  expect(text.slice(10, 128)).toBe(
    `${"{'descr': '<f4', 'fortran_order': False, 'shape': (3,), }".padEnd(117)}\n`,
  );
  expect(bytes).toHaveLength(128 + 12);
});

test("numbers, times and command lines for people", () => {
  expect([0, 999, 1000, 60_000, 1_234_567].map(grouped)).toEqual([
    "0",
    "999",
    "1,000",
    "60,000",
    "1,234,567",
  ]);
  expect([0.04, 59.94, 61, 3723, Number.NaN].map(clock)).toEqual(["0.0 s", "59.9 s", "1:01", "1:02:03", "–"]);
  expect(commandLine(["train", "vae", "--data", "my digits", "--out", "it's"])).toBe(
    "tightbound train vae --data 'my digits' --out 'it'\\''s'",
  );
});

/** What a bar writes on a terminal of a width, half a step into the second of two epochs. */
const barOn = async (columns: number): Promise<string> => {
  let written = "";
  const stream = {
    isTTY: true,
    columns,
    write(text: string) {
      written += text;
      return true;
    },
    // What the bar asks of a terminal's stream.
    cursorTo: () => true,
    moveCursor: () => true,
    clearLine: () => true,
    on: () => stream,
    removeListener: () => stream,
  };
  const display = trainDisplay(
    { out: stream, err: stream, debug: false },
    { epochs: 2, rowsPerStep: 100, latent: 20, noun: "images", quiet: false, json: false },
  );
  await display.prepare();
  const at = (step: number) =>
    display.onStep({
      step,
      epoch: 0,
      stepOfEpoch: step,
      stepsPerEpoch: 10,
      means: { loss: 120, reconstruction: -100, kl: 20 },
    });
  at(1);
  await new Promise((resolve) => setTimeout(resolve, 150));
  at(5);
  display.stop();
  return written;
};

test("on a terminal there is a bar with the terms, the speed and the time left", async () => {
  // Five steps of twenty.
  expect(await barOn(120)).toMatch(
    /epoch 1\/2 █{5,10}░{15,30} 25% {2}ELBO -120\.0 {2}rec -100\.0 {2}KL 20\.0 {2}[\d,]+ images\/s {2}\d+ s left/,
  );
});

test("on a narrow terminal the bar's text is shorter and the line still fits", async () => {
  const line = /1\/2 █+░+ 25% ELBO -120\.0 rec -100\.0 KL 20\.0 [\d,]+\/s \d+ s left/.exec(
    await barOn(80),
  )?.[0];
  expect(line?.length).toBeGreaterThan(60);
  expect(line?.length).toBeLessThanOrEqual(80);
});
