/**
 * Studio: labels given a few at a time, by a person or by the true classes, and a model that learns from them and from all other rows.
 *
 * @module
 */

export { openSession, type SessionOptions } from "./opening.ts";
export { type Strategy, strategies } from "./queue.ts";
export { loadRows, type RowsSource, type StudioRows } from "./rows.ts";
export { type ServeOptions, type StudioServer, serveSession } from "./server.ts";
export type { Session } from "./session.ts";
export { type SimulatedLesson, type SimulateOptions, simulateLabelling } from "./simulate.ts";
