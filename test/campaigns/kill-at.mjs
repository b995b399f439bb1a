// Loaded before the program: kills its process at one of its calls that change the disk, or counts them.
import fs from "node:fs";
import { syncBuiltinESMExports } from "node:module";

const at = Number(process.env.TIGHTBOUND_KILL_AT ?? 0);
const counted = process.env.TIGHTBOUND_COUNT_CALLS;
let calls = 0;

const die = () => {
  process.kill(process.pid, "SIGKILL");
  // The signal may come a moment later; nothing more is done until then.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
};

const wrap = (name, changes, half) => {
  const original = fs[name];
  fs[name] = (...args) => {
    if (!changes(args)) return original(...args);
    calls++;
    if (calls !== at) return original(...args);
    half?.(original, args);
    return die();
  };
};

const always = () => true;
for (const name of [
  "renameSync",
  "rmSync",
  "rmdirSync",
  "unlinkSync",
  "truncateSync",
  "ftruncateSync",
  "fsyncSync",
  "mkdirSync",
])
  wrap(name, always);
wrap("openSync", ([, flags]) => typeof flags === "string" && flags !== "r");
// Half of a write is done.
wrap(
  "writeSync",
  ([file]) => file > 2,
  (original, [file, data, offset = 0, length = data.length - offset]) => {
    original(file, typeof data === "string" ? Buffer.from(data) : data, offset, Math.floor(length / 2));
  },
);
syncBuiltinESMExports();

if (counted !== undefined) process.on("exit", () => fs.appendFileSync(counted, `${calls}\n`));
