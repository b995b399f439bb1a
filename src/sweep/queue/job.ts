/** What a sweep and its workers tell each other through the queue. */
import { z } from "zod";
import { endings } from "../folder.ts";

/** All sweeps share one queue, and workers take jobs of any. */
export const QUEUE = "tightbound";
/** Keys of Redis begin so. */
export const PREFIX = "tightbound-queue";

/** A run to train. Its arguments are made by the worker from the plan; nothing here is a command. */
export const task = z.strictObject({
  version: z.string(),
  /** Identity of the sweep. */
  sweep: z.uuid(),
  /** Absent for a run whose settings are in its folder already; its worker must share the disk. */
  plan: z
    .object({
      model: z.string(),
      settings: z.record(z.string(), z.union([z.string(), z.literal(true)])),
      axes: z.array(z.object({ name: z.string(), values: z.array(z.string()).readonly() })).readonly(),
    })
    .optional(),
  /** Name of the run: one name of a folder, never a path. */
  run: z.string().regex(/^\w[\w.+=,-]*$/),
  /** The sweep's folder on the machine that asks, absolute; a worker on the same disk trains there. */
  out: z.string(),
  /** Where relative paths of the plan begin. */
  cwd: z.string(),
});
/** A run to train. */
export type Task = z.output<typeof task>;

/** What a worker answers. */
export const answer = z.object({
  ending: endings,
  worker: z.string(),
  /** The run's folder is in the store, because the worker does not share the sweep's disk. */
  archived: z.boolean(),
});

/** A run's progress, as its worker tells it. */
export const progress = z.object({ epoch: z.number(), epochs: z.number(), worker: z.string() });

/** Separators of BullMQ's own keys must not occur in an id. */
export const jobId = (sweep: string, run: number): string => `${sweep}-${run}`;
/** Where a run's folder is stored until the sweep fetches it. */
export const archiveKey = (id: string): string => `${PREFIX}:archive:${id}`;
/** What nobody fetches is gone after a week, in s. */
export const KEPT = 7 * 24 * 3600;
