// Prints the registry's cases as JSON, for reference.py. Reads the built package; another build's folder may be given.
import { pathToFileURL } from "node:url";

const root = process.argv[2] ?? new URL("../../dist", import.meta.url).pathname;
const { distributionCases } = await import(`${pathToFileURL(root)}/distributions/registry.js`);
console.log(JSON.stringify(distributionCases));
