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
  const first: number[] = [];
  for (const { logDensity, along, at, ahead, behind } of points) {
    const value = await density.logDensityAndGradient(await coordinates(at), gradient);
    const [up, down] = [await coordinates(ahead), await coordinates(behind)];
    const slope = gradient.reduce((sum, g, i) => sum + (g * (up[i] - down[i])) / 2e-4, 0);
    // Densities are known up to a constant, the same at all points.
    first.push(value - logDensity);
    const size = Math.max(1, ...points.map((p) => Math.abs(p.logDensity)));
    expect(Math.abs(first[0] - (value - logDensity)) / size).toBeLessThan(1e-9);
    expect(Math.abs(slope - along) / Math.max(1, Math.abs(along))).toBeLessThan(1e-5);
  }
});
