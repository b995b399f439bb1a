/** The site: its pages in the order of the sidebar, search, and what links out of `docs/` become. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { defineConfig } from "vitepress";
import { foldLongTables, linksOutOfTheSite, searchable } from "./markdown";

const docs = join(import.meta.dirname, "..");

/** The library, for browsers. */
const library = join(docs, ".vitepress", "cache", "library");

/** Whether the pages made from docstrings are part of the site: `scripts/build.mjs --no-reference` leaves them out. */
const generated = join(docs, "api", "sidebar.json");
const withReference = process.env.DOCS_REFERENCE !== "none" && existsSync(generated);

/** The reference's sidebar is written by `scripts/reference.mjs`, from the same list as its pages. */
const reference = withReference ? JSON.parse(readFileSync(generated, "utf8")) : [];

/** One order of all pages that a person wrote. `test/docs/links.test.ts` checks that none is left out. */
const guide = JSON.parse(readFileSync(join(docs, "pages.json"), "utf8"));

/** An arch under a line: the bound under the log evidence. */
const icon = `data:image/svg+xml,${encodeURIComponent(
  '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" fill="none" stroke="#17917a" stroke-width="2"><path d="M1 3h14M2 14C5 2 11 2 14 14"/></svg>',
)}`;

/** Says nothing of where a package has its hints for bundlers, which this bundler would have elsewhere. */
const onwarn = (warning: { readonly code?: string }, warn: (warning: object) => void): void => {
  if (warning.code !== "INVALID_ANNOTATION") warn(warning);
};

export default defineConfig({
  title: "Tightbound",
  description: "Variational inference and deep generative models in TypeScript, at native speed.",
  lang: "en",
  base: process.env.DOCS_BASE ?? "/",
  srcExclude: ["node_modules/**", ...(withReference ? [] : ["api/**"])],
  cleanUrls: false,
  lastUpdated: false,
  // The sidebar and the list of files in a script of their own, not in each of 900 pages.
  metaChunk: true,
  head: [["link", { rel: "icon", href: icon }]],
  // A name's page is one of hundreds: no page comes before or after it.
  transformPageData: ({ relativePath, frontmatter }) => {
    if (relativePath.startsWith("api/tightbound/")) Object.assign(frontmatter, { prev: false, next: false });
  },
  // Without the reference, links to it lead nowhere.
  ignoreDeadLinks: withReference ? false : [/\/api\//],
  // For pages that compute: see `scripts/build.mjs`. Their workers load parts of the library later.
  vite: {
    resolve: {
      alias: [
        { find: /^#platform\/(.+)$/, replacement: join(library, "platform/browser/$1.js") },
        { find: /^tightbound\/(.+)$/, replacement: join(library, "public/$1.js") },
      ],
    },
    worker: { format: "es", rollupOptions: { onwarn } },
    build: { rollupOptions: { onwarn } },
  },
  markdown: {
    theme: { light: "github-light", dark: "github-dark" },
    config: (md) => {
      linksOutOfTheSite(md);
      foldLongTables(md);
    },
  },
  themeConfig: {
    outline: { level: [2, 3] },
    search: { provider: "local", options: { _render: searchable } },
    nav: [
      { text: "Start", link: "/start/install", activeMatch: "/start/" },
      { text: "How to", link: "/how-to/data-in-memory", activeMatch: "/how-to/" },
      { text: "Gallery", link: "/gallery" },
      { text: "Reference", link: "/reference/", activeMatch: "/(reference|api)/" },
    ],
    sidebar: { "/api/": reference, "/reference/": reference, "/": guide },
  },
});
