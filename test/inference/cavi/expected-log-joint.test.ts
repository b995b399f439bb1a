/** The rewriting of a log joint density, held against the density itself. */
import { describe, expect, test } from "vitest";
import { compile } from "../../../src/compile/index.ts";
import { expectedLogJoint } from "../../../src/inference/cavi/expected-log-joint.ts";
import { latentSites, logDensity, trace } from "../../../src/program/index.ts";
import { add, cast, substitute, type Tensor } from "../../../src/tensor/index.ts";
import { conjugatePrograms } from "./programs.ts";

describe("with the statistics of a point in place of expected ones, it is the log density there", () => {
  // A form that is multilinear in the statistics, agrees with the density at every point, and names each site's statistics by itself,
  // is what factorised expectations may be put into.
  test.each(Object.entries(conjugatePrograms))("%s", async (_, program) => {
    const joint = expectedLogJoint(program, []);
    const drawn = trace(program, []);
    const statistics = new Map<Tensor, Tensor>();
    for (const { name, value, distribution } of latentSites(drawn)) {
      const site = joint.sites.find((s) => s.name === name);
      const x = distribution.dtype === "int64" ? value : cast(value, "float64");
      site?.conjugacy.family.sufficientStatistics(x).forEach((t, i) => {
        statistics.set(site.statistics[i], cast(t, "float64"));
      });
    }
    const form = substitute(joint.terms.map((t) => t.value).reduce(add), statistics);
    const both = compile(() => [cast(logDensity(drawn), "float64"), form], { executor: "host", seed: 3 });
    for (let draw = 0; draw < 5; draw++) {
      const [density, found] = (await both()).map((v) => v.item());
      expect(Number.isFinite(density)).toBe(true);
      expect(Math.abs(found - density)).toBeLessThan(1e-9 * Math.max(1, Math.abs(density)));
    }
  });
});
