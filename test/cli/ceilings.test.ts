/** Every whole number that a verb takes has a largest value, unless the rows or the seeds bound it. */
import { expect, test } from "vitest";
import { commandOf } from "../../src/cli/program.ts";
import { kindNames } from "../../src/kinds/index.ts";
import { alone } from "../../src/mpi/index.ts";
import { cli } from "./harness.ts";

/** Seeds may be any number; numbers of rows, labels, dimensions, draws and epochs are compared with the data, the run or the memory. */
const UNBOUNDED =
  /^--(seed|\w+-seed|rows|bayes-rows|count|labels|batch|\w+-batch|validation|neighbours|unlabelled|dimensions|draws|evaluate-every|patience)$/;

const quiet = { out: { write: () => undefined }, err: { write: () => undefined }, debug: false };

/** The flags of a verb that read a whole number, and refuse 1.5 because it is none. */
const flagsOf = async (argv: readonly string[]) => {
  const program = await commandOf({ terminal: quiet, argv: [...argv], exitCode: 0, ranks: alone });
  return (program.commands.find((one) => one.name() === argv[0])?.options ?? []).flatMap(
    ({ long, parseArg }) => (long != null && parseArg ? [{ flag: long, parse: parseArg }] : []),
  );
};

const refuses = (parse: (text: string, previous: never) => unknown, text: string): boolean => {
  try {
    parse(text, undefined as never);
    return false;
  } catch {
    return true;
  }
};

test("2⁵³ − 1 of anything is refused by its flag", async () => {
  const program = await commandOf({ terminal: quiet, argv: [], exitCode: 0, ranks: alone });
  const commands = [
    ...program.commands.map((command) => [command.name()]),
    ...kindNames.map((kind) => ["train", kind]),
  ];
  const accepted: string[] = [];
  let seen = 0;
  for (const argv of commands) {
    for (const { flag, parse } of await flagsOf(argv)) {
      if (refuses(parse, "1") || !refuses(parse, "1.5")) continue;
      seen++;
      if (!refuses(parse, "9007199254740991") && !UNBOUNDED.test(flag))
        accepted.push(`${argv.join(" ")} ${flag}`);
    }
  }
  expect(accepted).toEqual([]);
  expect(seen).toBeGreaterThan(60);
});

test.each([
  [["studio", "rows.csv", "--port", "65536"], "at most 65,535"],
  [["label-simulate", "rows.csv", "--seeds", "1e9"], "at most 10,000"],
  [["label-simulate", "rows.csv", "--epochs", "1e9"], "at most 10,000,000"],
  [["worker", "--lease", "1e7"], "at most 86,400"],
])("%j is refused with the largest value", async (argv, most) => {
  const { code, err } = await cli(...argv);
  expect({ code, err }).toMatchObject({ code: 2, err: expect.stringContaining(most) });
});
