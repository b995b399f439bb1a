/** What is read by people: the pages of the site, and the Markdown at the root. */
import { readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";

export const root = join(import.meta.dirname, "..", "..");

/** Not written by a person, or not a page of ours. */
const skipped = ["node_modules", "api", ".vitepress"];

const inDocs = (
  readdirSync(join(root, "docs"), { recursive: true, withFileTypes: true }) as {
    name: string;
    parentPath: string;
  }[]
)
  .filter(({ name }) => name.endsWith(".md"))
  .map(({ name, parentPath }) => relative(root, join(parentPath, name)).split(sep).join("/"))
  .filter((path) => !skipped.some((folder) => path.split("/").includes(folder)))
  .sort();

/** Paths from the root, with `/`. */
export const pages: readonly string[] = [
  "README.md",
  "ARCHITECTURE.md",
  "CONTRIBUTING.md",
  "CHANGELOG.md",
  "bench/README.md",
  ...inDocs,
];

export const read = (path: string): string => readFileSync(join(root, path), "utf8");

export interface Block {
  /** What stands after the fence's opening: `ts`, `sh`, or nothing. */
  readonly language: string;
  readonly code: string;
  /** The text of the page between the block before it and this one. */
  readonly before: string;
}

/** The fenced blocks of a page, in their order. */
export function blocksOf(page: string): Block[] {
  let end = 0;
  const text = read(page);
  return [...text.matchAll(/^```(\w*)[^\n]*\n([\s\S]*?)^```$/gm)].map((found) => {
    const before = text.slice(end, found.index);
    end = found.index + found[0].length;
    return { language: found[1], code: found[2], before };
  });
}

/** The page without its fenced blocks. */
export const proseOf = (page: string): string => read(page).replaceAll(/^```[\s\S]*?^```$/gm, "");
