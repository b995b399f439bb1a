/** Every kind of model as a page trains it on one thread, by the package's own kernels, beside the runtime. */
import { expect, test, vi } from "vitest";
import { kindNames } from "../../src/kinds/index.ts";
import { largestDifference, settingsOfKinds, stepsOf } from "../platform/device-programs.ts";

const page = vi.hoisted(() => ({ hasOneThread: false, asked: 0 }));

vi.mock("#platform/runtime", async (original) => ({
  ...(await original<typeof import("../../src/platform/node/runtime.ts")>()),
  prefersOwnKernels: () => {
    if (page.hasOneThread) page.asked++;
    return page.hasOneThread;
  },
}));

const cases = kindNames.flatMap((name) => settingsOfKinds[name].map((given, i) => ({ name, given, i })));

const stepsIn = async (hasOneThread: boolean, { name, given }: (typeof cases)[number]) => {
  page.hasOneThread = hasOneThread;
  page.asked = 0;
  try {
    return { ...(await stepsOf(name, given, "cpu", 20)), asked: page.asked };
  } finally {
    page.hasOneThread = false;
  }
};

test.each(cases)("$name, settings $i: twenty steps", async (one) => {
  const [runtime, own] = [await stepsIn(false, one), await stepsIn(true, one)];
  expect(own.asked).toBeGreaterThan(0);
  const difference = largestDifference(own.state, runtime.state);
  // Float32 in another order. Convolutions stay with the runtime.
  expect(difference).toBeLessThan(2e-5);
  if (JSON.stringify(one.given).includes("convolutional")) expect(difference).toBe(0);
  else expect(difference).toBeGreaterThan(0);
  own.losses.forEach((loss, i) => {
    expect(Math.abs(loss - runtime.losses[i])).toBeLessThan(1e-5 * Math.abs(runtime.losses[i]));
  });
});
