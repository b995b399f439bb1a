/** Kills of the studio at random moments while a scripted person labels. `npm run fuzz -- --studio 50` makes as many kills as it says. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { generator } from "../campaigns/random.ts";
import { buildProgram } from "../cli/program.ts";
import { kindOf, kinds, writeBlobs } from "./harness.ts";

const KILLS = Number(process.env.TIGHTBOUND_FUZZ_STUDIO ?? 2);
/** More rows than can be labelled between all kills. */
const ROWS = 100 + 150 * KILLS;
/** The longest time from a start to a kill, in milliseconds: some lessons begin and end in it. */
const LONGEST = 2500;

const folder = mkdtempSync(join(tmpdir(), "tightbound-studio-kills-"));
let running: ChildProcess | undefined;
afterAll(() => {
  running?.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

interface State {
  readonly classes: readonly string[];
  readonly labelled: number;
  readonly next?: { readonly row: number; readonly by: string };
}

/** Starts the studio and returns how to ask it. */
async function start(program: string) {
  const args = [
    program,
    "studio",
    "blobs.csv",
    "--id",
    "item",
    "--no-open",
    "--out",
    "session",
    "--epochs",
    "1",
  ];
  const server = spawn(process.execPath, args, { cwd: folder, stdio: ["ignore", "pipe", "ignore"] });
  running = server;
  const ended = new Promise<void>((resolve) => server.once("exit", () => resolve()));
  let link = "";
  for await (const line of createInterface({ input: server.stdout })) {
    if (!line.startsWith("http://")) continue;
    link = line;
    break;
  }
  const { origin, searchParams } = new URL(link);
  const headers = {
    cookie: `tightbound-studio=${searchParams.get("token")}`,
    "content-type": "application/json",
  };
  const ask = async (path: string, body?: object): Promise<State> => {
    const answer = await fetch(
      origin + path,
      body === undefined ? { headers } : { headers, method: "POST", body: JSON.stringify(body) },
    );
    if (!answer.ok) throw new Error(await answer.text());
    return (await answer.json()) as State;
  };
  return { server, ended, ask };
}

test(
  `${KILLS} kills while labels are given: each label that was confirmed is there after the restart`,
  async () => {
    writeBlobs(join(folder, "blobs.csv"), ROWS);
    const program = buildProgram("studio-kills");
    const pick = generator(Number(process.env.TIGHTBOUND_FUZZ_SEED ?? 1));
    let confirmed = 0;
    for (let kill = 0; kill <= KILLS; kill++) {
      const { server, ended, ask } = await start(program);
      let state = await ask("/api/state");
      // One more may be on the disk than was confirmed: the kill came between the two.
      expect(state.labelled - confirmed, `after ${kill} kills`).toBeGreaterThanOrEqual(0);
      expect(state.labelled - confirmed, `after ${kill} kills`).toBeLessThanOrEqual(1);
      confirmed = state.labelled;
      if (kill === KILLS) {
        server.kill("SIGKILL");
        await ended;
        break;
      }
      for (const name of kinds.slice(state.classes.length))
        state = await ask("/api/events", { type: "class", name });
      const timer = setTimeout(() => server.kill("SIGKILL"), pick(LONGEST));
      try {
        while (state.next !== undefined) {
          const { row, by } = state.next;
          const event = { type: "label", rows: [row], class: kindOf(row), by };
          state = await ask("/api/events", event);
          confirmed = state.labelled;
          await new Promise((resolve) => setTimeout(resolve, 20));
        }
      } catch {
        // The server was killed.
      }
      clearTimeout(timer);
      server.kill("SIGKILL");
      await ended;
    }
    expect(confirmed).toBeGreaterThan(0);
  },
  120_000 + 60_000 * KILLS,
);
