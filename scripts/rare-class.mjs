// `npm run rare [-- --seeds 5] [--flags="--alpha 1"]`: tables of 2,000 rows with a class that is rare, 20 labels of each class or labels as they fall, from
// file to predictions.csv by the defaults of m2. Beside each error: that of always naming the common class, and that of Bayes' rule with the
// densities that the rows were drawn from.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { numbersOf } from "./support/picture-sets.mjs";

const { values } = parseArgs({
  options: { seeds: { type: "string", default: "5" }, flags: { type: "string", default: "" } },
});
const program = join(import.meta.dirname, "..", "dist", "cli", "main.js");
const folder = mkdtempSync(join(tmpdir(), "tightbound-rare-"));
const ROWS = 2000;
const flags = values.flags.split(" ").filter((word) => word !== "");

/** Name, share of the rare class, how far it is in two of four columns, whether the common class has two groups, labels of each. */
const CASES = [
  ["5 % rare, 20 + 20 labels", 0.05, 4, false, [20, 20]],
  ["5 % rare, two groups, 20 + 20 labels", 0.05, 4, true, [20, 20]],
  ["5 % rare, 38 + 2 labels", 0.05, 4, false, [38, 2]],
  ["2 % rare, overlapping, 20 + 20 labels", 0.02, 2.5, false, [20, 20]],
];

function tightbound(...argv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...argv], { encoding: "utf8" });
  if (status !== 0) throw new Error(`tightbound ${argv.join(" ")}: ${status}\n${stderr}`);
  return stdout;
}

const percent = (share) => `${(100 * share).toFixed(2)} %`.padStart(8);

for (const [name, share, gap, groups, labels] of CASES) {
  for (let seed = 0; seed < Number(values.seeds); seed++) {
    const random = numbersOf(1000 + seed);
    const normal = () => Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random());
    const truth = Array.from({ length: ROWS }, () => Number(random() < share));
    const rows = truth.map((rare) => {
      const shift = groups && random() < 0.5 ? 3 : 0;
      return [0, 1, 2, 3].map((j) => normal() + (rare ? (j < 2 ? gap : 0) : j >= 2 ? shift : 0));
    });
    const left = [...labels];
    const lines = rows.map(
      (row, i) => `${row.join(",")},${left[truth[i]]-- > 0 ? ["common", "rare"][truth[i]] : ""}`,
    );
    const [data, run] = [join(folder, `${seed}.csv`), join(folder, "run")];
    writeFileSync(data, ["a,b,c,d,class", ...lines].join("\n"));
    tightbound(
      ...["train", "m2", "--data", data, "--label-column", "class", "--out", run, "--overwrite", "--quiet"],
      ...["--seed", String(seed), "--threads", "1", ...flags],
    );
    tightbound("classify", run, "--data", data, "--part", "all");
    const [head, ...predictions] = readFileSync(join(run, "predictions.csv"), "utf8").trim().split("\n");
    const column = head.split(",").indexOf("class");
    const wrong = predictions.filter(
      (line, i) => line.split(",")[column] !== ["common", "rare"][truth[i]],
    ).length;
    const density = (row, means) => row.reduce((sum, x, j) => sum - (x - means[j]) ** 2 / 2, 0);
    const best = rows.filter((row, i) => {
      const rare = Math.log(share) + density(row, [gap, gap, 0, 0]);
      const [one, other] = [density(row, [0, 0, 0, 0]), density(row, [0, 0, 3, 3])];
      const common = Math.log(1 - share) + (groups ? Math.log((Math.exp(one) + Math.exp(other)) / 2) : one);
      return Number(rare > common) !== truth[i];
    }).length;
    const always = truth.reduce((sum, rare) => sum + rare, 0);
    console.log(
      `${name.padEnd(40)} seed ${seed}: ${percent(wrong / ROWS)} wrong of ${predictions.length}; always the common class ${percent(always / ROWS)}, Bayes' rule ${percent(best / ROWS)}`,
    );
  }
}
rmSync(folder, { recursive: true });
