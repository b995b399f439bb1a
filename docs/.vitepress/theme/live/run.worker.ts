/** Runs a program that a reader wrote. */
import * as main from "tightbound/browser";
import * as distributions from "tightbound/distributions";
import * as inference from "tightbound/inference";
import * as tensors from "tightbound/tensor";

/** What the page is told: a line that the program printed, its end, or why it stopped. */
export type RunMessage =
  | { readonly kind: "printed"; readonly text: string }
  | { readonly kind: "done"; readonly seconds: number }
  | { readonly kind: "failed"; readonly message: string };

const tell = (message: RunMessage): void => self.postMessage(message);

const shown = (value: unknown): string => {
  if (typeof value === "string") return value;
  if (ArrayBuffer.isView(value) && !(value instanceof DataView))
    return `[${(value as Float64Array).join(", ")}]`;
  if (value instanceof Map) return [...value].map(([key, v]) => `${shown(key)}: ${shown(v)}`).join("\n");
  if (typeof value === "object" && value !== null && "toArray" in value)
    return JSON.stringify((value as { toArray(): unknown }).toArray());
  return typeof value === "object" ? JSON.stringify(value) : String(value);
};

/** What a program has, imported or not. */
const names: Readonly<Record<string, unknown>> = { ...tensors, ...distributions, ...inference, ...main };

/** Imports of the library, which are those names. */
const IMPORT = /^\s*import\s*\{[^}]*\}\s*from\s*["']tightbound(?:\/[a-z]+)?["'];?/gm;

async function run(source: string): Promise<void> {
  const began = performance.now();
  const AsyncFunction = (async () => {}).constructor as new (
    ...args: string[]
  ) => (...values: unknown[]) => Promise<unknown>;
  // A function of its own, so that a program may have a `mean` although the library has one.
  const body = source.replace(IMPORT, (text) => text.replace(/[^\n]/g, ""));
  const program = new AsyncFunction(
    "console",
    ...Object.keys(names),
    `"use strict"; return (async () => {${body}\n})();`,
  );
  const print = (...values: unknown[]): void => tell({ kind: "printed", text: values.map(shown).join(" ") });
  await program({ log: print }, ...Object.values(names));
  tell({ kind: "done", seconds: (performance.now() - began) / 1000 });
}

self.onmessage = ({ data }: MessageEvent<string>) => {
  run(data).catch((error: unknown) =>
    tell({
      kind: "failed",
      message: error instanceof Error ? `${error.name}: ${error.message}` : String(error),
    }),
  );
};
