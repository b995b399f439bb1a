/** How files are read is said once, when a run is made, and holds for all that comes after. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { encode } from "fast-png";
import { parquetWriteBuffer } from "hyparquet-writer";
import sharp from "sharp";
import { expect, test } from "vitest";
import { loadData } from "../../src/data/index.ts";
import { idxBytes } from "../data/temp.ts";
import { cli, ok, temporary } from "./harness.ts";

const folder = temporary();
const small = ["--hidden", "4", "--latent", "2", "--epochs", "1", "--threads", "1"];

test("photos of several sizes: the message says how, and the run remembers it", async () => {
  const photos = join(folder, "photos");
  for (const [name, count] of [
    ["photos", 14],
    ["new", 2],
  ] as const) {
    mkdirSync(join(folder, name));
    for (let i = 0; i < count; i++) {
      const create = {
        width: 20 + i,
        height: 16,
        channels: 3,
        background: { r: 16 * i, g: 90, b: 40 },
      } as const;
      writeFileSync(join(folder, name, `${i}.jpg`), await sharp({ create }).jpeg().toBuffer());
    }
  }
  const run = join(folder, "photos-run");
  const refused = await cli("train", "vae", "--data", photos, ...small, "--out", run);
  expect(refused.code).toBe(1);
  expect(refused.err).toContain("expected images of one size; found 14 sizes");
  expect(refused.err).toContain("--resize 32x32");
  const { out } = await ok(
    "train",
    "vae",
    "--data",
    photos,
    "--resize",
    "8x8",
    "--grey",
    ...small,
    "--out",
    run,
  );
  expect(out).toContain("all 14 images resized to 8 x 8 (cover: cropped).");
  expect(JSON.parse(readFileSync(join(run, "config.json"), "utf8")).data.reading).toEqual({
    resize: [8, 8],
    grey: true,
  });
  const table = join(folder, "latents.csv");
  expect((await ok("encode", run, "--data", join(folder, "new"), "--out", table)).out).toContain(
    "2 rows of new",
  );
  expect((await ok("evaluate", run, "--json", "--samples", "10")).json()).toBeDefined();
  const contradicts = await cli("train", "--resume", run, "--resize", "9x9");
  expect(contradicts.err).toContain("--resize 9,9 contradicts the run");
  expect((await cli("train", "vae", "--data", photos, "--resize", "8", "--out", run)).code).toBe(2);
  expect((await cli("train", "vae", "--data", photos, "--fit", "cover", "--out", `${run}-2`)).err).toContain(
    "--fit cover does not apply without --resize",
  );
});

test("a table in the encoding of a spreadsheet keeps its classes apart, and says what it was taken for", async () => {
  const rows = Array.from(
    { length: 60 },
    (_, i) => `${i % 2 ? "Müller" : "Möller"},${i % 7},${(i * 5) % 11}`,
  );
  const file = join(folder, "namen.csv");
  writeFileSync(file, Buffer.from(`Name,größe,b\n${rows.join("\n")}\n`, "latin1"));
  const run = join(folder, "namen-run");
  const train = ["train", "m2", "--data", file, "--label-column", "Name", ...small, "--out", run];
  const { out } = await ok(...train);
  expect(out).toContain("was read as windows-1252");
  const { data, labels } = JSON.parse(readFileSync(join(run, "config.json"), "utf8"));
  expect(labels.classes).toEqual(["Müller", "Möller"].sort());
  expect(data.reading).toBeUndefined();
  const predictions = join(folder, "predictions.csv");
  await ok("classify", run, "--data", file, "--out", predictions);
  // The first row is on the second line of the file.
  expect(
    readFileSync(predictions, "utf8")
      .split("\n")
      .slice(0, 2)
      .map((line) => line.split(",")[0]),
  ).toEqual(["line", "2"]);
});

const picture = (name: string, channels: 1 | 3, width: number, height: number): void => {
  const file = join(folder, name);
  mkdirSync(join(file, ".."), { recursive: true });
  const data = Uint8Array.from(
    { length: width * height * channels },
    (_, i) => (i * 37 + name.length * 11) % 256,
  );
  writeFileSync(file, encode({ width, height, channels, data }));
};

test("new images get the channels of the training images, and no other shape", async () => {
  for (let i = 0; i < 12; i++) {
    picture(`colours/${i}.png`, 3, 6, 4);
    picture(`greys/${i}.png`, 1, 6, 4);
    picture(`upright/${i}.png`, 3, 4, 6);
  }
  const at = (name: string): string => join(folder, name);
  for (const [trained, other, said] of [
    ["colours", "greys", "all 12 images in grey, read as colour"],
    ["greys", "colours", "all 12 images converted to grey"],
  ]) {
    const run = at(`${trained}-run`);
    await ok("train", "vae", "--data", at(trained), ...small, "--out", run);
    expect((await ok("encode", run, "--data", at(other), "--out", at("codes.csv"))).out).toContain(said);
    // 4 x 6 has as many pixels as 6 x 4.
    const turned = await cli("encode", run, "--data", at("upright"), "--out", at("codes.csv"));
    expect(turned.err).toMatch(
      /expected rows of shape \[4, 6.*found \[6, 4.*Give images of that size; those in a folder can be resized: --resize 6x4/,
    );
    const encode = (...flags: readonly string[]) => cli("encode", run, ...flags, "--out", at("codes.csv"));
    const resized = await encode("--data", at("upright"), "--resize", "6x4", "--fit", "stretch");
    expect(resized.err).toBe("");
    expect(resized.out).toContain("all 12 images resized to 6 x 4 (stretch: distorted)");
    expect((await encode("--data", at("upright"), "--fit", "stretch")).err).toContain(
      "--fit stretch does not apply without --resize",
    );
    expect((await encode("--resize", "6x4")).err).toContain("--resize only goes with --data");
  }
});

test("options for other kinds of data are refused when training, and of no account for rows of other files", async () => {
  const file = join(folder, "numbers.csv");
  const rows = Array.from(
    { length: 60 },
    (_, i) => `${Math.sin(i).toFixed(3)},${Math.cos(3 * i).toFixed(3)}`,
  );
  writeFileSync(file, ["a,b", ...rows].join("\n"));
  const refused = async (spec: string, ...flags: readonly string[]) =>
    (await cli("train", "vae", "--data", spec, ...flags, ...small, "--out", join(folder, "none"))).err;
  expect(await refused(file, "--resize", "4x4")).toMatch(
    /^--resize does not apply to .*numbers\.csv: only images in a folder/,
  );
  expect(await refused(join(folder, "colours"), "--encoding", "latin1")).toMatch(
    /^--encoding does not apply to .*colours: only a table of text/,
  );
  const idx = join(folder, "idx");
  mkdirSync(idx);
  writeFileSync(join(idx, "train-images-idx3-ubyte"), idxBytes(8, [12, 6, 4], new Uint8Array(12 * 24)));
  for (const spec of [idx, "mnist"]) {
    expect(await refused(spec, "--resize", "4x4")).toMatch(/^--resize does not apply to .*(idx|mnist): only/);
    await expect(loadData(spec, { grey: true })).rejects.toThrow(/^`grey` does not apply to/);
  }
  await expect(loadData(idx, { decimal: "," })).rejects.toThrow(/^`decimal` does not apply to .*idx: only/);
  const run = join(folder, "numbers-run");
  await ok("train", "vae", "--data", file, "--encoding", "latin1", ...small, "--out", run);
  const lines = join(folder, "numbers.jsonl");
  writeFileSync(lines, rows.map((row) => `{"a":${row.split(",")[0]},"b":${row.split(",")[1]}}`).join("\n"));
  const table = join(folder, "numbers-codes.csv");
  expect((await ok("encode", run, "--data", lines, "--out", table)).out).toContain("60 rows");
  const parquet = join(folder, "numbers.parquet");
  const column = (i: number) => rows.map((row) => Number(row.split(",")[i]));
  const columnData = ["a", "b"].map((name, i) => ({ name, data: column(i), type: "DOUBLE" as const }));
  writeFileSync(parquet, new Uint8Array(parquetWriteBuffer({ columnData })));
  const read = readFileSync(table, "utf8");
  expect((await ok("encode", run, "--data", parquet, "--out", table)).out).toContain("60 rows");
  expect(readFileSync(table, "utf8").split("\n").slice(1)).toHaveLength(read.split("\n").length - 1);
});
