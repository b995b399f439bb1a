/** `compare`: settings that differ, figures of the kept epoch, the best by validation rows alone, and the page. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseHTML } from "linkedom";
import { describe, expect, test } from "vitest";
import { cli, ok, temporary } from "./harness.ts";

const folder = temporary();
const fixtures = join(import.meta.dirname, "..", "fixtures", "runs");

interface Config {
  readonly data: { fingerprint: string; validation?: { count: number; seed: number } };
  readonly train: Record<string, unknown>;
  readonly model: Record<string, unknown>;
}
type Line = { validation?: Record<string, number>; test?: Record<string, number>; epoch: number };

/** A copy of a run, with its settings and epochs changed. */
const run = (
  name: string,
  {
    of = "m2",
    config,
    lines,
  }: { of?: string; config?: (config: Config) => void; lines?: (line: Line) => void } = {},
): string => {
  const path = join(folder, name);
  mkdirSync(path, { recursive: true });
  for (const file of ["config.json", "metrics.jsonl"]) cpSync(join(fixtures, of, file), join(path, file));
  const settings = JSON.parse(readFileSync(join(path, "config.json"), "utf8")) as Config;
  config?.(settings);
  writeFileSync(join(path, "config.json"), JSON.stringify(settings));
  const epochs = readFileSync(join(path, "metrics.jsonl"), "utf8").trim().split("\n");
  const changed = epochs.map((line) => {
    const found = JSON.parse(line) as Line;
    lines?.(found);
    return JSON.stringify(found);
  });
  writeFileSync(join(path, "metrics.jsonl"), `${changed.join("\n")}\n`);
  return path;
};

const errors = (validation: number, tested: number) => (line: Line) => {
  line.validation = { error: validation };
  line.test = { error: tested };
};

const a = run("a", { lines: errors(0.25, 0.05) });
const b = run("b", {
  config: ({ train }) => void Object.assign(train, { lr: 0.5 }),
  lines: errors(0.125, 0.375),
});
const c = run("c", {
  config: ({ train, model }) => {
    train.lr = 0.5;
    model.latent = 7;
  },
  lines: errors(0.5, 0.01),
});

interface Printed {
  readonly settings: readonly { readonly name: string; readonly values: readonly string[] }[];
  readonly figures: readonly { readonly name: string; readonly values: readonly (number | null)[] }[];
  readonly best: { readonly run: string; readonly figure: string } | null;
  readonly remarks: readonly string[];
  readonly files?: readonly string[];
}
const printed = async (...argv: readonly string[]): Promise<Printed> =>
  (await ok("compare", ...argv, "--json")).json() as unknown as Printed;

describe("figures and settings", () => {
  test("the best is the best on validation rows, though others have smaller test errors", async () => {
    const { best, figures, settings, remarks } = await printed(a, b, c);
    expect(best).toEqual({ run: b, figure: "validation error" });
    expect(remarks).toEqual([]);
    expect(figures.find(({ name }) => name === "test error")?.values).toEqual([0.05, 0.375, 0.01]);
    expect(settings).toEqual([
      { name: "model.latent", values: [expect.any(String), expect.any(String), "7"] },
      { name: "train.lr", values: ["0.01", "0.5", "0.5"] },
    ]);
  });

  test("as a table: a column for each run", async () => {
    const { out } = await ok("compare", a, b);
    expect(out).toMatch(/^ +a +b\n/);
    expect(out).toMatch(/train\.lr +0\.01 +0\.5\n/);
    expect(out).toMatch(/validation error +25\.00 % +12\.50 %\n/);
    expect(out).toContain("Best by validation error: b, 12.50 %.");
  });

  test("a run that keeps its best epoch is compared by that epoch", async () => {
    const early = run("early", {
      lines: (line) => errors([0.5, 0.0625, 0.25][line.epoch - 1], 0.9)(line),
    });
    writeFileSync(join(early, "best.safetensors"), "");
    const { figures, best } = await printed(a, early);
    expect(figures.find(({ name }) => name === "epoch")?.values).toEqual([3, 2]);
    expect(best).toEqual({ run: early, figure: "validation error" });
  });

  test("folders of one name are told apart by their parents", async () => {
    const [left, right] = [run("left/x", {}), run("right/x", {})];
    expect((await ok("compare", left, right)).out).toMatch(/^ +left\/x +right\/x\n/);
  });

  test.each([
    [
      "other validation rows",
      ({ data }: Config) => void Object.assign(data, { validation: { count: 20, seed: 5 } }),
    ],
    ["other training rows", ({ data }: Config) => void Object.assign(data, { fingerprint: "0".repeat(64) })],
  ])("%s: none is best", async (name, config) => {
    const other = run(name.replaceAll(" ", "-"), { config, lines: errors(0.01, 0.01) });
    const { best, remarks } = await printed(a, other);
    expect(best).toBeNull();
    expect(remarks.join()).toContain("none is called best");
  });

  test("without validation figures none is best, and the message names the flags", async () => {
    const [left, right] = [run("v1", { of: "vae" }), run("v2", { of: "vae" })];
    const { out } = await ok("compare", left, right);
    expect(out).toContain("Train with --validation and --patience to have them.");
    expect(out).not.toContain("Best by");
    expect(out).toMatch(/test ELBO +−7\.55 +−7\.55\n/);
  });

  test("bounds of different likelihoods do not decide; errors do", async () => {
    const other = run("gaussian", {
      config: ({ model }) => void Object.assign(model, { likelihood: "gaussian" }),
      lines: errors(0.01, 0.5),
    });
    const { best, remarks } = await printed(a, other);
    expect(best?.run).toBe(other);
    expect(remarks.join()).toContain("ELBOs are not comparable");
    const bounds = (name: string, likelihood: string, elbo: number) =>
      run(name, {
        of: "vae",
        config: ({ model }) => void Object.assign(model, { likelihood }),
        lines: (line) => void Object.assign(line, { validation: { elbo } }),
      });
    const [left, right] = [bounds("b1", "bernoulli", -7), bounds("b2", "gaussian", 100)];
    expect((await printed(left, right)).best).toBeNull();
    expect((await printed(left, bounds("b3", "bernoulli", -6))).best?.run).toBe(join(folder, "b3"));
  });
});

describe("the page", () => {
  test("has a table, a curve for each run in its colour, and values to point at", async () => {
    const page = join(folder, "pages", "comparison.html");
    expect((await printed(a, b, c, "--report", join(folder, "pages"))).files).toEqual([page]);
    const { document } = parseHTML(readFileSync(page, "utf8"));
    expect([...document.querySelectorAll("h2")].map(({ textContent }) => textContent)).toEqual([
      "Runs",
      "Figures",
      "Settings that differ",
      "Curves",
      "How to reproduce it",
    ]);
    const panel = document.querySelector('svg[aria-label="Validation error"]');
    const strokes = [...(panel?.querySelectorAll('g[aria-label="line"] path') ?? [])].map((path) =>
      path.getAttribute("stroke"),
    );
    expect(new Set(strokes).size).toBe(3);
    expect([...(panel?.querySelectorAll("title") ?? [])].map(({ textContent }) => textContent)).toContain(
      "b, epoch 3: 12.50",
    );
    expect(document.querySelector("script")).toBeNull();
  });

  test("a name that ends in .html is the page's own", async () => {
    await ok("compare", a, b, "--report", join(folder, "one.html"));
    expect(existsSync(join(folder, "one.html"))).toBe(true);
  });
});

test.each([
  ["one run", [a], "two runs or more"],
  ["one run twice", [a, `${a}/`], "twice"],
  ["no run", [a, join(folder, "nothing")], "nothing"],
])("%s is refused", async (_, paths, text) => {
  const { code, err } = await cli("compare", ...paths);
  expect(code).not.toBe(0);
  expect(err).toContain(text);
});
