import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const THREADS = "2";

export const peer = (file) => fileURLToPath(new URL(`../peers/${file}`, import.meta.url));
export const node = (file) => [process.execPath, peer(file)];

/** The interpreters to try for PyTorch: `python3` on the path, then the system's own. */
export const interpreters = () =>
  [...(process.env.PATH ?? "").split(delimiter), "/usr/bin"]
    .map((folder) => join(folder, "python3"))
    .filter((path, i, all) => existsSync(path) && all.indexOf(path) === i);

/** PyTorch; `args`: hidden, latent and batch of another model than the benchmark's. */
export const torch = (...args) => ({
  key: "torch",
  commands: interpreters().map((python) => [python, peer("pytorch.py"), ...args]),
  // Passive waiting is best for it here. Alone, the default is as fast (8.8 and 10.1 ms for a step against 9.1 and 10.3). When it takes
  // turns with others, its spinning threads are slow to come back (13 to 15 ms, with a tail up to 40; passive 12.5).
  env: { OMP_NUM_THREADS: THREADS, OPENBLAS_NUM_THREADS: THREADS, OMP_WAIT_POLICY: "passive" },
});

/**
 * All contestants. `commands` are tried in order until one is ready; `npm` marks contestants whose packages
 * come from `bench/package.json`; `atLeast` is the project's target for the ratio to Tightbound;
 * `trains: false` marks the one that has no loss.
 */
export const CONTESTANTS = [
  { key: "tightbound", commands: [node("tightbound.mjs")] },
  {
    key: "floor",
    commands: [node("floor.mjs")],
    trains: false,
    atLeast: 1 / 1.4,
  },
  { ...torch(), atLeast: 2 },
  { key: "jaxjs", commands: [node("jaxjs.mjs")], npm: true, atLeast: 4 },
  { key: "jaxjs-workers", commands: [node("jaxjs.mjs")], npm: true, env: { JAXJS_WORKERS: THREADS } },
  { key: "tfjs", commands: [node("tfjs-wasm.mjs")], npm: true, atLeast: 20 },
];
