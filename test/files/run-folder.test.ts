import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { CheckpointError, UsageError } from "../../src/errors.ts";
import { clearRemains, createRun, lockRun, openRun, runFolder } from "../../src/files/run-folder.ts";
import { tempFolder } from "../data/temp.ts";
import { build } from "./built.ts";

const folder = tempFolder();
let runs = 0;
const newPath = () => join(folder.path, `run${runs++}`);
const SCHEMA = z.strictObject({ latent: z.int().positive(), hidden: z.array(z.int()).optional() });

/** A run that has ended, with a file of each kind. */
const endedRun = () => {
  const path = newPath();
  const run = createRun(path, { latent: 2 });
  mkdirSync(run.images);
  for (const file of [run.metrics, run.checkpoint, run.report, join(run.images, "1.png")]) {
    writeFileSync(file, "old");
  }
  run.lock.release();
  return { ...run, path };
};

const message = (act: () => unknown): unknown => {
  try {
    return act();
  } catch (error) {
    return error;
  }
};

describe("createRun and openRun", () => {
  test("make a folder, parents included, and read its settings back", () => {
    const path = join(newPath(), "a", "b");
    const { lock, ...run } = createRun(path, { latent: 2, hidden: [400, 200] });
    expect(run).toEqual(runFolder(path));
    expect(readdirSync(path).sort()).toEqual(["config.json", "lock"]);
    lock.release();
    expect(readdirSync(path)).toEqual(["config.json"]);
    expect(openRun(path, SCHEMA)).toEqual({
      path,
      config: join(path, "config.json"),
      metrics: join(path, "metrics.jsonl"),
      checkpoint: join(path, "checkpoint.safetensors"),
      best: join(path, "best.safetensors"),
      images: join(path, "images"),
      report: join(path, "report.html"),
      settings: { latent: 2, hidden: [400, 200] },
    });
  });

  test("an empty folder will do, and one with the remains of a run killed before it began", () => {
    const path = newPath();
    mkdirSync(path);
    writeFileSync(join(path, "config.json.99999999-0.tmp"), "{");
    writeFileSync(join(path, "lock"), JSON.stringify({ pid: 99_999_999, host: hostname() }));
    createRun(path, { latent: 2 }).lock.release();
    expect(readdirSync(path)).toEqual(["config.json"]);
  });

  test("another run is refused", () => {
    const { path } = endedRun();
    expect(message(() => createRun(path, { latent: 3 }))).toEqual(
      new UsageError(
        `${path} already contains a run (checkpoint.safetensors, config.json, images, metrics.jsonl, report.html). ` +
          "Expected a new or empty folder: choose another with `out`, continue this run with `resume`, or " +
          "replace it with `overwrite`.",
      ),
    );
    expect(openRun(path, SCHEMA).settings).toEqual({ latent: 2 });
  });

  test("overwrite replaces a run, and keeps what is not the run's", () => {
    const { path, images } = endedRun();
    writeFileSync(join(path, "notes.txt"), "mine");
    writeFileSync(join(images, "figure.svg"), "mine");
    // What was made of the run is of no other run.
    for (const made of ["analogies.png", "class-samples.png", "figures.json"])
      writeFileSync(join(path, made), "");
    createRun(path, { latent: 3 }, { overwrite: true }).lock.release();
    expect(readdirSync(path).sort()).toEqual(["config.json", "images", "notes.txt"]);
    expect(readdirSync(images)).toEqual(["figure.svg"]);
    expect(openRun(path, SCHEMA).settings).toEqual({ latent: 3 });
  });

  test("overwrite does not follow a link", () => {
    const path = newPath();
    const elsewhere = newPath();
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, "holiday.png"), "mine");
    createRun(path, { latent: 2 }).lock.release();
    symlinkSync(elsewhere, join(path, "images"));
    createRun(path, { latent: 2 }, { overwrite: true }).lock.release();
    expect(readdirSync(elsewhere)).toEqual(["holiday.png"]);
  });

  test.each([false, true])("a folder of other files is refused, overwrite %s", (overwrite) => {
    const path = newPath();
    mkdirSync(path);
    // Another program's config.json, and a file that a run has too.
    writeFileSync(join(path, "config.json"), '{"name":"web"}');
    writeFileSync(join(path, "report.html"), "mine");
    expect(message(() => createRun(path, { latent: 2 }, { overwrite }))).toEqual(
      new UsageError(
        `${path} is not empty and does not contain a run (config.json, report.html). Expected a new or empty folder, or ` +
          "with `overwrite` one that holds a run: choose another with `out`. Nothing was touched.",
      ),
    );
    expect(readdirSync(path).sort()).toEqual(["config.json", "report.html"]);
    expect(readFileSync(join(path, "report.html"), "utf8")).toBe("mine");
  });

  test("a file in the way, and settings that JSON cannot say", () => {
    const file = folder.write("file", "x");
    expect(message(() => createRun(file, {}))).toEqual(
      new CheckpointError(
        `cannot make the folder ${file}: a file of that name is there. Choose another \`out\``,
      ),
    );
    expect(message(() => createRun(join(file, "run"), {}))).toEqual(
      new CheckpointError(
        `cannot make the folder ${join(file, "run")}: a part of the path is a file. Choose another \`out\``,
      ),
    );
    const path = newPath();
    expect(message(() => createRun(path, { beta: Number.NaN }))).toEqual(
      new UsageError('config: expected "beta" to be a finite number, found NaN'),
    );
    expect(existsSync(path)).toBe(false);
  });

  test("a missing folder, a file, and a folder that is no run", () => {
    const path = newPath();
    const give = "Give the folder that training wrote (`out`)";
    expect(message(() => openRun(path, SCHEMA))).toEqual(
      new CheckpointError(`${path}: expected the folder of a run, found nothing there. ${give}`),
    );
    const file = folder.write("another", "x");
    expect(message(() => openRun(file, SCHEMA))).toEqual(
      new CheckpointError(`${file}: expected the folder of a run, found a file. ${give}`),
    );
    mkdirSync(path);
    expect(message(() => openRun(path, SCHEMA))).toEqual(
      new CheckpointError(
        `${path}: expected the folder of a run, with a config.json; found an empty folder. ${give}`,
      ),
    );
    for (let i = 0; i < 10; i++) writeFileSync(join(path, `${i}.txt`), "");
    expect(message(() => openRun(path, SCHEMA))).toEqual(
      new CheckpointError(
        `${path}: expected the folder of a run, with a config.json; found 0.txt, 1.txt, 2.txt, 3.txt, 4.txt, ` +
          `5.txt, 6.txt, 7.txt and 2 more. ${give}`,
      ),
    );
  });

  test.each([
    [
      '{"name":"web"}',
      'expected "format" to be "tightbound run", found none. The file is another program\'s',
    ],
    ["[]", "expected the settings of a run as a JSON object, found another value"],
    // The messages of zod 4 follow the field.
    [
      '{"format":"tightbound run","latent":0.5,"hidden":[400,"x"]}',
      'field "latent": Invalid input: expected int, received number; ' +
        'field "hidden[1]": Invalid input: expected number, received string',
    ],
    ['{"format":"tightbound run","latent":1,"more":2}', 'Unrecognized key: "more"'],
  ])("config.json with %j", (contents, what) => {
    const path = newPath();
    mkdirSync(path);
    writeFileSync(join(path, "config.json"), contents);
    expect(message(() => openRun(path, SCHEMA))).toEqual(
      new CheckpointError(`${join(path, "config.json")}: ${what}`),
    );
  });

  test("config.json that is cut", () => {
    const { path, config } = endedRun();
    writeFileSync(config, readFileSync(config, "utf8").slice(0, 20));
    expect(() => openRun(path, SCHEMA)).toThrow(`${config}: expected the settings of a run as JSON: `);
  });
});

describe("the lock", () => {
  let start: ReturnType<typeof build>;
  beforeAll(() => {
    start = build("run-folder", folder.path);
  });
  const busy = (path: string, who: string) =>
    new CheckpointError(
      `${join(path, "lock")}: expected a run that no other process is training: ${who}. Wait for it to end or ` +
        "choose another `out`; if it no longer runs, delete this file",
    );

  test("is refused while this process has it, under any spelling of the path", () => {
    const { path } = endedRun();
    const lock = lockRun(runFolder(path));
    const again = message(() => lockRun(runFolder(`${path}/../${path.split("/").at(-1)}`)));
    expect(again).toEqual(busy(path, `process ${process.pid} on this machine has it`));
    expect(message(() => createRun(path, { latent: 2 }, { overwrite: true }))).toEqual(again);
    expect(existsSync(join(path, "checkpoint.safetensors"))).toBe(true);
    lock.release();
    lock.release();
    lockRun(runFolder(path)).release();
    expect(existsSync(join(path, "lock"))).toBe(false);
  });

  test("is refused while another process has it, and taken over once that is killed", async () => {
    const { path } = endedRun();
    const { child, ended, firstLine } = start(`
      lib.lockRun(lib.runFolder(${JSON.stringify(path)}));
      console.log("locked");
      setInterval(() => {}, 1000);`);
    expect(await firstLine()).toBe("locked");
    expect(message(() => lockRun(runFolder(path)))).toEqual(
      busy(path, `process ${child.pid} on this machine has it`),
    );
    child.kill("SIGKILL");
    await ended;
    expect(existsSync(join(path, "lock"))).toBe(true);
    writeFileSync(join(path, "checkpoint.safetensors.99999999-0.tmp"), "half");
    lockRun(runFolder(path)).release();
    expect(readdirSync(path).sort()).toEqual(
      ["checkpoint.safetensors", "config.json", "images", "metrics.jsonl", "report.html"].sort(),
    );
  });

  test("what a killed process left is removed, and a live process's lock is not", () => {
    const { path } = endedRun();
    const before = readdirSync(path);
    clearRemains(runFolder(path));
    expect(readdirSync(path)).toEqual(before);
    writeFileSync(join(path, "lock"), JSON.stringify({ pid: 99_999_999, host: hostname() }));
    writeFileSync(join(path, "checkpoint.safetensors.99999999-0.tmp"), "half");
    clearRemains(runFolder(path));
    expect(readdirSync(path)).toEqual(before);
    const lock = lockRun(runFolder(path));
    clearRemains(runFolder(path));
    expect(existsSync(join(path, "lock"))).toBe(true);
    lock.release();
  });

  test("of several processes that find a stale lock at once, one gets it", async () => {
    const { path } = endedRun();
    for (let round = 0; round < 3; round++) {
      writeFileSync(join(path, "lock"), JSON.stringify({ pid: 99_999_999, host: hostname() }));
      const racers = Array.from({ length: 4 }, () =>
        start(`
          console.log("ready");
          process.stdin.once("data", () => {
            try {
              lib.lockRun(lib.runFolder(${JSON.stringify(path)}));
              console.log("locked");
            } catch (error) {
              console.log(error.name);
            }
            // The lock must stay until all have tried.
            process.stdin.once("data", () => process.exit());
          });`),
      );
      await Promise.all(racers.map(({ firstLine }) => firstLine()));
      for (const { child } of racers) child.stdin.write("go");
      await expect.poll(() => racers.every(({ lines }) => lines.length === 2)).toBe(true);
      expect(racers.map(({ lines }) => lines[1]).sort()).toEqual([
        ...Array(3).fill("CheckpointError"),
        "locked",
      ]);
      for (const { child } of racers) child.stdin.write("end");
      await Promise.all(racers.map(({ ended }) => ended));
    }
  });

  test("a number that is in use again does not keep the lock", () => {
    const { path } = endedRun();
    // This process's number, with another's start.
    writeFileSync(join(path, "lock"), JSON.stringify({ pid: process.pid, host: hostname(), start: "x/1" }));
    lockRun(runFolder(path)).release();
    // Where the system gives no start: it is not a lock that this process took.
    writeFileSync(join(path, "lock"), JSON.stringify({ pid: process.pid, host: hostname() }));
    lockRun(runFolder(path)).release();
    expect(existsSync(join(path, "lock"))).toBe(false);
  });

  test("of another machine is left alone", () => {
    const { path } = endedRun();
    for (const start of [undefined, "another-boot/7"]) {
      const contents = JSON.stringify({ pid: 3, host: "elsewhere", start });
      writeFileSync(join(path, "lock"), contents);
      expect(message(() => lockRun(runFolder(path)))).toEqual(busy(path, "process 3 on elsewhere has it"));
      expect(readFileSync(join(path, "lock"), "utf8")).toBe(contents);
    }
  });

  // A process killed between making the file and writing it, and one killed while it wrote.
  test.each(["", '{"pid":12,"ho'])("left behind with %j is taken over", (contents) => {
    const { path } = endedRun();
    writeFileSync(join(path, "lock"), contents);
    lockRun(runFolder(path)).release();
    expect(existsSync(join(path, "lock"))).toBe(false);
  });

  /** A command that runs what follows it with process numbers and a host name of its own, as a container does. */
  const container = [
    "unshare",
    "--pid",
    "--uts",
    "--fork",
    "--kill-child",
    "sh",
    "-c",
    'hostname box; exec "$@"',
    "sh",
  ];
  const containers = spawnSync(container[0], [...container.slice(1), "true"]).status === 0;

  test.runIf(containers)(
    "holds between containers, and is taken over once the container is killed",
    async () => {
      const { path } = endedRun();
      const { child, ended, firstLine } = start(HOLD(path), { command: container });
      expect(await firstLine()).toBe("locked");
      const { pid } = JSON.parse(readFileSync(join(path, "lock"), "utf8"));
      expect(message(() => lockRun(runFolder(path)))).toEqual(busy(path, `process ${pid} on box has it`));
      // Another container, in which the number is perhaps in use, perhaps not.
      const other = start(HOLD(path), { command: container });
      expect(await other.firstLine()).toBe("CheckpointError");
      await other.ended;
      child.kill("SIGKILL");
      await ended;
      const next = start(HOLD(path), { command: container });
      expect(await next.firstLine()).toBe("locked");
      next.child.kill("SIGKILL");
      await next.ended;
      lockRun(runFolder(path)).release();
    },
  );

  test("without a program that asks the kernel the file alone is the lock", async () => {
    const { path } = endedRun();
    const bare = { env: { PATH: "/none" } };
    const { child, ended, firstLine } = start(HOLD(path), bare);
    expect(await firstLine()).toBe("locked");
    expect(JSON.parse(readFileSync(join(path, "lock"), "utf8"))).toMatchObject({
      by: "file",
      pid: child.pid,
    });
    // Whoever can ask the kernel hears that it is free, and must not believe it.
    expect(message(() => lockRun(runFolder(path)))).toEqual(
      busy(path, `process ${child.pid} on this machine has it`),
    );
    const other = start(HOLD(path), bare);
    expect(await other.firstLine()).toBe("CheckpointError");
    await other.ended;
    child.kill("SIGKILL");
    await ended;
    const next = start(HOLD(path), bare);
    expect(await next.firstLine()).toBe("locked");
    next.child.kill("SIGKILL");
    await next.ended;
    lockRun(runFolder(path)).release();
  });
});

/** Takes the lock and keeps it. */
const HOLD = (path: string): string => `
  try {
    lib.lockRun(lib.runFolder(${JSON.stringify(path)}));
    console.log("locked");
    setInterval(() => {}, 1000);
  } catch (error) {
    console.log(error.name);
  }`;
