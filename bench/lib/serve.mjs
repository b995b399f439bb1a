import { createInterface } from "node:readline";

const reply = (message) => process.stdout.write(`${JSON.stringify(message)}\n`);

/** Tells the runner that this contestant cannot take part, and why. */
export const decline = (reason) => reply({ ready: false, reason });

const run = async (step, count) => {
  const ms = [];
  const losses = [];
  for (let i = 0; i < count; i++) {
    const start = performance.now();
    losses.push(await step());
    ms.push(performance.now() - start);
  }
  return { ms, losses, loss: losses.at(-1) };
};

/**
 * Serves one contestant to the runner: one JSON request in each line of input, one JSON reply in each line of output.
 * `step` does a whole train step and resolves to its loss once every result is in memory; `commands` answer the runner's other
 * requests, by name.
 */
export const serve = async ({ name, version, threads, step, commands = {} }) => {
  reply({ ready: true, name, version, threads, startMs: performance.now() });
  for await (const line of createInterface({ input: process.stdin })) {
    const request = JSON.parse(line);
    if (request.cmd === "steps") reply(await run(step, request.count));
    else if (request.cmd === "memory") reply({ rss: process.memoryUsage.rss() });
    else if (request.cmd === "exit") process.exit(0);
    else if (Object.hasOwn(commands, request.cmd)) reply(await commands[request.cmd](request));
    else reply({ error: `unknown command ${JSON.stringify(request.cmd)}` });
  }
  process.exit(0);
};
