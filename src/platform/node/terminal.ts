/** Progress bars in a terminal: the package cli-progress. */
export const loadBars = (): Promise<typeof import("cli-progress")> =>
  import("cli-progress").then(({ default: progress }) => progress);
