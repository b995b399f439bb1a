/** Where installed packages lie, by Node. */
export { createRequire } from "node:module";
export { pathToFileURL } from "node:url";
