/** What a module reaches by the imports of its source, as a browser's conditions resolve them. */
import { existsSync, readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const src = join(import.meta.dirname, "..", "..", "src");

/** Imports and exports that are not of types alone, and `import()`. */
const IMPORT =
  /(?:^|\n)(?:import|export)\s(?!type\s)(?:[^;"']*?\sfrom\s)?"([^"]+)"|(?<!typeof )\bimport\("([^"]+)"\)/g;

/** Files that are reached, and names of packages, each with the file that asks for it. */
export const reachable = (entry: string, platform: "browser" | "node") => {
  const files = new Set<string>();
  const packages = new Map<string, string>();
  const visit = (file: string): void => {
    if (files.has(file)) return;
    files.add(file);
    for (const [, named, dynamic] of readFileSync(file, "utf8").matchAll(IMPORT)) {
      const target = named ?? dynamic ?? "";
      if (target.startsWith(".")) visit(join(dirname(file), target));
      else if (target.startsWith("#platform/"))
        visit(join(src, "platform", platform, `${target.slice("#platform/".length)}.ts`));
      else packages.set(target, relative(src, file));
    }
  };
  visit(join(src, entry));
  const missing = [...files].filter((file) => !existsSync(file));
  if (missing.length > 0) throw new Error(`no such files: ${missing.join(", ")}`);
  return { files: [...files].map((file) => relative(src, file)), packages };
};
