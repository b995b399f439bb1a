/** Paths with slashes, as in URLs. Names of data are made from them, also in messages. */
const parts = (path: string): readonly string[] => path.split("/").filter((part) => part !== "");

export const sep = "/";
export const basename = (path: string): string => parts(path).at(-1) ?? "";
export const dirname = (path: string): string =>
  path.includes("/") ? path.replace(/\/[^/]*\/*$/, "") || "/" : ".";
export const join = (...paths: readonly string[]): string =>
  paths
    .filter((path) => path !== "")
    .join("/")
    .replaceAll(/\/{2,}/g, "/");
export const resolve = join;
export const relative = (from: string, to: string): string =>
  to.startsWith(`${from}/`) ? to.slice(from.length + 1) : to;
