/** Fits of every kind, written and read: the same bits, of use as before; and files that are not what they should be. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { Bernoulli, Beta, Gamma, HalfNormal, Normal } from "../../src/distributions/index.ts";
import { CheckpointError } from "../../src/errors.ts";
import { decodeSafetensors, encodeSafetensors } from "../../src/files/safetensors.ts";
import { loadFit, saveFit } from "../../src/fits/index.ts";
import {
  autoNormal,
  cavi,
  hmc,
  importance,
  laplace,
  type MapResult,
  map,
  nuts,
  predictive,
  stochasticCavi,
  summary,
  svi,
} from "../../src/inference/index.ts";
import { model } from "../../src/program/index.ts";
import { input, type Tensor, tensor } from "../../src/tensor/index.ts";

const folder = mkdtempSync(join(tmpdir(), "fits-"));
afterAll(() => rmSync(folder, { recursive: true }));
const path = (name: string) => join(folder, `${name}.safetensors`);

interface Prior {
  readonly scale?: number;
  readonly name?: string;
  readonly size?: number;
}
/** Means of groups around a mean; a named sum of them. */
const groups = ({ scale = 5, name = "mu", size = 3 }: Prior = {}) =>
  model(
    ({ sample, observe, plate, deterministic }, y: Tensor) => {
      const mu = sample(name, Normal(0, scale));
      const tau = sample("tau", HalfNormal(1));
      plate("group", size, () => {
        const theta = sample("theta", Normal(mu, tau.add(0.1)));
        observe("y", Normal(theta, 1), y);
      });
      deterministic("twice", mu.mul(2));
    },
    { name: "groups" },
  );
const y = tensor([1.2, -0.3, 2.5]);
const data: [Tensor] = [tensor([1, 1, 0, 1, 0, 1, 1])];
const coin = model(
  ({ sample, observe, plate }, x: Tensor) => {
    const p = sample("p", Beta(2, 2));
    plate("flip", 7, () => observe("x", Bernoulli({ probs: p }), x));
  },
  { name: "coin" },
);

/** Everything of a result that is data: state, guide and factors are made of it. */
const dataOf = ({
  state: _,
  guide: __,
  factors: ___,
  ...rest
}: object & { state?: unknown; guide?: unknown; factors?: unknown }) => rest;

describe("what is written comes back bit for bit", () => {
  test("svi: parameters for the leaves of model and guide; predictive and importance say the same", async () => {
    const guide = autoNormal(groups());
    const program = groups();
    const fit = await svi(program, guide).run([y], { steps: 50, seed: 3 });
    await saveFit(path("svi"), fit);
    // Programs that have never run: as in another process.
    const [again, guideAgain] = [groups(), autoNormal(groups())];
    const loaded = await loadFit(path("svi"), svi(again, guideAgain), [y]);
    expect(loaded.values).toStrictEqual(new Map([...fit.values].map(([k, v]) => [k, Float32Array.from(v)])));
    expect(loaded.elbo).toStrictEqual(fit.elbo);
    expect(loaded.fitted).toStrictEqual(fit.fitted);
    const options = { draws: 40, seed: 5 };
    expect(
      await predictive(again, [y], { guide: guideAgain, parameters: loaded.parameters, ...options }),
    ).toStrictEqual(await predictive(program, [y], { guide, parameters: fit.parameters, ...options }));
    expect(
      await importance(again, guideAgain, [y], { parameters: loaded.parameters, ...options }),
    ).toStrictEqual(await importance(program, guide, [y], { parameters: fit.parameters, ...options }));
    expect(await summary(loaded, options)).toStrictEqual(await summary(fit, options));
    // And it can be written again.
    await saveFit(path("svi-again"), loaded);
    expect(readFileSync(path("svi-again"))).toEqual(readFileSync(path("svi")));
  });

  test("map and laplace", async () => {
    const mode = await map(coin).run(data);
    await saveFit(path("map"), mode);
    expect(await loadFit(path("map"), map(coin), data)).toStrictEqual(mode);
    const fit = await laplace(coin).run(data, { draws: 50 });
    await saveFit(path("laplace"), fit);
    const loaded = await loadFit(path("laplace"), laplace(coin), data);
    expect(loaded).toStrictEqual(fit);
    expect(summary(loaded)).toStrictEqual(summary(fit));
  });

  test("numbers that JSON does not know", async () => {
    const mode = await map(coin).run(data);
    for (const value of [Number.NaN, Number.POSITIVE_INFINITY, -0, 5e-324, Number.MAX_VALUE]) {
      const odd: MapResult = { ...mode, logDensity: value, coordinates: Float64Array.of(value) };
      await saveFit(path("odd"), odd);
      expect(await loadFit(path("odd"), map(coin), data)).toStrictEqual(odd);
    }
  });

  test.each([
    ["nuts", nuts(groups(), { maxTreeDepth: 6 })],
    ["hmc", hmc(groups(), { time: 1 })],
  ] as const)(
    "%s: draws, reports and what warm-up learnt; the summary is the same",
    async (name, sampler) => {
      for (const metric of ["diagonal", "dense"] as const) {
        const run = await sampler.run([y], { draws: 30, warmUp: 60, chains: 2, workers: 1, metric });
        await saveFit(path(name), run);
        const loaded = await loadFit(path(name), sampler, [y]);
        expect(loaded).toStrictEqual(run);
        expect(summary(loaded)).toStrictEqual(summary(run));
        expect([...loaded.values.keys()]).toEqual([...run.values.keys()]);
      }
    },
  );

  const normal = model(
    ({ sample, observe, plate }, x: Tensor) => {
      const mu = sample("mu", Normal(0, 10));
      const precision = sample("precision", Gamma(1, 1));
      plate("row", 4, () => observe("x", Normal(mu, precision.pow(-0.5)), x));
    },
    { name: "normal" },
  );
  const x: [Tensor] = [tensor([0.3, 1.4, -0.6, 0.9])];

  test("cavi: natural parameters, and factors, guide and further sweeps from them", async () => {
    const fit = await cavi(normal).run(x, { sweeps: 3, tolerance: 0 });
    await saveFit(path("cavi"), fit);
    const loaded = await loadFit(path("cavi"), cavi(normal), x);
    expect(dataOf(loaded)).toStrictEqual(dataOf(fit));
    expect(loaded.state.natural).toStrictEqual(fit.state.natural);
    const [a, b] = await Promise.all([cavi(normal).step(fit.state), cavi(normal).step(loaded.state)]);
    expect(b.info).toStrictEqual(a.info);
    expect(b.state.natural).toStrictEqual(a.state.natural);
    const check = (guide: typeof fit.guide) => importance(normal, guide, x, { draws: 30 });
    expect(await check(loaded.guide)).toStrictEqual(await check(fit.guide));
  });

  test("stochastic coordinate ascent", async () => {
    const open = model(
      ({ sample, observe, plate }, x: Tensor) => {
        const mu = sample("mu", Normal(0, 10));
        plate("row", 8, () => observe("x", Normal(mu, 1), x), { rows: 2 });
      },
      { name: "open" },
    );
    const args: [Tensor] = [input("x", [2])];
    const fit = await stochasticCavi(open).run(args, {
      steps: 4,
      feed: (minibatch, step) => minibatch.input("x").set([step, -0.5]),
    });
    await saveFit(path("stochastic"), fit);
    const loaded = await loadFit(path("stochastic"), stochasticCavi(open), args);
    expect(dataOf(loaded)).toStrictEqual(dataOf(fit));
    expect(loaded.state.natural).toStrictEqual(fit.state.natural);
    expect(loaded.state.step).toBe(4);
  });
});

describe("a fit of another program is refused, naming the site", () => {
  const refused = async (other: ReturnType<typeof groups>, args: [Tensor], message: RegExp) => {
    for (const [name, load] of [
      ["nuts", () => loadFit(path("other-nuts"), nuts(other), args)],
      ["svi", () => loadFit(path("other-svi"), svi(other, autoNormal(other)), args)],
    ] as const) {
      await expect(load(), name).rejects.toThrow(message);
      await expect(load(), name).rejects.toThrow(CheckpointError);
    }
  };
  const saved = (async () => {
    await saveFit(path("other-nuts"), await nuts(groups()).run([y], { draws: 5, warmUp: 10, chains: 1 }));
    await saveFit(path("other-svi"), await svi(groups(), autoNormal(groups())).run([y], { steps: 2 }));
  })();

  test("a site of another name, another number in a prior, another family", async () => {
    await saved;
    await refused(
      groups({ name: "nu" }),
      [y],
      /the fit is not of 'groups': site 'nu' is in the program and not in the file/,
    );
    await refused(
      groups({ scale: 4 }),
      [y],
      /site 'mu': expected latent, Normal with loc 0 and scale 4; found latent, Normal with loc 0 and scale 5\. Load it with/,
    );
    const heavy = model(({ sample }, _: Tensor) => void sample("mu", HalfNormal(5)), { name: "heavy" });
    await expect(loadFit(path("other-nuts"), nuts(heavy), [y])).rejects.toThrow(
      /'heavy': site 'mu': expected latent, HalfNormal with scale 5; found latent, Normal/,
    );
    const fewer = model(({ sample }, _: Tensor) => void sample("mu", Normal(0, 5)), { name: "fewer" });
    await expect(loadFit(path("other-nuts"), nuts(fewer), [y])).rejects.toThrow(
      /'fewer': site 'tau' is in the file and not in the program/,
    );
  });

  test("a plate of another size", async () => {
    await saved;
    const four = groups({ size: 4 });
    const args: [Tensor] = [tensor([1, 2, 3, 4])];
    await expect(loadFit(path("other-nuts"), nuts(four), args)).rejects.toThrow(
      /site 'theta': expected values of shape \[1, 5, 4\], found \[1, 5, 3\]/,
    );
    await expect(loadFit(path("other-svi"), svi(four, autoNormal(four)), args)).rejects.toThrow(
      /parameter '.*theta.*': expected float32 of shape \[4\], found float32 of shape \[3\]/,
    );
  });

  test("another guide", async () => {
    await saved;
    const program = groups();
    const guide = model(({ sample, param, plate }, _: Tensor) => {
      sample("mu", Normal(param("m", [], { name: "zero", values: () => [0] }), 1));
      sample("tau", HalfNormal(1));
      plate("group", 3, () => sample("theta", Normal(0, 1)));
    });
    await expect(loadFit(path("other-svi"), svi(program, guide), [y])).rejects.toThrow(
      /parameter 'm' is in the programs and not in the file/,
    );
  });
});

describe("a file that is no fit, or not this one", () => {
  const rewritten = async (change: (metadata: Record<string, string>) => Record<string, string>) => {
    await saveFit(path("changed"), await map(coin).run(data));
    const { tensors, metadata } = decodeSafetensors(readFileSync(path("changed")), "test");
    writeFileSync(path("changed"), encodeSafetensors(tensors, change({ ...metadata })));
    return loadFit(path("changed"), map(coin), data);
  };

  test("another method, version or format; none at all", async () => {
    await saveFit(path("mode"), await map(coin).run(data));
    await expect(loadFit(path("mode"), laplace(coin), data)).rejects.toThrow(
      /expected a fit by laplace, found one by map\. Load it with the method that made it\.$/,
    );
    await expect(rewritten((m) => ({ ...m, version: "2" }))).rejects.toThrow(
      /expected a tightbound fit of version 1, found version 2\. Read it with/,
    );
    await expect(rewritten((m) => ({ ...m, format: "pt" }))).rejects.toThrow(
      /expected a tightbound fit, found safetensors of another kind \(format "pt"\)/,
    );
    await expect(loadFit(path("nowhere"), map(coin), data)).rejects.toThrow(/expected a fit: no such file/);
    await expect(loadFit(folder, map(coin), data)).rejects.toThrow(/expected a fit: found a folder/);
  });

  test("notes that were edited, and fields that are missing", async () => {
    for (const notes of ["", "null", "[]", "{}", '{"fitted":{"name":"coin","sites":[{}]},"method":"map"}'])
      await expect(rewritten((m) => ({ ...m, notes }))).rejects.toThrow(
        /expected .*, found .*\. The file was written by another version of tightbound, or was edited: fit again\.$/,
      );
    const { tensors, metadata } = decodeSafetensors(readFileSync(path("mode")), "test");
    writeFileSync(
      path("short"),
      encodeSafetensors(
        tensors.filter((t) => t.name !== "coordinates"),
        metadata,
      ),
    );
    await expect(loadFit(path("short"), map(coin), data)).rejects.toThrow(
      /'coordinates': expected a tensor, found none\./,
    );
  });

  test("every damaged byte is noticed", async () => {
    await saveFit(path("damaged"), await map(coin).run(data));
    const whole = readFileSync(path("damaged"));
    for (let at = 0; at < whole.length; at += 7) {
      const bytes = Uint8Array.from(whole);
      bytes[at] ^= 1;
      writeFileSync(path("damaged"), bytes);
      await expect(loadFit(path("damaged"), map(coin), data), `byte ${at}`).rejects.toThrow(CheckpointError);
    }
    writeFileSync(path("damaged"), whole.subarray(0, whole.length - 3));
    await expect(loadFit(path("damaged"), map(coin), data)).rejects.toThrow(/truncated/);
  });
});
