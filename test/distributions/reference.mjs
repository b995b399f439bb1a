// Prints the registry's cases as JSON, for reference.py and reference-families.py.
import { runnerImport } from "vite";

const { module } = await runnerImport(new URL("registry/index.ts", import.meta.url).pathname, {
  resolve: {
    alias: [
      {
        find: /^#platform\/(.+)$/,
        replacement: new URL("../../src/platform/node/$1.ts", import.meta.url).pathname,
      },
    ],
  },
});
console.log(JSON.stringify(module.distributionCases));
