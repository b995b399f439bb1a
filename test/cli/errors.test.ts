import { copyFileSync, cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { loadCheckpoint, saveCheckpoint } from "../../src/files/checkpoint.ts";
import { kindNames, listed } from "../../src/kinds/index.ts";
import { idxBytes } from "../data/temp.ts";
import { cli, ok, temporary, writeDigits } from "./harness.ts";

const kinds = listed(kindNames, "or");

const folder = temporary();
const digits = join(folder, "digits");
const run = join(folder, "run");
const small = ["--hidden", "16", "--latent", "3", "--batch", "20"];

beforeAll(async () => {
  mkdirSync(digits);
  writeDigits(digits, { train: 60, test: 20 });
  await ok("train", "vae", "--data", digits, ...small, "--epochs", "2", "--out", run, "--quiet");
});

/** A copy of the run that a test may spoil, and its files. */
const spoilable = (name: string) => {
  const path = join(folder, name);
  cpSync(run, path, { recursive: true });
  const file = (of: string) => join(path, of);
  return {
    path,
    checkpoint: file("checkpoint.safetensors"),
    edit(change: (config: { model: Record<string, unknown>; train: Record<string, unknown> }) => void) {
      const config = JSON.parse(readFileSync(file("config.json"), "utf8"));
      change(config);
      writeFileSync(file("config.json"), JSON.stringify(config));
    },
  };
};

test("unknown flags, commands and models are refused with the nearest name", async () => {
  expect(await cli("train", "vae", "--epoch", "3")).toMatchObject({
    code: 2,
    out: "",
    err: "unknown option '--epoch'\n(Did you mean --epochs?)\nSee tightbound --help, or --help after a command.\n",
  });
  expect(await cli("trian", "vae")).toMatchObject({
    code: 2,
    err: "unknown command 'trian'\n(Did you mean train?)\nSee tightbound --help, or --help after a command.\n",
  });
  expect(await cli("train", "VEA", "--data", "mnist")).toMatchObject({
    code: 2,
    out: "",
    err: `train: unknown model "VEA". Expected ${kinds}. Did you mean vae?\n`,
  });
  expect(await cli("train", "gan", "--data", "mnist")).toMatchObject({
    code: 2,
    err: `train: unknown model "gan". Expected ${kinds}.\n`,
  });
});

test("what is missing is named", async () => {
  expect((await cli("train")).err).toBe(
    `train: expected a model, ${kinds}, such as \`tightbound train vae --data mnist\`; found none.\n`,
  );
  expect((await cli("train", "vae")).err).toBe(
    "train: expected --data, mnist or the path of data; found none.\n",
  );
  expect((await cli("evaluate")).err).toContain("missing required argument 'run'");
  expect((await cli("train", "vae", "--resume")).err).toBe(
    "--resume: expected the folder of a run, such as --resume runs/mnist-vae-1; found none.\n",
  );
});

test.each([
  ["--epochs", "ten", "Expected a whole number, 1 or more."],
  ["--epochs", "0", "Expected a whole number, 1 or more."],
  ["--lr", "-1", "Expected a number above 0."],
  ["--lr", "", "Expected a number above 0."],
  ["--dropout", "1", "Expected a number from 0 to less than 1."],
  ["--test-fraction", "2", "Expected a number from 0 to less than 1."],
  ["--hidden", "400,x", "Expected whole numbers, 1 or more, separated by commas, such as 400,200, or none."],
  ["--binarize", "Dynamic", "Expected one of dynamic, fixed, none. Did you mean dynamic?"],
  ["--network", "cnn", "Expected one of mlp, convolutional."],
])("%s %s is refused", async (flag, value, message) => {
  const { code, err } = await cli("train", "vae", "--data", digits, flag, value);
  expect(code).toBe(2);
  expect(err).toMatch(new RegExp(`^option '${flag} <.+>' argument '${value}' is invalid\\. `));
  expect(err).toContain(message);
});

test("flags that say nothing about the model are refused", async () => {
  expect((await cli("train", "autoencoder", "--data", digits, "--beta", "2")).err).toBe(
    "--beta does not apply: an autoencoder has no KL. Leave it out.\n",
  );
  expect((await cli("train", "vae", "--data", digits, "--channels", "8")).err).toBe(
    "--channels does not apply: only --network convolutional has channels. Leave it out.\n",
  );
  expect((await cli("train", "vae", "--data", digits, "--bound", "iwae", "--warmup", "2")).err).toBe(
    "--warmup does not apply: the importance-weighted bound has no KL term of its own to change. Leave it out.\n",
  );
  expect((await cli("train", "vae", "--data", digits, "--input-dropout", "0.2")).err).toBe(
    "--input-dropout does not apply: m2 has it; vae does not. Leave it out.\n",
  );
});

test("a Bernoulli likelihood on grey pixels is refused, and nothing is written", async () => {
  const out = join(folder, "grey");
  const { code, err } = await cli("train", "vae", "--data", digits, "--binarize", "none", "--out", out);
  expect(code).toBe(2);
  expect(err).toBe(
    "digits/train: a Bernoulli likelihood on grey pixels does not bound any density. Use --binarize dynamic or --binarize fixed " +
      "to draw binary pixels, --likelihood continuous-bernoulli for a density on [0, 1], or ask for the cross entropy by " +
      "name with --likelihood bernoulli-on-grey.\n",
  );
  expect(existsSync(out)).toBe(false);
});

test("a folder that holds another run is left as it is", async () => {
  const before = readFileSync(join(run, "config.json"), "utf8");
  const { code, err } = await cli("train", "vae", "--data", digits, "--out", run);
  expect(code).toBe(2);
  expect(err).toBe(
    `${run} already contains a run (checkpoint.safetensors, config.json, metrics.jsonl). Expected a new or empty folder: ` +
      "choose another with --out, continue this run with --resume, or replace it with --overwrite.\n",
  );
  expect(readFileSync(join(run, "config.json"), "utf8")).toBe(before);
});

test("folders that are no run are named as such", async () => {
  for (const verb of [["train", "--resume"], ["evaluate"], ["sample"], ["export"]]) {
    expect(await cli(...verb, digits)).toMatchObject({
      code: 1,
      err: expect.stringContaining(
        `${digits}: expected the folder of a run, with a config.json; found t10k-images`,
      ),
    });
  }
  expect((await cli("train", "--resume", join(folder, "nowhere"))).err).toBe(
    `${join(folder, "nowhere")}: expected the folder of a run, found nothing there. ` +
      "Give the folder that training wrote (--out)\n",
  );
});

test("a truncated checkpoint and a corrupted one are refused", async () => {
  const truncated = spoilable("truncated");
  const bytes = readFileSync(truncated.checkpoint);
  writeFileSync(truncated.checkpoint, bytes.subarray(0, bytes.length - 1000));
  for (const verb of [["train", "--resume"], ["evaluate"]]) {
    const { code, err } = await cli(...verb, truncated.path);
    expect(code).toBe(1);
    expect(err).toMatch(/checkpoint\.safetensors: .*truncated/);
  }
  const corrupted = spoilable("corrupted");
  const flipped = Uint8Array.from(bytes);
  flipped[flipped.length - 5] ^= 1;
  writeFileSync(corrupted.checkpoint, flipped);
  const { code, err } = await cli("evaluate", corrupted.path);
  expect(code).toBe(1);
  expect(err).toContain(`${corrupted.checkpoint}: `);
  expect(err).toMatch(/corrupt|checksum|hash/);
});

test("a setting that was edited is refused with the field, expected and found", async () => {
  const other = spoilable("other");
  other.edit(({ model }) => {
    model.hidden = [17];
  });
  for (const verb of [["train", "--resume"], ["evaluate"]]) {
    expect(await cli(...verb, other.path)).toMatchObject({
      code: 1,
      err: expect.stringMatching(
        /checkpoint\.safetensors: was trained with "model\.hidden\[0\]" 16, but the settings of the run \(config\.json\) say 17\./,
      ),
    });
  }
});

test("settings that are damaged are named by file and field", async () => {
  const damaged = spoilable("damaged");
  damaged.edit(({ train }) => {
    train.lr = "fast";
  });
  const { code, err } = await cli("evaluate", damaged.path);
  expect(code).toBe(1);
  expect(err).toContain(`${join(damaged.path, "config.json")}: field "train.lr": `);
});

test("other data than the run's are refused", async () => {
  const changed = join(folder, "changed");
  cpSync(digits, changed, { recursive: true });
  const images = join(changed, "train-images-idx3-ubyte");
  const bytes = readFileSync(images);
  bytes[5000] ^= 255;
  writeFileSync(images, bytes);
  expect(await cli("train", "--resume", run, "--data", changed)).toMatchObject({
    code: 1,
    err: expect.stringMatching(
      /^changed\/train: these are not the data that the run was trained on \(fingerprint [0-9a-f]{12}…, found [0-9a-f]{12}…\)\. Give the same files, or start a new run\.\n$/,
    ),
  });
});

test("data of another shape are refused", async () => {
  const path = join(folder, "tiny.idx");
  writeFileSync(path, idxBytes(8, [4, 2, 2], new Uint8Array(16)));
  expect((await cli("evaluate", run, "--data", path)).err).toBe(
    `${path}: expected rows of shape [28, 28], like those the run was trained on; found [2, 2]. Give images of that size; those in a ` +
      "folder can be resized: --resize 28x28.\n",
  );
});

test("a loss that stops being finite ends training and keeps the last good checkpoint", async () => {
  const diverging = spoilable("diverging");
  diverging.edit(({ train }) => {
    train.lr = 1e30;
  });
  // As version 0.1.0 wrote it: without the settings, which would refuse another learning rate.
  const { settings: _, ...checkpoint } = loadCheckpoint(diverging.checkpoint);
  saveCheckpoint(diverging.checkpoint, checkpoint);
  const before = readFileSync(diverging.checkpoint);
  const { code, err } = await cli("train", "--resume", diverging.path, "--epochs", "4", "--quiet");
  expect(code).toBe(1);
  expect(err).toMatch(
    /^epoch 3, step \d+: expected a finite \w+ of parameter "[\w.]+", found -?(NaN|Infinity) /,
  );
  expect(readFileSync(diverging.checkpoint).equals(before)).toBe(true);
  await ok("evaluate", diverging.path, "--samples", "5", "--json");
});

test("the same from the first step on leaves a run without a checkpoint", async () => {
  const path = join(folder, "hopeless");
  const { code, err } = await cli(
    "train",
    "vae",
    "--data",
    digits,
    ...small,
    "--lr",
    "1e30",
    "--out",
    path,
    "--quiet",
  );
  expect(code).toBe(1);
  expect(err).toMatch(/^epoch 1, step \d+: .*parameter ".+"/);
  expect(existsSync(join(path, "checkpoint.safetensors"))).toBe(false);
  expect((await cli("evaluate", path)).err).toContain(
    "no such file. A run has one from the end of its first epoch",
  );
});

test("a resumed run keeps its settings", async () => {
  expect(await cli("train", "--resume", run, "--lr", "0.5")).toMatchObject({
    code: 2,
    err:
      `--lr 0.5 contradicts the run in ${run}, which has 0.001. A resumed run keeps its settings: ` +
      "leave the flag out, or start a new run.\n",
  });
  expect((await cli("train", "autoencoder", "--resume", run)).err).toContain(
    "model autoencoder contradicts the run",
  );
  expect((await cli("train", "--resume", run, "--epochs", "1")).err).toBe(
    "--epochs 1: expected at least the 2 epochs that the run was started with. " +
      "To stop earlier, press Ctrl-C; for a shorter run, start a new one.\n",
  );
  expect((await cli("train", "--resume", run, "--overwrite")).err).toContain(
    "--overwrite contradicts --resume",
  );
  expect((await cli("train", "--resume", run, "--out", digits)).err).toContain("contradicts --resume");
  const scheduled = spoilable("scheduled");
  scheduled.edit(({ train }) => {
    train.schedule = "cosine";
  });
  expect((await cli("train", "--resume", scheduled.path, "--epochs", "9")).err).toBe(
    "--epochs 9: the run's learning rate follows a cosine schedule over its 2 epochs, so with more epochs it would have been " +
      "different from the start. Start a new run.\n",
  );
});

test("options of a verb are checked", async () => {
  expect((await cli("evaluate", run, "--label-file", "x")).err).toBe(
    "--label-file only goes with --data: the run has the labels of its own data.\n",
  );
  expect((await cli("traverse", run, "--dimensions", "0,3")).err).toBe(
    "traverse: dimension 3 is outside 0 to 2.\n",
  );
  expect((await cli("encode", run, "--out", "latents.txt")).err).toBe(
    '--out latents.txt: latents go to a file that ends in .csv or .npy; found ".txt".\n',
  );
  expect((await cli("sample", run, "--out", "samples.jpg")).err).toBe(
    '--out samples.jpg: images go to a file that ends in .png or .csv; found ".jpg".\n',
  );
  copyFileSync(join(run, "config.json"), join(folder, "a-file"));
  const inFile = join(folder, "a-file", "x.png");
  const { code, err } = await cli("sample", run, "--out", inFile);
  expect(code).toBe(2);
  expect(err).toMatch(/^--out .+x\.png: cannot create the folder \(.+\)\. Choose another --out\.\n$/);
});
