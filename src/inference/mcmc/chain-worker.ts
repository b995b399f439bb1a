/** The worker of `workers.ts`: runs the chains it receives, one after another. */
import { answerParent } from "#platform/workers";
import { graphOps } from "../../distributions/index.ts";
import { type PortableDensity, reviveDensity } from "../portable-density.ts";
import { type ChainJob, type ChainProgress, type ChainRun, runChain } from "./run-chain.ts";

/** Messages to the worker: the density first, then jobs. */
export type ToWorker =
  | { readonly kind: "density"; readonly density: PortableDensity }
  | { readonly kind: "job"; readonly job: ChainJob };

export type FromWorker =
  | { readonly kind: "progress"; readonly progress: ChainProgress }
  | { readonly kind: "failed"; readonly error: unknown }
  | { readonly kind: "done"; readonly run: ChainRun };

let density: ReturnType<typeof reviveDensity> | undefined;

answerParent(async (message: ToWorker, answer) => {
  const send = (sent: FromWorker): void => answer(sent);
  try {
    if (message.kind === "density") density = reviveDensity(message.density, graphOps());
    else if (density !== undefined) {
      const run = await runChain(density, message.job, (progress) => send({ kind: "progress", progress }));
      send({ kind: "done", run });
    }
  } catch (error) {
    // In a browser an error that is only thrown here would be heard by nobody.
    send({ kind: "failed", error });
  }
});
