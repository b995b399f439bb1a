/** What a person chose on the page of a session; kept in its folder. */
import { existsSync, readFileSync } from "node:fs";
import { z } from "zod";
import { CheckpointError } from "../errors.ts";
import { reason, writeDurably } from "../files/index.ts";
import { layouts } from "./layout.ts";
import { strategies } from "./queue.ts";

/** Choices of a session. */
export const sessionSettings = z.strictObject({
  /** How the queue chooses rows. */
  strategy: z.enum(strategies),
  /** How the map places rows. */
  layout: z.enum(layouts),
});
/** A change of one of them. */
export const settingsChange = z.union([
  sessionSettings.pick({ strategy: true }),
  sessionSettings.pick({ layout: true }),
]);
export type SessionSettings = z.output<typeof sessionSettings>;

const DEFAULTS: SessionSettings = { strategy: "chosen", layout: "pca" };

/** Reads the choices of a session; the defaults if there are none. @throws CheckpointError when the file is damaged. */
export function readSettings(path: string): SessionSettings {
  if (!existsSync(path)) return DEFAULTS;
  try {
    return sessionSettings.parse(JSON.parse(readFileSync(path, "utf8")));
  } catch (cause) {
    throw new CheckpointError(
      `${path}: expected the choices of a session, as JSON: ${reason(cause)}. Remove the file to get the defaults`,
      { cause },
    );
  }
}

/** Writes the choices of a session. */
export const writeSettings = (path: string, settings: SessionSettings): void =>
  writeDurably(path, `${JSON.stringify(settings)}\n`);
