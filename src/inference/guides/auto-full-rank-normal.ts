import { MultivariateNormal, transforms } from "../../distributions/index.ts";
import { initializers } from "../../nn/index.ts";
import { checkOptions } from "../../options.ts";
import type { Program } from "../../program/index.ts";
import { add, constant, type Initializer, matmul, parameter, reshape } from "../../tensor/index.ts";
import { JOINT, jointGuide } from "./auto.ts";
import { type AutoNormalOptions, autoNormalRules } from "./auto-normal.ts";
import { inUnits, startNear } from "./start.ts";

/** A packed lower triangle: `value` on the diagonal, 0 elsewhere. */
const diagonalOf = (value: number): Initializer => ({
  name: `diagonal(${value})`,
  values: ([count]) => {
    const out = new Float64Array(count);
    for (let i = 0, at = 0; at < count; i++, at += i + 1) out[at] = value;
    return out;
  },
});

/**
 * The full-rank normal guide (Kucukelbir et al. 2017): one multivariate normal over the unconstrained coordinates of all continuous
 * latent sites. Its parameters include the factor L of its covariance, n (n + 1) / 2 numbers. It can express every linear correlation, and
 * is exact if the posterior is normal in those coordinates.
 *
 * @example
 * const { values } = await svi(schools, autoFullRankNormal(schools)).run([y], { steps: 5000, seed: 0 });
 * values.get("joint.loc"); // [dimensions]
 *
 * @throws UsageError when the model has no continuous latent site, or one is in a minibatch.
 */
export function autoFullRankNormal<A extends readonly unknown[]>(
  target: Program<A>,
  options: AutoNormalOptions = {},
): Program<A> {
  checkOptions("autoFullRankNormal", options, autoNormalRules);
  const logScale = Math.log(options.initialScale ?? 0.1);
  const triangle = transforms.lowerCholesky();
  const guide = jointGuide(target, "autoFullRankNormal", (n, { param }) =>
    MultivariateNormal(param(`${JOINT}.loc`, [n], initializers.zeros), {
      scaleTril: triangle.forward(param(`${JOINT}.scaleTril`, [(n * (n + 1)) / 2], diagonalOf(logScale))),
    }),
  );
  if (options.initialScale !== undefined) return guide;
  return startNear(guide, {
    target,
    place: (leaf, { centre, scale, root }) => {
      const loc = leaf(`${JOINT}.loc`);
      const packed = leaf(`${JOINT}.scaleTril`);
      const n = loc.size;
      if (root === undefined) {
        // Row i of the factor is in the units of coordinate i.
        const rows = packedRows(n, (i, j) => (i === j ? 1 : scale[i]));
        const diagonal = packedRows(n, (i, j) => (i === j ? Math.log(scale[i]) : 0));
        return [inUnits(loc, centre, scale), inUnits(packed, diagonal, rows)];
      }
      // loc = centre + R u and L = R T, with R the root: u and T are what the guide is where the normal is N(0, I).
      const r = constant(root, [n, n], loc.dtype);
      const u = parameter([n], initializers.zeros, { dtype: loc.dtype });
      const t = parameter(packed.shape, initializers.zeros, { dtype: packed.dtype });
      const shifted = add(reshape(matmul(r, reshape(u, [n, 1])), [n]), constant(centre, [n], loc.dtype));
      return [
        [loc, { moved: u, value: shifted }],
        [packed, { moved: t, value: triangle.inverse(matmul(r, triangle.forward(t))) }],
      ];
    },
  });
}

/** Numbers for the entries of a packed lower triangle, row by row. */
const packedRows = (n: number, of: (i: number, j: number) => number): Float64Array =>
  Float64Array.from(
    Array.from({ length: n }, (_, i) => Array.from({ length: i + 1 }, (_, j) => of(i, j))).flat(),
  );
