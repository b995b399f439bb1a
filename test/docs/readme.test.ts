import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";

/** The README's TypeScript blocks are run as they stand, but for a smaller data set and run. */
const folder = join(import.meta.dirname, "..", "..", "node_modules", ".cache", "tightbound-readme");
const readme = readFileSync(join(import.meta.dirname, "..", "..", "README.md"), "utf8");
const blocks = [...readme.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code]) => code);

/** Replaces exactly one occurrence, so that the test cannot go on when the README has changed. */
function once(code: string, from: string, to: string): string {
  expect(code.split(from)).toHaveLength(2);
  return code.replace(from, to);
}

async function run(name: string, code: string): Promise<unknown[][]> {
  const path = join(folder, `${name}.ts`);
  writeFileSync(path, code);
  const printed: unknown[][] = [];
  const log = vi.spyOn(console, "log").mockImplementation((...args: unknown[]) => void printed.push(args));
  try {
    await import(/* @vite-ignore */ path);
  } finally {
    log.mockRestore();
  }
  return printed;
}

beforeAll(() => {
  mkdirSync(folder, { recursive: true });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe("the README's examples run", () => {
  test("there are three", () => expect(blocks).toHaveLength(3));

  test("a VAE in ten lines", async () => {
    let code = once(blocks[0], "epochs: 10", "epochs: 1");
    code = once(code, "samples: 500, rows: 2000", "samples: 50, rows: 100");
    const [[result]] = (await run("vae", code)) as [[Record<string, number>]];
    expect(Object.keys(result)).toEqual([
      "elbo",
      "reconstruction",
      "kl",
      "activeUnits",
      "logLikelihood",
      "bounds",
    ]);
    // One epoch of the full data: about -127 nats; an untrained model has -550.
    expect(result.elbo).toBeGreaterThan(-140);
    expect(result.logLikelihood).toBeGreaterThan(result.elbo - 5);
  }, 120_000);

  test("a program and its guide", async () => {
    const [[table, values]] = (await run("svi", blocks[1])) as [[string, Map<string, Float32Array>]];
    expect(table).toContain("mu    Normal        pathwise   Normal is reparameterised");
    // The posterior mean is 4.7 / 6; Adam at 0.01 jitters by about 0.01.
    expect(values.get("loc")?.[0]).toBeCloseTo(4.7 / 6, 1);
  });

  test("draws from a posterior", async () => {
    const [[text]] = (await run("nuts", blocks[2])) as [[string]];
    // By quadrature, the mean of mu is 4.397; its Monte Carlo error is about 0.05.
    const mu = text.split("\n").find((line) => line.startsWith("mu "));
    expect(Math.abs(Number(mu?.split(/ +/)[1]) - 4.397)).toBeLessThan(0.25);
    expect(text).toContain("R̂");
  });
});
