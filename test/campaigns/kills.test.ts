/** A few of the kills of `npm run fuzz -- --kills 200`, which goes through all verbs. */
import { join } from "node:path";
import { expect, test } from "vitest";
import { tempFolder } from "../data/temp.ts";
import { type Scenario, scenarios, trial, type Undisturbed, undisturbed, verbOf } from "./kills.ts";
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
    const right = new Map<Scenario, Undisturbed>();
    const byVerb = new Map(
      chosen.map((one) => [verbOf(one), chosen.filter((other) => verbOf(other) === verbOf(one))]),
    );
    const kills = new Map<string, number>([...byVerb.keys()].map((verb) => [verb, 0]));
    const share = Math.ceil(Math.max(asked, 2) / byVerb.size);
    const behind = () => [...byVerb].filter(([verb]) => (kills.get(verb) ?? 0) < share);
    // One verb after another, so that a campaign that is stopped has tried all of them; the scenarios of a verb take turns.
    for (let round = 0; behind().length > 0 && problems.length <= 5; round++) {
      for (const [verb, scenarios] of behind()) {
        const scenario = scenarios[round % scenarios.length];
        const known = right.get(scenario) ?? (await undisturbed(main, join(folder, "right"), scenario));
        right.set(scenario, known);
        const found = await trial(main, join(folder, "trial"), scenario, known, pick);
        // A process that had ended before it was to be killed does not count.
        kills.set(verb, (kills.get(verb) ?? 0) + found.kills);
        if (found.problem !== undefined) {
          problems.push(found.problem);
          console.log(found.problem);
        }
      }
      if (asked > 0)
        console.log(
          `round ${round + 1}: ${[...kills].map(([verb, count]) => `${verb} ${count}`).join(", ")}; ${problems.length} problems`,
        );
    }
    expect(problems).toEqual([]);
  },
  120_000 + 30_000 * asked,
);
