import { refusing } from "./refuse.ts";

/** Progress bars in a terminal. A page has none. */
export const loadBars: () => Promise<typeof import("cli-progress")> = refusing(
  "a terminal",
  "Use onProgress to show progress in the page.",
);
