/** A graphics processor in a real page, in software: what Node and the processor compute, and what is refused. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { kindNames } from "../../src/kinds/index.ts";
import * as programs from "./device-programs.ts";
import { bundleSources, canDrive, openPage, softwareGpu } from "./page.ts";

const skipped = canDrive ? "" : " (skipped: chromium or playwright-core is not installed)";
const folder = mkdtempSync(join(tmpdir(), "tightbound-webgpu-"));
const pages = join(folder, "dist");

type Programs = typeof programs;
type Result<K extends keyof Programs> = Programs[K] extends (...given: never) => infer R ? Awaited<R> : never;

describe.skipIf(!canDrive)(`device webgpu in Chromium${skipped}`, () => {
  const said: string[] = [];
  let close: () => Promise<void> = async () => undefined;
  let evaluate: (expression: string) => Promise<unknown> = async () => undefined;
  const call = async <K extends keyof Programs>(name: K, ...given: readonly unknown[]) =>
    (await evaluate(`run.${name}(${given.map((v) => JSON.stringify(v)).join(", ")})`)) as Result<K>;
  /** In a page of its own, which has no device. */
  const refused = async (options: Parameters<typeof openPage>[1]) => {
    const page = await openPage(pages, options);
    try {
      return await page.call("run.refused()");
    } finally {
      await page.close();
    }
  };

  beforeAll(async () => {
    await bundleSources("device-page.ts", pages);
    ({ call: evaluate, close } = await openPage(pages, { flags: softwareGpu, said }));
  }, 120_000);
  afterAll(async () => {
    await close();
    rmSync(folder, { recursive: true, force: true });
  });

  test("every op of the registry in float32", async () => {
    const { right, refused, wrong } = await call("registry", "float32");
    expect(wrong).toEqual([]);
    expect(right).toBeGreaterThan(200);
    // Its cases are those in which a value is float64.
    expect(refused.filter((line) => !/float64/.test(line))).toEqual([]);
  });

  test("what a device gets wrong by itself", async () => {
    const { cases, wrong } = await call("hard");
    expect(wrong).toEqual([]);
    expect(cases).toBeGreaterThan(200);
  });

  test("every op in float64: right where its graph has none, and refused otherwise", async () => {
    const { right, refused, wrong } = await call("registry", "float64");
    expect(wrong).toEqual([]);
    expect(right).toBeGreaterThan(50);
    expect(refused.length).toBeGreaterThan(150);
  });

  test("all kinds of models are tried", () => {
    expect(Object.keys(programs.settingsOfKinds).sort()).toEqual([...kindNames].sort());
  });

  const cases = Object.entries(programs.settingsOfKinds).flatMap(([name, given]) =>
    given.map((_, i) => [name, i] as const),
  );
  // Float32 in another order for twenty steps. A first step of Adam divides a gradient by its own size, so that one near 0 matters.
  test.each(cases)("%s, settings %i: twenty steps as on the processor", async (name, index) => {
    const { difference, losses } = await call("kind", name, index);
    expect(difference).toBeLessThan(2e-3);
    const [here, there] = losses;
    for (const [i, loss] of here.entries()) expect(Math.abs(there[i] / loss - 1)).toBeLessThan(1e-3);
    expect(new Set(here).size).toBe(20);
  });

  test("svi: the bound and the guide of the processor", async () => {
    const { here, there } = await call("guide");
    for (const [i, bound] of here.elbo.entries()) expect(there.elbo[i]).toBeCloseTo(bound, 3);
    for (const [i, [name, values]] of here.values.entries()) {
      expect(there.values[i][0]).toBe(name);
      for (const [k, value] of values.entries()) expect(there.values[i][1][k]).toBeCloseTo(value, 4);
    }
  });

  test("map: the mode of the processor", async () => {
    for (const { here, there } of await call("modes")) {
      // A tolerance of 10⁻³ posterior standard deviations, which are at most 1 here, and as much again for coordinates that depend on one another.
      for (const [i, q] of here.coordinates.entries())
        expect(Math.abs(there.coordinates[i] - q)).toBeLessThan(4e-3);
      expect(Math.abs(there.logDensity / here.logDensity - 1)).toBeLessThan(1e-5);
      expect(there.steps).toBeGreaterThan(3);
    }
  });

  test("svi that fails: the site of the processor's error, after as many sound steps", async () => {
    for (const { here, there } of await call("failures")) {
      expect(there.sound).toBe(here.sound);
      expect(there.error).toMatch(new RegExp(`^step ${here.sound}: site '\\w+' of the`));
      for (const [, values] of there.values) expect(values.every(Number.isFinite)).toBe(true);
    }
  });

  test("a checkpoint goes from the page to Node, and back", async () => {
    const straight = await programs.steps(20, "cpu");
    // What is sent between them is JSON: arrays of numbers come as objects.
    const text = (await evaluate(`run.steps(10, "webgpu").then((r) => run.written(r.checkpoint))`)) as string;
    const inNode = await programs.steps(5, "cpu", programs.read(text));
    const back = await evaluate(
      `run.steps(5, "webgpu", run.read(${JSON.stringify(programs.written(inNode.checkpoint))})).then((r) => r.losses)`,
    );
    const losses = [...inNode.losses, ...(back as readonly number[])];
    for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(straight.losses[10 + i], 3);
  });

  test("calls that nobody waits for take turns", async () => {
    const { products, sums, losses, expected } = await call("atOnce");
    expect(products).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => i + 6));
    expect(sums).toEqual([0, 1, 2, 3, 4, 5, 6, 7].map((i) => i + 2));
    for (const [i, loss] of expected.entries()) expect(losses[i]).toBeCloseTo(loss, 4);
  });

  test("a loop in float32, and graphs with float64, which are refused by what needs it", async () => {
    const { here, there, wideInput, wideCast } = await call("loops");
    for (const [i, value] of here.entries()) expect(there[i]).toBeCloseTo(value, 5);
    expect(wideInput).toMatch(/^UsageError: device webgpu: input 'argument 0' .*float64.*float32.*leave out/);
    expect(wideCast).toMatch(/^UsageError: device webgpu: Tensor\(cast float64 \[2, 2\]\)/);
  });

  test("nothing was said on the console", () => expect(said).toEqual([]));

  const broken = /^TightboundError: device webgpu: the graphics processor failed.*last checkpoint/;

  test("a device that reports an error stops the training, and every other", async () => {
    const { next, pull } = await call("complaint");
    expect(next).toMatch(broken);
    expect(pull).toMatch(broken);
    expect(await call("refused")).toMatch(broken);
  });

  describe("in a page that is measured", () => {
    let page: Awaited<ReturnType<typeof openPage>>;
    beforeAll(async () => {
      const measured = ["--js-flags=--expose-gc", "--enable-precise-memory-info"];
      page = await openPage(pages, { flags: [...softwareGpu, ...measured] });
    }, 60_000);
    afterAll(() => page.close());

    test("memory does not grow with steps", async () => {
      const taken = (await page.call("run.memoryOfSteps(300)")) as Result<"memoryOfSteps">;
      const [first, last] = [taken[2], taken[9]];
      expect(first.buffers).toBeGreaterThan(5);
      expect([last.buffers, last.bytes, last.wasm]).toEqual([first.buffers, first.bytes, first.wasm]);
      // 210 steps while the engine is still compiling: 2.4 KiB for each. `npm run bench -- --device webgpu --page` takes 5,000.
      expect(last.heap - first.heap).toBeLessThan(0.5);
    });

    test("nor with models that nobody holds any more", async () => {
      const { first, last } = (await page.call("run.memoryOfModels(4)")) as Result<"memoryOfModels">;
      // If nothing released them, there would be more after each.
      expect(last.buffers).toBeLessThanOrEqual(first.buffers);
    });

    test("a device that is lost stops trainings in the middle, and leaves the last checkpoint whole", async () => {
      const { written, late, ...messages } = (await page.call("run.lost()")) as Result<"lost">;
      expect(Object.keys(messages)).toEqual(["model", "guide", "next", "pull"]);
      for (const message of Object.values(messages)) expect(message).toMatch(broken);
      expect(late).toMatch(/^UsageError: .*pull/);
      const checkpoint = programs.read(written);
      expect(checkpoint.step).toBe(8);
      const straight = await programs.steps(12, "cpu");
      const { losses } = await programs.steps(4, "cpu", checkpoint);
      for (const [i, loss] of losses.entries()) expect(loss).toBeCloseTo(straight.losses[8 + i], 3);
    });
  });

  test("without an adapter it says what was looked for", async () => {
    expect(await refused({ flags: ["--disable-gpu"] })).toMatch(
      /^UsageError: device webgpu: expected a browser with WebGPU.*requestAdapter.*settings.*leave out the device/,
    );
  });

  test("nor in a page that is not secure", async () => {
    expect(await refused({ flags: softwareGpu, host: "page.test" })).toMatch(
      /^UsageError: device webgpu: .*no navigator\.gpu, which only pages from https or localhost have/,
    );
  });
});
