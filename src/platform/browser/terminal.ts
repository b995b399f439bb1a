import { refusing } from "./refuse.ts";

/** Bars in a terminal: none here. */
export const loadBars: () => Promise<typeof import("cli-progress")> = refusing(
  "a terminal",
  "Show what onProgress is told in the page.",
);
