import { join } from "node:path";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // Examples, and the snippets of the pages, import the package as its users do.
  resolve: {
    alias: [
      { find: /^#platform\/(.+)$/, replacement: join(import.meta.dirname, "src/platform/node/$1.ts") },
      { find: /^tightbound$/, replacement: join(import.meta.dirname, "src/public/tightbound.ts") },
      { find: /^tightbound\/(.+)$/, replacement: join(import.meta.dirname, "src/public/$1.ts") },
    ],
  },
  test: {
    include: ["test/**/*.test.ts"],
    // Generous: two workers share two cores with the native runtime's own threads.
    testTimeout: 180_000,
    // Hooks train what several tests look at.
    hookTimeout: 180_000,
    // Two cores: tests that time or train share them with the native runtime's own threads.
    pool: "forks",
    maxWorkers: 2,
  },
});
