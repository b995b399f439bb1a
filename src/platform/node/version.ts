import { readFileSync } from "node:fs";

/** The version in the package's own package.json, which is three folders up, both in the sources and in the build. */
export const version = (): string => {
  const { version: found } = JSON.parse(
    readFileSync(new URL("../../../package.json", import.meta.url), "utf8"),
  ) as { version: string };
  return found;
};
