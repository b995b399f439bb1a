import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    testTimeout: 60_000,
    // Hooks train what several tests look at.
    hookTimeout: 60_000,
    // Two cores: tests that time or train share them with the native runtime's own threads.
    pool: "forks",
    maxWorkers: 2,
  },
});
