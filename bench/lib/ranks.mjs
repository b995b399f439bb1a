// Two ranks of one thread beside one rank of one thread, in turns: efficiency, and what the sum over ranks costs. Two processes that share nothing
// show what the machine allows: two cores share a memory, and often a clock.
import { spawnSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { summary } from "./stats.mjs";

const SCRIPT = fileURLToPath(new URL("../peers/rank.mjs", import.meta.url));
const MODELS = [
  { name: "784-400-20, batch 512 a rank", hidden: "400", latent: "20", batch: "512", atLeast: 0.9 },
  {
    name: "2 × 600 hidden, latent 50, batch 256 a rank",
    hidden: "600,600",
    latent: "50",
    batch: "256",
    atLeast: 0.9,
  },
];
const LAUNCHERS = [
  // Without binding: by default Open MPI gives each of two ranks one core, which the threads of a process then share.
  ["mpirun.openmpi", "--allow-run-as-root", "--bind-to", "none"],
  ["mpirun.mpich", "-bind-to", "none"],
  ["mpirun", "--allow-run-as-root", "--bind-to", "none"],
];

/** A launcher of MPI that is here. @throws when none is */
export const launcher = () => {
  const found = LAUNCHERS.find(([command]) => spawnSync(command, ["--version"]).status === 0);
  if (found === undefined)
    throw new Error("there is no mpirun; on Debian and Ubuntu: apt-get install openmpi-bin");
  return found;
};

const turn = ([command, ...flags], ranks, { hidden, latent, batch }, steps, ...apart) => {
  const args = [
    ...flags,
    "-n",
    String(ranks),
    process.execPath,
    SCRIPT,
    hidden,
    latent,
    batch,
    String(steps),
    ...apart,
  ];
  const { status, stdout, stderr } = spawnSync(command, args, { encoding: "utf8" });
  if (status !== 0) throw new Error(stderr.trim().split("\n").at(-1) ?? `exit code ${status}`);
  return JSON.parse(stdout);
};

/** For each model: efficiency in each round, images per second, and the share of a step that the sum takes. */
export const measureRanks = ({ rounds, steps, progress }) => {
  const command = launcher();
  return MODELS.map((model) => {
    const turns = Array.from({ length: rounds }, (_, round) => {
      progress(`ranks: ${model.name}, round ${round + 1} of ${rounds}`);
      // Who is first changes, so that a machine that slows down favours neither.
      const kinds = [
        ["one", 1],
        ["two", 2],
        ["apart", 2, "apart"],
      ];
      if (round % 2 === 1) kinds.reverse();
      const { one, two, apart } = Object.fromEntries(
        kinds.map(([name, ranks, ...flags]) => [name, turn(command, ranks, model, steps, ...flags)]),
      );
      return {
        one,
        two,
        efficiency: two.perSecond / (2 * one.perSecond),
        ceiling: apart.perSecond / (2 * one.perSecond),
      };
    });
    progress("");
    const of = (value) => summary(turns.map(value));
    return {
      name: model.name,
      atLeast: model.atLeast,
      floats: turns[0].two.floats,
      efficiency: of(({ efficiency }) => efficiency),
      ceiling: of(({ ceiling }) => ceiling),
      onePerSecond: of(({ one }) => one.perSecond),
      twoPerSecond: of(({ two }) => two.perSecond),
      step: of(({ two }) => two.step),
      sumShare: of(({ two }) => two.sumAlone / two.step),
      // With the time that the quicker rank waits for the slower, and with the small sums.
      waitShare: of(({ two }) => two.summing / two.step),
    };
  });
};
