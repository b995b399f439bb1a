/** Links inside the documentation lead to a file, and to a heading that is there. */
import { existsSync, statSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { describe, expect, test } from "vitest";
import { pages, proseOf, read, root } from "./pages.ts";

/** A heading's anchor, as VitePress and GitHub make it. */
const slug = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/`|\*\*/g, "")
    .replaceAll(/[^\p{L}\p{N}\s-]/gu, "")
    .trim()
    .replaceAll(/\s/g, "-");

const anchorsOf = (page: string): string[] =>
  [...proseOf(page).matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) => slug(heading));

/** Pages that are written when the site is built; `reference.test.ts` looks at those. */
const isGenerated = (target: string): boolean => target.startsWith("docs/api/");

/** The file that a link of a page means, from the root; undefined where there is none. */
function fileOf(page: string, target: string): string | undefined {
  const site = page.startsWith("docs/");
  const path = target.startsWith("/") ? `docs${target}` : join(dirname(page), target);
  // The site's links leave the ending out, and a folder's page is its index.md.
  const candidates = site ? [path, `${path}.md`, join(path, "index.md")] : [path];
  if (isGenerated(path)) return path;
  return candidates.find((candidate) => {
    if (!existsSync(join(root, candidate))) return false;
    // A folder of the sources may be pointed at; a folder of pages has a page of its own.
    return !candidate.startsWith("docs/") || statSync(join(root, candidate)).isFile();
  });
}

describe.each(pages)("%s", (page) => {
  const links = [...proseOf(page).matchAll(/\]\(([^)\s]+)[^)]*\)/g)].map(([, target]) => target);
  const internal = links.filter((link) => !/^[a-z]+:/.test(link));

  test("every link leads somewhere", () => {
    const dead = internal.filter((link) => {
      const [target, anchor] = link.split("#");
      const file = target === "" ? page : fileOf(page, target);
      if (file === undefined) return true;
      return anchor !== undefined && file.endsWith(".md") && !anchorsOf(file).includes(anchor);
    });
    expect(dead).toEqual([]);
  });
});

test("a dead link is found", () => {
  expect(fileOf("docs/chapter.md", "gallery")).toBe("docs/gallery.md");
  expect(fileOf("docs/chapter.md", "no-such-page")).toBeUndefined();
  expect(anchorsOf("docs/gallery.md")).toContain("the-score-function");
  expect(anchorsOf("docs/gallery.md")).not.toContain("no-such-heading");
});

describe("the sidebar", () => {
  interface Item {
    readonly link?: string;
    readonly items?: readonly Item[];
  }
  const flat = (items: readonly Item[]): string[] =>
    items.flatMap(({ link, items: below = [] }) => [...(link === undefined ? [] : [link]), ...flat(below)]);
  const listed = flat(JSON.parse(read("docs/pages.json")) as Item[]);

  test("lists each page once", () => {
    const written = pages
      .filter((page) => page.startsWith("docs/") && page !== "docs/index.md")
      .map(
        (page) =>
          `/${relative("docs", page)
            .replace(/\.md$/, "")
            .replace(/index$/, "")}`,
      );
    expect(listed.filter((link) => !isGenerated(`docs${link}`)).sort()).toEqual(written.sort());
  });
});
