/** The parts of BullMQ and ioredis that are used. Both are optional packages, so their own types may not be there. */

/** A connection to Redis. */
export interface Redis {
  connect(): Promise<void>;
  ping(): Promise<string>;
  disconnect(): void;
  on(event: "error", heard: (error: Error) => void): unknown;
  set(key: string, value: Uint8Array, unit: "EX", seconds: number): Promise<unknown>;
  getBuffer(key: string): Promise<Uint8Array | null>;
  del(key: string): Promise<number>;
}

export interface RedisOptions {
  readonly lazyConnect?: boolean;
  readonly connectTimeout?: number;
  readonly maxRetriesPerRequest: number | null;
  readonly retryStrategy: () => number | null;
}

export interface Job {
  readonly id?: string;
  readonly name: string;
  readonly data: unknown;
  readonly returnvalue: unknown;
  readonly failedReason?: string;
  updateProgress(progress: object): Promise<void>;
  moveToDelayed(at: number, token?: string): Promise<void>;
  remove(): Promise<void>;
}

interface Connected {
  readonly connection: Redis;
  readonly prefix: string;
}

export interface Queue {
  add(name: string, data: unknown, options: object): Promise<Job>;
  getJob(id: string): Promise<Job | undefined>;
  getJobState(id: string): Promise<string>;
  getWorkersCount(): Promise<number>;
  on(event: "error", heard: (error: Error) => void): unknown;
  close(): Promise<void>;
}

/** What happens to a job. */
export interface JobEvent {
  readonly jobId: string;
  readonly data?: unknown;
}

export interface QueueEvents {
  on(event: "completed" | "failed" | "progress", heard: (event: JobEvent) => void): unknown;
  on(event: "error", heard: (error: Error) => void): unknown;
  waitUntilReady(): Promise<unknown>;
  close(): Promise<void>;
}

export interface Worker {
  on(event: "error", heard: (error: Error) => void): unknown;
  close(): Promise<void>;
}

export interface WorkerSettings extends Connected {
  readonly name: string;
  readonly concurrency: number;
  readonly lockDuration: number;
  readonly stalledInterval: number;
  readonly maxStalledCount: number;
}

export interface Bull {
  readonly Queue: new (name: string, options: Connected) => Queue;
  readonly QueueEvents: new (name: string, options: Connected) => QueueEvents;
  readonly Worker: new (
    name: string,
    work: (job: Job, token?: string) => Promise<unknown>,
    options: WorkerSettings,
  ) => Worker;
  readonly DelayedError: new () => Error;
}

/** Loads both. @throws when one is not installed. */
export async function loadPackages(): Promise<{
  readonly bull: Bull;
  readonly Client: new (address: string, options: RedisOptions) => Redis;
}> {
  // A variable, because a compiler that does not find an optional package would stop.
  const [bull, redis]: readonly unknown[] = await Promise.all(
    ["bullmq", "ioredis"].map((name) => import(name)),
  );
  return {
    bull: bull as Bull,
    Client: (redis as { Redis: new (address: string, options: RedisOptions) => Redis }).Redis,
  };
}
