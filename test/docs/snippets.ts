/** The programs that the pages show: each page's TypeScript blocks, joined. */
import { mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blocksOf, pages, root } from "./pages.ts";

/** Written in a page before a block that does not go on from those above it. */
const NEW_PROGRAM = "<!-- new program -->";

/** Excerpts from files of `examples/`, which `gallery.test.ts` compares with them. */
const excerpts = ["docs/gallery.md"];

export interface Program {
  readonly page: string;
  /** Such as `docs-start-first-program-1`. */
  readonly name: string;
  readonly code: string;
}

/** All TypeScript of a page is one program, unless the page says where another begins. */
export function programsOf(page: string): Program[] {
  const programs: string[][] = [];
  for (const { language, code, before } of blocksOf(page)) {
    const isNew = before.includes(NEW_PROGRAM) || programs.length === 0;
    if (language !== "ts") continue;
    if (isNew) programs.push([]);
    programs.at(-1)?.push(code);
  }
  const stem = page.replace(/\.md$/, "").replaceAll(/[^A-Za-z0-9]+/g, "-");
  return programs.map((codes, i) => ({ page, name: `${stem}-${i + 1}`, code: codes.join("\n") }));
}

export const programs: readonly Program[] = pages
  .filter((page) => !excerpts.includes(page))
  .flatMap((page) => programsOf(page));

/** Pages on extending the library show files of a clone: `./src/…` is the clone's, wherever the program is written. */
const inClone = (code: string): string =>
  code.replaceAll(/"\.\/src\/([^"]+\.ts)"/g, (_, path: string) => JSON.stringify(join(root, "src", path)));

/** Writes programs into a folder of the cache, and returns its path. The folder is in the package, so that its imports resolve. */
export function writePrograms(folder: string, written: readonly Program[]): string {
  const path = join(root, "node_modules", ".cache", folder);
  rmSync(path, { recursive: true, force: true });
  mkdirSync(path, { recursive: true });
  for (const { name, code } of written)
    writeFileSync(join(path, `${name}.ts`), `${inClone(code)}\nexport {};\n`);
  return path;
}
