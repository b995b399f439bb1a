import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

const running = new Set();
process.on("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
process.once("SIGINT", () => process.exit(130));
process.once("SIGTERM", () => process.exit(143));

// Stop a contestant between its turns, so that its spinning thread pools do not slow the others.
const canStop = process.platform !== "win32";

/** Starts one command and resolves to a handle on it once it has printed its first line. */
const start = async ({ key, env, trains = true, atLeast }, [command, ...args]) => {
  const spawned = performance.now();
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["pipe", "pipe", "pipe"] });
  running.add(child);
  let complaint = "";
  child.stderr.on("data", (chunk) => {
    complaint = (complaint + chunk).slice(-2000);
  });
  child.stdin.on("error", () => {}); // a contestant that has died says so by its missing reply
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve(error.message));
    child.once("close", () =>
      resolve(
        complaint
          .trim()
          .split("\n")
          .findLast((l) => /error/i.test(l)) ?? "it ended",
      ),
    );
  }).finally(() => running.delete(child));

  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const read = async () => {
    for (;;) {
      const { value, done } = await lines.next();
      if (done) throw new Error(`${key}: ${await ended}`);
      if (value.startsWith("{")) return JSON.parse(value); // libraries print banners of their own
    }
  };
  const ask = async (request) => {
    if (canStop) child.kill("SIGCONT");
    child.stdin.write(`${JSON.stringify(request)}\n`);
    const answer = await read();
    if (answer.error) throw new Error(`${key}: ${answer.error}`);
    return answer;
  };
  const hello = await read();
  return {
    ...hello,
    key,
    trains,
    atLeast,
    ask,
    /** Milliseconds since the process was started, on the runner's clock. */
    age: () => performance.now() - spawned,
    pause: () => canStop && child.kill("SIGSTOP"),
    end: async () => {
      if (canStop) child.kill("SIGCONT");
      child.stdin.end(`${JSON.stringify({ cmd: "exit" })}\n`);
      await ended;
    },
  };
};

/**
 * Starts a contestant by the first of its commands that becomes ready; otherwise throws with the last one's
 * reason.
 */
export const launch = async (contestant) => {
  let reason = "no interpreter was found";
  for (const command of contestant.commands) {
    try {
      const handle = await start(contestant, command);
      if (handle.ready) return handle;
      reason = handle.reason;
      await handle.end();
    } catch (error) {
      reason = error.message;
    }
  }
  throw new Error(reason);
};
