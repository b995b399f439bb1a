/** The program as a process: signals, checkpoints, the end of a pipe. */
import { execFileSync, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadCheckpoint } from "../../src/files/checkpoint.ts";
import { temporary, writeDigits } from "./harness.ts";
import { buildProgram } from "./program.ts";

const ROOT = new URL("../../", import.meta.url).pathname;
let main = "";
const folder = temporary();
const digits = join(folder, "digits");
const settings = [
  "vae",
  "--data",
  digits,
  "--hidden",
  "64",
  "--latent",
  "4",
  "--batch",
  "10",
  "--epochs",
  "4",
];
const straight = join(folder, "straight");

beforeAll(() => {
  main = buildProgram("cli");
  mkdirSync(digits);
  writeDigits(digits, { train: 3000, test: 50 });
  execFileSync(process.execPath, [main, "train", ...settings, "--out", straight, "--quiet"]);
});

/** Starts the program; `when` says when to act on it, by what it has printed so far. */
const start = (
  argv: readonly string[],
  act: (child: ReturnType<typeof spawn>, out: string) => void = () => {},
) =>
  new Promise<{ code: number | null; signal: NodeJS.Signals | null; out: string; err: string }>((resolve) => {
    const child = spawn(process.execPath, [main, ...argv], { cwd: folder });
    let out = "";
    let err = "";
    child.stdout.on("data", (data) => {
      out += data;
      act(child, out);
    });
    child.stderr.on("data", (data) => {
      err += data;
    });
    child.on("close", (code, signal) => resolve({ code, signal, out, err }));
  });

/** Once, a little after the line of an epoch. */
const during = (epoch: number, action: (child: ReturnType<typeof spawn>) => void) => {
  let done = false;
  return (child: ReturnType<typeof spawn>, out: string) => {
    if (done || !out.includes(`${epoch}/4 `)) return;
    done = true;
    setTimeout(() => action(child), 30);
  };
};

/** All that a run has learnt: every tensor's bytes, counters, sums, and the lines of metrics without wall times. */
const stateOf = (run: string) => {
  const { tensors, buffers, step, epoch, metadata } = loadCheckpoint(join(run, "checkpoint.safetensors"));
  const lines = readFileSync(join(run, "metrics.jsonl"), "utf8").trim().split("\n");
  return {
    tensors: [...tensors, ...buffers].map(({ name, data }) => [
      name,
      Buffer.from(data.buffer, data.byteOffset, data.byteLength).toString("base64"),
    ]),
    step,
    epoch,
    sums: metadata.sums,
    lines: lines.map((line) => ({ ...JSON.parse(line), seconds: 0 })),
  };
};

test.each([
  ["SIGINT", 130],
  ["SIGTERM", 143],
  ["SIGHUP", 129],
] as const)(
  "%s ends with %i and a checkpoint; resuming ends bit for bit like a run never stopped",
  async (signal, code) => {
    const run = join(folder, signal);
    const stopped = await start(
      ["train", ...settings, "--out", run],
      during(1, (child) => child.kill(signal)),
    );
    expect(stopped).toMatchObject({
      code,
      err: "Stopping after this step. Press Ctrl-C again to end at once.\n",
    });
    expect(stopped.out).toMatch(
      /Stopped after step [\d,]+, in epoch [234] of 4\. A checkpoint was written\. To continue:\n {2}tightbound train --resume .+\n$/,
    );
    const { step } = loadCheckpoint(join(run, "checkpoint.safetensors"));
    // 300 steps an epoch; it was stopped after the first and before the last.
    expect(step).toBeGreaterThan(300);
    expect(step).toBeLessThan(1200);
    expect(existsSync(join(run, "lock"))).toBe(false);
    const resumed = await start(["train", "--resume", run]);
    expect(resumed.out).toContain(`Continuing after step ${String(step).replace(/^(\d)(\d{3})$/, "$1,$2")}.`);
    expect(resumed).toMatchObject({ code: 0, err: "" });
    expect(stateOf(run)).toEqual(stateOf(straight));
  },
);

// Each verb with one of the signals.
const stoppedVerbs = [
  ["evaluate", "SIGHUP", 129, ["--samples", "100000", "--json"], undefined],
  ["encode", "SIGINT", 130, [], "e.csv"],
  ["sample", "SIGTERM", 143, ["--count", "2000000"], "s.csv"],
  ["export", "SIGHUP", 129, [], "m"],
  ["reconstruct", "SIGTERM", 143, [], "r.png"],
] as const;

test.skipIf(process.platform !== "linux").each(stoppedVerbs)(
  "%s: %s ends it with %i, and leaves no half of a file",
  async (verb, signal, code, flags, target) => {
    const out = join(folder, `stopped-${verb}`);
    mkdirSync(out);
    const argv = [verb, straight, ...flags, ...(target === undefined ? [] : ["--out", join(out, target)])];
    const ended = await new Promise<{ code: number | null; signal: NodeJS.Signals | null }>((resolve) => {
      const child = spawn(process.execPath, [main, ...argv], { cwd: folder, stdio: "ignore" });
      // As soon as the program is loaded: from then on the kernel knows that SIGHUP, the first signal, is caught.
      const timer = setInterval(() => {
        const status = `/proc/${child.pid}/status`;
        if (!existsSync(status)) return;
        const caught = /SigCgt:\t([0-9a-f]+)/.exec(readFileSync(status, "utf8"))?.[1];
        if (Number.parseInt(caught?.at(-1) ?? "0", 16) % 2 === 0) return;
        clearInterval(timer);
        setTimeout(() => child.kill(signal), 2 * (code - 129));
      }, 5);
      child.on("close", (code, signal) => {
        clearInterval(timer);
        resolve({ code, signal });
      });
    });
    expect(ended.signal).toBeNull();
    // The first and the third take minutes. On a busy machine the others may be done before the signal is sent.
    expect(["evaluate", "sample"].includes(verb) ? [code] : [0, code]).toContain(ended.code);
    expect(readdirSync(out).filter((name) => name.endsWith(".tmp"))).toEqual([]);
  },
);

test("kill -9 leaves the last complete checkpoint, and resuming ends the same", async () => {
  const run = join(folder, "killed");
  const killed = await start(
    ["train", ...settings, "--out", run],
    during(2, (child) => child.kill("SIGKILL")),
  );
  expect(killed.signal).toBe("SIGKILL");
  expect(loadCheckpoint(join(run, "checkpoint.safetensors")).epoch).toBeGreaterThanOrEqual(2);
  expect(await start(["train", "--resume", run, "--quiet"])).toMatchObject({ code: 0, err: "", out: "" });
  expect(stateOf(run)).toEqual(stateOf(straight));
});

test("a second Ctrl-C ends at once", async () => {
  const run = join(folder, "twice");
  // Two long steps an epoch, so that both are there before it is over, also on a busy machine: what takes a signal is any of the
  // process's threads, each when it gets a core, and between steps the first signal alone is a stop.
  const long = ["--hidden", "1500,1500", "--batch", "1500"];
  const { code, out } = await start(
    ["train", ...settings, ...long, "--out", run],
    during(1, (child) => {
      child.kill("SIGINT");
      child.kill("SIGTERM");
    }),
  );
  expect([130, 143]).toContain(code);
  expect(out).not.toContain("Stopped after step");
  // The checkpoint is that of the last whole epoch, not of the step under way.
  const { step, epoch } = loadCheckpoint(join(run, "checkpoint.safetensors"));
  expect(epoch).toBeGreaterThanOrEqual(1);
  expect(step).toBe(2 * epoch);
});

test("--version and --help", () => {
  const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as { version: string };
  expect(execFileSync(process.execPath, [main, "--version"], { encoding: "utf8" })).toBe(`${version}\n`);
  for (const verb of [
    "train",
    "evaluate",
    "sample",
    "reconstruct",
    "traverse",
    "encode",
    "report",
    "export",
  ]) {
    const help = execFileSync(process.execPath, [main, verb, "--help"], { encoding: "utf8" });
    expect(help).toContain(`Usage: tightbound ${verb} `);
    expect(help).toContain(`Examples:\n  $ tightbound ${verb} `);
  }
});

test.skipIf(process.platform === "win32")("a system that opens too few files is told so", () => {
  for (const limit of [40, 100]) {
    const { status, stdout, stderr } = spawnSync(
      "sh",
      ["-c", `ulimit -n ${limit} && exec "$0" "$@"`, process.execPath, main, "train", "--help"],
      { encoding: "utf8" },
    );
    expect({ status, stdout, stderr }).toEqual({
      status: 1,
      stdout: "",
      stderr:
        "tightbound: expected to open a few hundred files at once, and this system allows fewer. " +
        "Raise the limit (ulimit -n 1024) or close other programs.\n",
    });
  }
});

test("a reader that stops reading is no fault", () => {
  const text = execFileSync("sh", ["-c", `"${process.execPath}" "${main}" train --help | head -1; true`], {
    encoding: "utf8",
    stdio: ["ignore", "pipe", "pipe"],
  });
  expect(text).toBe("Usage: tightbound train [options] [model]\n");
});

/** Runs a command line of the shell in which $PROGRAM is the program. */
const shell = (line: string) =>
  spawnSync("bash", ["-c", line], {
    cwd: folder,
    encoding: "utf8",
    env: { ...process.env, PROGRAM: `${process.execPath} ${main}` },
  });

test("training goes on when nobody reads its output any more, and says so", () => {
  const run = join(folder, "unread");
  const { stdout, stderr } = shell(
    `$PROGRAM train ${settings.join(" ")} --out ${run} | head -3; echo "\${PIPESTATUS[0]}"`,
  );
  expect(stdout.trim().split("\n").at(-1)).toBe("0");
  expect(stderr).toBe("The standard output was closed by its reader. tightbound continues without it.\n");
  expect(existsSync(join(run, "lock"))).toBe(false);
  expect(stateOf(run)).toEqual(stateOf(straight));
});

test.runIf(existsSync("/dev/full"))(
  "training goes on when its output is on a full disk, and fails in the end",
  () => {
    const run = join(folder, "full");
    const { status, stderr } = shell(`$PROGRAM train ${settings.join(" ")} --out ${run} > /dev/full`);
    expect(stderr).toBe(
      "The standard output goes to a disk that is full. tightbound continues without it.\n",
    );
    expect(status).toBe(1);
    expect(stateOf(run)).toEqual(stateOf(straight));
  },
);

test("with both streams closed training still ends", () => {
  const run = join(folder, "silent");
  shell(`$PROGRAM train ${settings.join(" ")} --out ${run} 2>&1 | head -1`);
  expect(stateOf(run)).toEqual(stateOf(straight));
});
