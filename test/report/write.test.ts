import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { decode } from "fast-png";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { CheckpointError } from "../../src/errors.ts";
import { writeOutput, writeReport } from "../../src/report/write.ts";
import { fewLabels, fullReport } from "./fixture.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "report-"));
});
afterEach(() => rm(folder, { recursive: true }));

describe("writeReport", () => {
  test("writes the page and the pictures, and leaves nothing else behind", async () => {
    const names = ["report.html", "reconstructions.png", "samples.png", "traversals.png"];
    const paths = await writeReport(folder, fullReport());
    expect(paths.map((path) => basename(path))).toEqual(names);
    expect((await readdir(folder)).sort()).toEqual([...names].sort());
    expect(await readFile(join(folder, "report.html"), "utf8")).toMatch(/^<!doctype html>/);

    // Twelve pairs of 4×4 in ten columns, two bands: four rows. Scale 30 fills 1200 pixels, the gap is 60.
    const image = decode(await readFile(join(folder, "reconstructions.png")));
    expect([image.width, image.height, image.channels]).toEqual([10 * 120 + 9 * 60, 4 * 120 + 3 * 60, 2]);
    // Image 11 of levels 0 … 11/11 is white; it is the second of the second band, its reconstruction beneath it.
    const grey = (x: number, y: number): number | undefined => image.data[(y * image.width + x) * 2];
    expect([grey(190, 370), grey(190, 550)]).toEqual([255, 255]);
    // Image 1 is 1/11 of white: 255 / 11 = 23.2.
    expect([grey(190, 10), grey(190, 190)]).toEqual([23, 23]);
  });

  test("a model with classes has its analogies and samples beside it", async () => {
    const paths = await writeReport(folder, fewLabels());
    expect(paths.map((path) => basename(path))).toEqual([
      "report.html",
      "analogies.png",
      "class-samples.png",
    ]);
    const size = async (name: string) => {
      const { width, height } = decode(await readFile(join(folder, name)));
      return [width, height];
    };
    // Two rows of three 4×4 images, magnified to 1200 pixels in three columns: 100 times, gaps of 200.
    expect(await size("analogies.png")).toEqual([3 * 400 + 2 * 200, 2 * 400 + 200]);
    // Two classes of four: 75 times, gaps of 150.
    expect(await size("class-samples.png")).toEqual([4 * 300 + 3 * 150, 2 * 300 + 150]);
  });

  test("a file that cannot be written is named, with the reason and the way out", async () => {
    await writeFile(join(folder, "file"), "kept");
    const path = join(folder, "file", "report.html");
    await expect(writeOutput(path, "x")).rejects.toThrow(CheckpointError);
    await expect(writeOutput(path, "x")).rejects.toThrow(
      new CheckpointError(
        `cannot write ${path}: its folder is not a folder. Check the path. Nothing was written`,
      ),
    );
    expect(await readFile(join(folder, "file"), "utf8")).toBe("kept");
  });
});
