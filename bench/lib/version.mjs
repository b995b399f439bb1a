import { readFileSync } from "node:fs";

/** The installed version of a package, read from the nearest `node_modules` that has it. */
export const versionOf = (name, roots = ["../node_modules/", "../../node_modules/"]) => {
  for (const root of roots) {
    try {
      return JSON.parse(readFileSync(new URL(`${root}${name}/package.json`, import.meta.url), "utf8"))
        .version;
    } catch {
      // Not in this folder: look in the next one.
    }
  }
  return "not installed";
};
