/** The pages for readers: what they quote is in the examples, what they point at is there. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, test } from "vitest";

const root = join(import.meta.dirname, "..", "..");
const read = (path: string): string => readFileSync(join(root, path), "utf8");
const examples = readdirSync(join(root, "examples"))
  .filter((file) => file.endsWith(".ts") && file !== "table.ts")
  .map((file) => file.slice(0, -3));
/** Each section of the gallery, by the example that it names. */
const sections = new Map(
  read("docs/gallery.md")
    .split(/^## /m)
    .slice(1)
    .map((text) => [/`npm run example -- ([a-z0-9-]+)`/.exec(text)?.[1] ?? text.slice(0, 40), text] as const),
);

test("every example has a section of the gallery, and every section an example", () => {
  expect([...sections.keys()].sort()).toEqual([...examples].sort());
});

describe.each([...sections])("%s", (name, text) => {
  test("the lines that are shown are lines of the example, in its order", () => {
    const [, block = ""] = /```ts\n([\s\S]*?)```/.exec(text) ?? [];
    const shown = block.trim().split("\n");
    expect(shown.length).toBeGreaterThan(3);
    const source = read(`examples/${name}.ts`)
      .split("\n")
      .map((line) => line.trim());
    let at = 0;
    for (const line of shown) {
      const found = source.indexOf(line.trim(), at);
      expect(found, `${line} — not in examples/${name}.ts, or not in this order`).toBeGreaterThanOrEqual(at);
      at = found + 1;
    }
  });

  test("its picture is there, small, and described", () => {
    const [, words, path] = /!\[([^\]]*)\]\(([^)]*)\)/.exec(text) ?? [];
    if (path === undefined) return;
    expect(words.length).toBeGreaterThan(20);
    expect(path).toMatch(new RegExp(`^images/${name}\\.(svg|png)$`));
    expect(statSync(join(root, "docs", path)).size).toBeLessThan(100_000);
    if (path.endsWith(".svg")) expect(read(`docs/${path}`)).toMatch(/^<svg aria-label="[^"]+/);
  });
});

test("each idea of the chapter is found by its name, and shown by an example that exists", () => {
  const page = read("docs/chapter.md");
  for (const idea of [
    "latent-variable model",
    "maximum a posteriori",
    "Markov chain Monte Carlo",
    "variational inference",
    "variational family",
    "Kullback–Leibler",
    "evidence lower bound",
    "Jensen",
    "log-normaliser",
    "coordinate ascent",
    "stochastic variational inference",
    "recipe",
    "black-box",
    "score function",
    "log-derivative trick",
    "REINFORCE",
    "likelihood ratio",
    "expected score is zero",
    "control variates",
    "Rao-Blackwell",
    "pathwise",
    "reparameterisation",
    "SGVB",
    "amortis",
    "inference network",
    "local and global",
    "variational autoencoder",
    "autoencoders",
    "overfits",
    "regulariser",
    "M1",
    "M2",
    "M1+M2",
    "categorical",
    "Bayes' rule",
  ])
    expect(page.toLowerCase(), idea).toContain(idea.toLowerCase());
  const named = [...page.matchAll(/\|([^|]*)\|$/gm)].flatMap(([, cell]) =>
    [...cell.matchAll(/`([a-z0-9-]+)`/g)].map(([, name]) => name),
  );
  expect(named.length).toBeGreaterThan(20);
  for (const name of named) expect(examples, name).toContain(name);
});
