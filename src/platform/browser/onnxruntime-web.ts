/** What the builds of `onnxruntime-web` have in common. */
import { UsageError } from "../../errors.ts";
import type { Session } from "../node/runtime.ts";

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** A build of the package. @throws UsageError when it is not there. */
export const onnxRuntimeWeb = <T>(build: Promise<T>): Promise<T> =>
  build.catch((error: unknown) => {
    throw new UsageError(
      "native: in a browser convolutions, float64, several threads, large graphs and graphics processors need the package onnxruntime-web, which " +
        `could not be loaded (${messageOf(error)}). Install it (npm install onnxruntime-web), or choose executor: "host".`,
    );
  });

const collected = new FinalizationRegistry<() => Promise<void>>((release) => {
  release().catch(() => undefined);
});

/** The runtime keeps a session's memory until it is released, whether or not anything can still reach it. */
export const releasedWhenCollected = ({ run, release }: Session): Session => {
  const held: Session = {
    run,
    release: () => {
      collected.unregister(held);
      return release();
    },
  };
  collected.register(held, release, held);
  return held;
};
