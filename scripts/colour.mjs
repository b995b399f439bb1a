// `npm run colour [-- --set avatars|emoji] [--epochs 300] [--out folder] [--flags="--latent 48"]`: a convolutional VAE of colour pictures, faces put together from drawings
// in the public domain, or the emoji that Debian ships (fonts-noto-color-emoji), by the command line alone: bits per dimension of pictures that were held out, beside those of simple codes, and samples.png to look at.
// A run that was stopped goes on when the command is repeated with the same --out.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { gzipSync } from "node:zlib";
import sharp from "sharp";
import { writeAvatars } from "./support/avatars.mjs";
import { FONT, writeEmoji } from "./support/emoji.mjs";

const text = (value) => ({ type: "string", default: value });
const { values } = parseArgs({
  options: {
    set: text("avatars"),
    epochs: text("300"),
    threads: text("1"),
    flags: text("--latent 48 --hidden 512 --schedule cosine --batch 64"),
    out: text(""),
  },
});
const write = { avatars: writeAvatars, emoji: writeEmoji }[values.set];
if (write === undefined) {
  console.error(`--set ${values.set}: there are avatars and emoji`);
  process.exit(2);
}
if (values.set === "emoji" && !existsSync(FONT)) {
  console.error(`${FONT} is missing: apt-get install fonts-noto-color-emoji`);
  process.exit(1);
}
const folder = values.out || mkdtempSync(join(tmpdir(), "tightbound-colour-"));
const [data, run] = [join(folder, values.set), join(folder, "run")];
const program = join(import.meta.dirname, "..", "dist", "cli", "main.js");

function tightbound(...argv) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [program, ...argv], {
    encoding: "utf8",
    maxBuffer: 2 ** 28,
  });
  if (status !== 0) throw new Error(`tightbound ${argv.join(" ")}: ${status}\n${stderr}`);
  return stdout;
}

if (!existsSync(data)) await write(data);
const files = readdirSync(data);
const started = performance.now();
if (existsSync(join(run, "config.json")))
  tightbound("train", "--resume", run, "--epochs", values.epochs, "--quiet");
else {
  tightbound(
    ...["train", "vae", "--data", data, "--network", "convolutional", "--epochs", values.epochs],
    ...["--threads", values.threads, "--out", run, "--quiet", ...values.flags.split(" ").filter(Boolean)],
  );
}
const seconds = (performance.now() - started) / 1000;
const figures = JSON.parse(tightbound("evaluate", run, "--json", "--samples", "100"));
tightbound("sample", run, "--count", "64");
tightbound("report", run);

// What general codes need for the same numbers, one picture at a time and all in one.
const pixels = await Promise.all(files.map((file) => sharp(join(data, file)).removeAlpha().raw().toBuffer()));
const dimensions = pixels[0].length;
const png = await Promise.all(files.map((file) => sharp(join(data, file)).png({ effort: 10 }).toBuffer()));
const bits = (bytes, rows) => ((8 * bytes) / (rows * dimensions)).toFixed(3);
console.log(`${files.length} pictures of ${dimensions} values; trained in ${seconds.toFixed(0)} s`);
console.log(figures);
console.log(
  `bits per dimension: PNG ${bits(
    png.reduce((sum, b) => sum + b.length, 0),
    files.length,
  )}, all rows by gzip ${bits(gzipSync(Buffer.concat(pixels)).length, files.length)}`,
);
console.log(`look at ${join(run, "samples.png")} and ${join(run, "report.html")}`);
