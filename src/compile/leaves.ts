/** The values of leaves: noise comes from streams, parameters without given values from initialisers. */
import { InternalError, UsageError } from "../errors.ts";
import { fillNormal, fillUniform, type Stream, stream } from "../random/index.ts";
import {
  type Draws,
  isInput,
  isNoise,
  isParameter,
  type Leaf,
  type NoiseAttributes,
  type ParameterAttributes,
  type Tensor,
} from "../tensor/index.ts";

/** Draws for an initialiser: each call continues the stream named after the parameter. */
function initialDraws(seed: number, name: string): Draws {
  const source = stream(seed, `init/${name}`);
  let first = 0;
  const take = (count: number, fill: typeof fillNormal): Float64Array => {
    const out = new Float64Array(count);
    fill(out, source, { first });
    first += count;
    return out;
  };
  return { uniform: (count) => take(count, fillUniform), normal: (count) => take(count, fillNormal) };
}

/** The first values of a parameter. They depend only on the seed and its name. */
export function initialValues(
  parameter: Leaf<ParameterAttributes>,
  name: string,
  seed: number,
): ArrayLike<number> {
  const { initializer, shape } = parameter.attributes;
  const values = initializer.values(shape, initialDraws(seed, name));
  if (values.length !== parameter.size) {
    throw new InternalError(
      `initialiser '${initializer.name}' gave ${values.length} values for ${parameter}`,
    );
  }
  return values;
}

/** Refills the noise of a graph for a step. */
export type NoiseFiller = (seed: number, step: number) => void;

/** The part of larger noise that is drawn: of the axis of each site, one of `size` equal parts. Sites without an axis are drawn whole. */
export interface NoisePart {
  readonly rank: number;
  readonly size: number;
  readonly axes: ReadonlyMap<string, number>;
}

/**
 * Prepares to fill noise leaves in place.
 * @throws UsageError when two leaves have the same site: their draws would be equal, which is never intended; or when a site has no draws.
 */
export function noiseFiller(
  leaves: readonly Tensor[],
  arrayOf: (leaf: Tensor) => Float32Array | Float64Array,
  part?: NoisePart,
): NoiseFiller {
  const noises = leaves.filter(isNoise);
  const improper = noises.find((leaf) => leaf.attributes.kind === "none");
  if (improper !== undefined) {
    throw new UsageError(
      `site '${improper.attributes.site}': cannot draw from its prior, because flat(…) is not a probability distribution. ` +
        "Give the site a proper prior (Normal, Uniform, Gamma, …) where it is drawn from: prior predictive draws, simulated data, an " +
        "evidence; or draw from a posterior instead (predictive with the draws of nuts, or with a fitted guide).",
    );
  }
  const sites = new Map<string, Leaf<NoiseAttributes>>();
  for (const leaf of noises) {
    const { site } = leaf.attributes;
    if (sites.has(site)) {
      throw new UsageError(
        `noise: two different draws are named '${site}', so they would have the same numbers; ` +
          "give each sample site and dropout layer its own name.",
      );
    }
    sites.set(site, leaf);
  }
  let seeded: { seed: number; streams: Stream[] } | undefined;
  return (seed, step) => {
    if (seeded?.seed !== seed) {
      seeded = { seed, streams: noises.map((leaf) => stream(seed, leaf.attributes.site)) };
    }
    for (const [i, leaf] of noises.entries()) {
      const fill = leaf.attributes.kind === "normal" ? fillNormal : fillUniform;
      const axis = part?.axes.get(leaf.attributes.site);
      if (part === undefined || axis === undefined) {
        fill(arrayOf(leaf), seeded.streams[i], { step });
        continue;
      }
      const out = arrayOf(leaf);
      const block = leaf.shape.slice(axis).reduce((size, extent) => size * extent, 1);
      for (let at = 0; at < out.length; at += block) {
        fill(out.subarray(at, at + block), seeded.streams[i], {
          step,
          first: at * part.size + part.rank * block,
        });
      }
    }
  };
}

/** A leaf's name in messages. */
export function describeLeaf(leaf: Tensor): string {
  if (isInput(leaf)) return `input '${leaf.attributes.name}'`;
  if (isNoise(leaf)) return `noise '${leaf.attributes.site}'`;
  return isParameter(leaf) ? "a parameter" : leaf.toString();
}
