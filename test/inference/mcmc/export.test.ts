import { parquetMetadata, parquetReadObjects } from "hyparquet";
import { beforeAll, describe, expect, test } from "vitest";
import { Normal } from "../../../src/distributions/index.ts";
import { UsageError } from "../../../src/errors.ts";
import { drawsToCsv, drawsToParquet } from "../../../src/inference/mcmc/export.ts";
import { nuts } from "../../../src/inference/mcmc/nuts.ts";
import type { Mcmc } from "../../../src/inference/mcmc/sampler.ts";
import { model } from "../../../src/program/index.ts";

let run: Mcmc;
beforeAll(async () => {
  const program = model(({ sample, deterministic }) => {
    const x = sample("net.x", Normal(0, 1));
    const m = sample("m", Normal(0, 1).expand([2, 3]).toEvent(2));
    deterministic("total", m.sum().add(x));
  });
  run = await nuts(program).run([], { chains: 2, draws: 20, warmUp: 50, seed: 0 });
});

const reports = "lp__,accept_stat__,stepsize__,treedepth__,n_leapfrog__,divergent__,energy__";
const sites = "net_x,m.1.1,m.1.2,m.1.3,m.2.1,m.2.2,m.2.3,total";

describe("CSV", () => {
  test("all chains in one table, every number exactly", () => {
    const [header, ...lines] = drawsToCsv(run).trimEnd().split("\n");
    expect(header).toBe(`chain,draw,${reports},${sites}`);
    expect(lines).toHaveLength(40);
    const row = lines[23].split(",").map(Number);
    expect(row.slice(0, 2)).toEqual([1, 3]);
    expect(row.slice(10, 16)).toEqual(
      Array.from({ length: 6 }, (_, j) => run.values.get("m")?.data[23 * 6 + j]),
    );
    expect(row[2]).toBe(run.statistics.logDensity[23]);
  });

  test("one chain as CmdStan writes it", () => {
    const lines = drawsToCsv(run, { chain: 1 }).trimEnd().split("\n");
    const rows = lines.filter((l) => !l.startsWith("#"));
    expect(rows[0]).toBe(`${reports},${sites}`);
    expect(rows).toHaveLength(21);
    expect(lines).toContain("# num_samples = 20");
    expect(lines).toContain(`# Step size = ${run.adapted[1].stepSize}`);
    const at = lines.indexOf("# Diagonal elements of inverse mass matrix:");
    expect(lines[at + 1].slice(2).split(",").map(Number)).toEqual([...run.adapted[1].metric.inverse]);
  });

  test("what cannot be written is refused", async () => {
    expect(() => drawsToCsv(run, { chain: 2 })).toThrow(
      new UsageError("drawsToCsv: chain must be a whole number from 0 to 1, found 2."),
    );
    const clash = model(({ sample }) => {
      sample("a.b", Normal(0, 1));
      sample("a b", Normal(0, 1));
    });
    const both = await nuts(clash).run([], { chains: 1, draws: 4, warmUp: 0 });
    expect(() => drawsToCsv(both)).toThrow(
      new UsageError("draws: sites 'a.b' and 'a b' would both be column 'a_b'; rename one."),
    );
  });
});

test("Parquet: the same table, typed, read back by another library", async () => {
  const bytes = await drawsToParquet(run);
  const file = bytes.buffer as ArrayBuffer;
  const types = Object.fromEntries(parquetMetadata(file).schema.map(({ name, type }) => [name, type]));
  expect(types).toMatchObject({
    chain: "INT32",
    draw: "INT32",
    divergent__: "BOOLEAN",
    lp__: "DOUBLE",
    "m.2.3": "DOUBLE",
  });
  const rows = await parquetReadObjects({ file });
  expect(rows).toHaveLength(40);
  expect(Object.keys(rows[0]).join(",")).toBe(`chain,draw,${reports},${sites}`);
  expect(rows[23]).toMatchObject({
    chain: 1,
    draw: 3,
    divergent__: false,
    lp__: run.statistics.logDensity[23],
    "m.2.3": run.values.get("m")?.data[23 * 6 + 5],
  });
});
