/** A few of the kills of `npm run fuzz -- --kills 200`, which goes through all verbs. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../data/temp.ts";
import { scenarios, trial, undisturbed } from "./kills.ts";
import { buildProgram } from "./program.ts";
import { generator } from "./random.ts";

const asked = Number(process.env.TIGHTBOUND_FUZZ_KILLS ?? 0);
const seed = Number(process.env.TIGHTBOUND_FUZZ_SEED ?? 1);
const { path: folder } = tempFolder();
/** The first scenarios are the ones that the suite has time for. */
const chosen =
  asked === 0
    ? scenarios.slice(0, 2)
    : scenarios.filter(({ name }) => name.includes(process.env.TIGHTBOUND_FUZZ_ONLY ?? ""));

test(
  "kill -9 at random moments: no run is lost, nothing ends differently",
  async () => {
    const main = buildProgram("tightbound-kills");
    const pick = generator(seed);
    const problems: string[] = [];
    let [kills, trials] = [0, 0];
    const share = Math.ceil(Math.max(asked, 2) / chosen.length);
    for (const scenario of chosen) {
      const right = await undisturbed(main, join(folder, "right"), scenario);
      // A process that had ended before it was to be killed does not count.
      for (const before = kills; kills - before < (scenario.slow ? share / 4 : share); trials++) {
        const { problem, kills: killed } = await trial(main, join(folder, "trial"), scenario, right, pick);
        kills += killed;
        if (problem !== undefined) {
          problems.push(problem);
          console.log(problem);
        }
        if (problems.length > 5) break;
      }
      if (asked > 0)
        console.log(`${scenario.name}: ${kills} kills in ${trials} trials, ${problems.length} problems`);
    }
    expect(problems).toEqual([]);
  },
  120_000 + 30_000 * asked,
);
