/** The location of installed packages, by Node. */
export { createRequire } from "node:module";
export { pathToFileURL } from "node:url";
