/** Every `tightbound …` line of the documentation is a command that the program has: its verb, its model, its flags. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { cli } from "../cli/harness.ts";
import { blocksOf, pages, proseOf, root } from "./pages.ts";

/** The words of a command line; a comment and what is after a pipe are left out. */
function wordsOf(line: string): string[] {
  const words = line.match(/"[^"]*"|'[^']*'|\S+/g) ?? [];
  const end = words.findIndex((word) => /^(#|\||>|2>|&&|;)/.test(word));
  return words.slice(0, end < 0 ? undefined : end).map((word) => word.replaceAll(/^["']|["']$/g, ""));
}

/** The commands of a page: lines of its blocks, and code in its prose that begins with the program's name. */
function commandsOf(page: string): string[] {
  const lines = blocksOf(page)
    .filter(({ language }) => language === "" || language === "sh")
    .flatMap(({ code }) => code.replaceAll(/\\\n\s*/g, " ").split("\n"))
    .map((line) => line.replace(/^\$ /, "").trim());
  const inline = [...proseOf(page).matchAll(/`(tightbound [^`]+)`/g)].map(([, code]) =>
    code.replaceAll(/\s+/g, " "),
  );
  return [...lines, ...inline].filter((line) => line.startsWith("tightbound "));
}

/** Flags by verb, out of what `--help` prints. */
const flags = new Map<string, Set<string>>();
const helps = new Map<string, string>();
beforeAll(async () => {
  const { out } = await cli("--help");
  const [, list = ""] = /Commands:\n([\s\S]*?)\n\n/.exec(out) ?? [];
  for (const [, verb] of list.matchAll(/^ {2}([a-z]+(?:-[a-z]+)*)/gm)) {
    const { out: help } = await cli(verb, "--help");
    helps.set(verb, help);
    flags.set(verb, new Set(help.match(/--[a-z][a-z0-9-]*/g) ?? []));
  }
});

const wrongIn = (line: string): string | undefined => {
  const [, verb, ...rest] = wordsOf(line);
  if (verb.startsWith("-")) return /^(--help|--version|-h)$/.test(verb) ? undefined : `no flag ${verb}`;
  const known = flags.get(verb);
  // In prose VERB, RUN and … stand for words.
  if (/^[A-Z…]/.test(verb)) return undefined;
  if (known === undefined) return `no verb ${verb}`;
  const unknown = rest.find((word) => word.startsWith("--") && !known.has(word.split("=")[0]));
  if (unknown !== undefined) return `${verb} has no flag ${unknown}`;
  if ((verb === "train" || verb === "reproduce") && rest.length > 0 && /^[a-z]/.test(rest[0])) {
    const [, names = ""] = /Arguments:\n +\S+ +(.*)/.exec(helps.get(verb) ?? "") ?? [];
    if (!names.split(/[^a-z0-9]+/).includes(rest[0])) return `${verb} has no ${rest[0]}`;
  }
  return undefined;
};

test("a command that is not there is found", () => {
  expect(wrongIn("tightbound train vae --data mnist --epochs 10 # words")).toBeUndefined();
  expect(wrongIn("tightbound trian vae")).toBe("no verb trian");
  expect(wrongIn("tightbound train vea --data mnist")).toBe("train has no vea");
  expect(wrongIn("tightbound train vae --epoch 10")).toBe("train has no flag --epoch");
});

describe.each(pages.filter((page) => commandsOf(page).length > 0))("%s", (page) => {
  test.each(commandsOf(page))("%s", (line) => {
    expect(wrongIn(line)).toBeUndefined();
  });
});

/** npm's scripts that the pages name. */
test("every npm script that a page names is there", () => {
  const { scripts } = JSON.parse(readFileSync(join(root, "package.json"), "utf8")) as {
    scripts: Record<string, string>;
  };
  for (const page of pages) {
    const text = `${proseOf(page)}\n${blocksOf(page)
      .map(({ code }) => code)
      .join("\n")}`;
    for (const [, name] of text.matchAll(/\bnpm run ([a-z:-]+)/g))
      expect(Object.keys(scripts), `${page}: npm run ${name}`).toContain(name);
  }
});
