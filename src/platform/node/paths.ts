/** Paths of the machine's file system, by Node. */
export { basename, dirname, join, relative, resolve, sep } from "node:path";
