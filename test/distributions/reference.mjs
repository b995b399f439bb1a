// Prints the registry's cases as JSON, for reference.py.
import { runnerImport } from "vite";

const { module } = await runnerImport(new URL("registry/index.ts", import.meta.url).pathname);
console.log(JSON.stringify(module.distributionCases));
