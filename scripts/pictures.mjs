// `npm run pictures [-- --sets letters,signs,shapes,mnist] [--labels 10] [--count 1000] [--seeds 1] [--validation 0] [--new 600] [--flags="--latent 10"]`: M2 by its defaults, or
// with the flags given, on folders of pictures with few labels, by the command line alone: from the folder to predictions.csv. Prints
// the errors of q(y|x) and of Bayes' rule, how much class and style say, and how long each command took. `--labels` are of each class. `--new`: errors are
// those on so many pictures that the run never saw, drawn from another seed.
import { spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { pictureSets, writePictures } from "./support/picture-sets.mjs";

const text = (value) => ({ type: "string", default: value });
const { values } = parseArgs({
  options: {
    sets: text("letters,signs,shapes"),
    labels: text("10"),
    count: text("1000"),
    seeds: text("1"),
    model: text("m2"),
    validation: text("0"),
    new: text("0"),
    flags: text(""),
    threads: text("1"),
    keep: { type: "string" },
  },
});
const program = join(import.meta.dirname, "..", "dist", "cli", "main.js");
const folder = values.keep ?? mkdtempSync(join(tmpdir(), "tightbound-pictures-"));

/** Runs the program; its output, and how long it took. */
function tightbound(...argv) {
  const started = performance.now();
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...argv], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`tightbound ${argv.join(" ")}: ${status}\n${stderr}`);
  return { out: stdout, err: stderr, seconds: (performance.now() - started) / 1000 };
}

const percent = (share) => (share === null || share === undefined ? "–" : `${(100 * share).toFixed(2)} %`);
const flags = values.flags.split(" ").filter((word) => word !== "");

for (const set of values.sets.split(",")) {
  const classes = set === "mnist" ? 10 : Object.keys(pictureSets[set].classes).length;
  for (let seed = 0; seed < Number(values.seeds); seed++) {
    const data = set === "mnist" ? "mnist" : join(folder, `${set}-${seed}`);
    const truth =
      set === "mnist" ? undefined : await writePictures(data, set, { count: Number(values.count), seed });
    const run = join(folder, `${set}-${seed}-run-${flags.join("")}`);
    const held = Number(values.validation) > 0 ? ["--validation", values.validation] : [];
    const shape = set === "shapes" ? ["--resize", "32x32"] : [];
    const trained = tightbound(
      ...["train", values.model, "--data", data, "--labels", String(classes * Number(values.labels))],
      ...[...shape, ...held, ...flags, "--seed", String(seed), "--label-seed", String(seed)],
      ...["--threads", values.threads, "--out", run, "--overwrite", "--json"],
    );
    const fresh = join(folder, `${set}-${seed}-new`);
    const others = set !== "mnist" && Number(values.new) > 0;
    if (others) await writePictures(fresh, set, { count: Number(values.new), seed: 100 + seed });
    const figures = JSON.parse(
      tightbound(
        ...["evaluate", run, "--json"],
        ...(set === "mnist" ? ["--bayes-rows", "2000"] : others ? ["--data", fresh] : []),
      ).out,
    );
    const { validation } = JSON.parse(trained.out);
    console.log(
      `${set.padEnd(8)} seed ${seed}  ${flags.join(" ") || "defaults"}: q(y|x) ${percent(figures.testError)}, Bayes' rule ${percent(figures.testErrorBayes)}, ` +
        `validation ${percent(validation?.error)}, class says ${figures.classNats?.toFixed(1)} nats, style ${figures.styleNats?.toFixed(1)}, ` +
        `told ${figures.classTold?.toFixed(2)} of ${figures.classEntropy?.toFixed(2)}; trained in ${trained.seconds.toFixed(0)} s`,
    );
    if (truth === undefined) continue;
    const classified = tightbound("classify", run, "--data", data, "--json");
    const [, ...lines] = readFileSync(join(run, "predictions.csv"), "utf8").trim().split("\n");
    const wrong = lines.filter((line) => {
      const [file, predicted] = line.split(",");
      return truth.get(file) !== predicted;
    }).length;
    console.log(
      `         all ${lines.length} pictures to predictions.csv in ${classified.seconds.toFixed(0)} s: ${percent(wrong / lines.length)} wrong`,
    );
  }
}
if (values.keep === undefined) rmSync(folder, { recursive: true });
