/** A few of the command lines of `npm run fuzz -- --values`, which tries all of them. */
import { afterAll, expect, test } from "vitest";
import { tempFolder } from "../data/temp.ts";
import { buildProgram } from "./program.ts";
import { generator } from "./random.ts";
import { jobs, Runner } from "./values.ts";

const all = process.env.TIGHTBOUND_FUZZ_VALUES !== undefined;
const only = process.env.TIGHTBOUND_FUZZ_ONLY ?? "";
const { path: folder } = tempFolder();
let runner: Runner | undefined;
afterAll(() => runner?.end());

test(
  "absurd values of every number: one typed error at once, or something that makes sense",
  async () => {
    runner = new Runner(buildProgram("tightbound-values"), folder);
    const pick = generator(Number(process.env.TIGHTBOUND_FUZZ_SEED ?? 1));
    const every = (await jobs()).filter(({ name }) => name.includes(only));
    const chosen = all ? every : Array.from({ length: 40 }, () => every[pick(every.length)]);
    const problems: string[] = [];
    for (const [i, job] of chosen.entries()) {
      const problem = await runner.run(job);
      if (problem !== undefined) problems.push(problem);
      if (problem !== undefined && all) console.log(problem);
      if (all && (i + 1) % 500 === 0)
        console.log(`${i + 1} of ${chosen.length}, ${problems.length} problems`);
    }
    const { seconds, bytes, threads } = runner.most;
    if (all)
      console.log(
        `${chosen.length} command lines; at most ${seconds.toFixed(1)} s of a core, ${Math.round(bytes / 1e6)} MB, ${threads} threads`,
      );
    expect(problems).toEqual([]);
  },
  all ? 1e8 : 300_000,
);
