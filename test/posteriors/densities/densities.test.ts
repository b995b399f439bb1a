/** posteriordb's Stan programs in our words: log densities and derivatives are Stan's, at the points that reference.py drew. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { gunzipSync } from "node:zlib";
import { unconstrainedDensity } from "tightbound/inference";
import { expect, test } from "vitest";
import { stanPrograms } from "./programs.ts";

type Values = Readonly<Record<string, readonly number[]>>;

interface Reference {
  readonly data: unknown;
  readonly points: readonly {
    readonly logDensity: number;
    /** The derivative along a direction, of which the points ahead and behind are 1e-4. */
    readonly along: number;
    readonly at: Values;
    readonly ahead: Values;
    readonly behind: Values;
  }[];
}

const folder = join("test", "posteriors", "densities", "references");
const references = readdirSync(folder)
  .filter((file) => file.endsWith(".json.gz"))
  .map((file) => file.replace(".json.gz", ""));

test.each(references)("%s", async (name) => {
  const file = join(folder, `${name}.json.gz`);
  if (!existsSync(file)) throw new Error(file);
  const { data, points } = JSON.parse(gunzipSync(readFileSync(file)).toString()) as Reference;
  const found = stanPrograms.find((each) => each.name === name.split("-")[0]);
  if (found === undefined) throw new Error(`no program ${name}`);
  const density = await unconstrainedDensity(found.over(data), [], { jacobian: false });
  const coordinates = (values: Values): Promise<Float64Array> => {
    const sites = new Map(Object.entries(values));
    for (const [site, parts] of found.joined) {
      const columns = parts.map((part) => values[part]);
      sites.set(
        site,
        columns[0].flatMap((_, row) => columns.map((column) => column[row])),
      );
    }
    return density.unconstrain(sites);
  };
  const gradient = new Float64Array(density.dimension);
  // Both sides take steps of their own through a differential equation. Stan's Bernoulli leaves out e⁻²⁰.
  const solved = name === "sir" || name === "soil_incubation";
  const first: number[] = [];
  for (const { logDensity, along, at, ahead, behind } of points) {
    const value = await density.logDensityAndGradient(await coordinates(at), gradient);
    const [up, down] = [await coordinates(ahead), await coordinates(behind)];
    const slope = gradient.reduce((sum, g, i) => sum + (g * (up[i] - down[i])) / 2e-4, 0);
    // Densities are known up to a constant, the same at all points.
    first.push(value - logDensity);
    const size = Math.max(1, ...points.map((p) => Math.abs(p.logDensity)));
    expect(Math.abs(first[0] - (value - logDensity)) / size).toBeLessThan(solved ? 1e-7 : 1e-11);
    expect(Math.abs(slope - along) / Math.max(1, Math.abs(along))).toBeLessThan(1e-6);
  }
});

test("the table of posteriordb's 120 programs says where each is, and every program has a reference", () => {
  const rows = readFileSync(join("docs", "notebook", "stan-programs.md"), "utf8")
    .split("\n")
    .filter((line) => / \| `test\//.test(line))
    .map((line) => line.split("|").map((cell) => cell.trim()));
  expect(rows.length).toBe(120);
  for (const [, , , file] of rows) expect(existsSync(file.replaceAll("`", ""))).toBe(true);
  const compared = rows.filter(([, , , , how]) => how === "Stan's density").map(([, name]) => name);
  expect(compared.sort()).toEqual(stanPrograms.map(({ name }) => name).sort());
  expect([...new Set(references.map((name) => name.split("-")[0]))].sort()).toEqual(compared);
});
