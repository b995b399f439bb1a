/** What the site does with Markdown beyond VitePress's own. */
import type { MarkdownEnv, MarkdownRenderer } from "vitepress";

/** Where the sources can be read, such as `https://example.org/tightbound/blob/main/`. Without it their paths are plain text. */
const sources = process.env.DOCS_SOURCES;

/**
 * Links such as `../src/program/program.ts` lead to files that are not part of the site. They work where the Markdown is
 * read in a clone; here they lead to `DOCS_SOURCES`, or are plain text.
 */
export function linksOutOfTheSite(md: MarkdownRenderer): void {
  md.core.ruler.push("links-out-of-the-site", (state) => {
    const depth = ((state.env as MarkdownEnv).relativePath ?? "").split("/").length - 1;
    for (const { children } of state.tokens) {
      if (children === null) continue;
      const open: boolean[] = [];
      for (const token of children) {
        if (token.type === "link_open") {
          const href = String(token.attrGet("href"));
          const up = href.split("/").filter((part) => part === "..").length;
          const outside = up > depth && !href.includes("://");
          open.push(outside && sources === undefined);
          if (!outside) continue;
          if (sources !== undefined) token.attrSet("href", sources + href.replaceAll("../", ""));
          else token.tag = "span";
          if (sources === undefined) token.attrs = [["class", "path"]];
        }
        if (token.type === "link_close" && open.pop()) token.tag = "span";
      }
    }
  });
}

/** A table wider than the page scrolls by itself, and can be reached by the keyboard. */
export function foldLongTables(md: MarkdownRenderer): void {
  md.renderer.rules.table_open = () => '<div class="table" tabindex="0">\n<table>\n';
  md.renderer.rules.table_close = () => "</table>\n</div>\n";
}

/** What search sees of a page: all of what a person wrote; of a page made from a docstring its name and its first words. */
export async function searchable(src: string, env: MarkdownEnv, md: MarkdownRenderer): Promise<string> {
  const page = env.relativePath ?? "";
  if (!page.startsWith("api/")) return md.render(src, env);
  const text = src.slice(Math.max(0, src.search(/^# /m)));
  return md.render(text.split(/^## /m)[0], env);
}
