import { readdirSync } from "node:fs";
import { expect, test } from "vitest";
import * as distributions from "../../../src/distributions/index.ts";
import { distributionCases } from "../registry/index.ts";

test("every exported family has a case, and cases have names of their own", () => {
  const families = Object.keys(distributions).filter((k) => `${k}Distribution` in distributions);
  // Each is tested with the family that it wraps.
  const wrappers = ["Transformed"];
  const listed = distributionCases.map((c) => c.name.split(" ")[0]);
  expect(families.filter((k) => !listed.includes(k) && !wrappers.includes(k))).toEqual([]);
  expect(new Set(distributionCases.map((c) => c.name)).size).toBe(distributionCases.length);
});

test("every part of the registry has its tests here", () => {
  const names = (url: string, end: string) =>
    readdirSync(new URL(url, import.meta.url))
      .filter((file) => file.endsWith(end))
      .map((file) => file.slice(0, -end.length));
  const parts = names("../registry/", ".ts").map((name) => (name === "index" ? "basic" : name));
  expect(
    names("./", ".test.ts")
      .filter((name) => name !== "complete")
      .sort(),
  ).toEqual(parts.sort());
});
