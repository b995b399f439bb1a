/** Checks that a file's fit belongs to the program that it is loaded for. */
import type { ArrayValue } from "../compile/index.ts";
import { CheckpointError } from "../errors.ts";
import { type FittedProgram, type FittedSite, fittedProgram } from "../inference/index.ts";
import { type Program, trace } from "../program/index.ts";
import { formatShape, sameShape } from "../tensor/index.ts";

const WAYS_OUT = "Load it with the program and arguments that it was fitted with, or fit again.";

/** The error for a fit of another program. */
export const ofAnother = (path: string, program: string, what: string): CheckpointError =>
  new CheckpointError(`${path}: the fit is not of '${program}': ${what}. ${WAYS_OUT}`);

/** "latent, Normal with loc 0 and scale 5" */
function describe({ latent, distribution, constants, eventShape }: FittedSite): string {
  const stated = Object.entries(constants).map(
    ([key, numbers]) => `${key} ${numbers.length === 1 ? numbers[0] : `[${numbers.join(", ")}]`}`,
  );
  const event = eventShape.length === 0 ? "" : ` of event shape ${formatShape(eventShape)}`;
  return `${latent ? "latent" : "observed"}, ${distribution}${event}${stated.length === 0 ? "" : ` with ${stated.join(" and ")}`}`;
}

/**
 * Compares sites by name: whether they are latent, their families, event shapes and the numbers in their priors. Rows of plates are not
 * compared: a guide's parameters may fit other rows, and if they do not, their shapes show it.
 * @throws CheckpointError when a site differs; the message names the first.
 */
export function checkProgram<A extends readonly unknown[]>(
  path: string,
  stored: FittedProgram,
  program: Program<A>,
  args: A,
): void {
  const { name, sites } = fittedProgram(program, args);
  const expected = new Map(sites.map((s) => [s.name, s]));
  const found = new Map(stored.sites.map((s) => [s.name, s]));
  for (const site of sites) {
    const other = found.get(site.name);
    if (other === undefined)
      throw ofAnother(path, name, `site '${site.name}' is in the program and not in the file`);
    if (describe(other) !== describe(site)) {
      throw ofAnother(
        path,
        name,
        `site '${site.name}': expected ${describe(site)}; found ${describe(other)}`,
      );
    }
  }
  for (const site of stored.sites)
    if (!expected.has(site.name))
      throw ofAnother(path, name, `site '${site.name}' is in the file and not in the program`);
}

/**
 * Compares the shapes of values with those of the program's sites.
 * @param leading dimensions to the left of a site's own: draws, or chains and draws
 * @throws CheckpointError when a site differs; the message names the first.
 */
export function checkValues<A extends readonly unknown[]>(
  path: string,
  values: ReadonlyMap<string, ArrayValue>,
  leading: readonly number[],
  program: Program<A>,
  args: A,
): void {
  const { sites } = trace(program, args);
  for (const [name, { shape }] of values) {
    const site = sites.get(name);
    if (site === undefined)
      throw ofAnother(path, program.name, `site '${name}' is in the file and not in the program`);
    const expected = [...leading, ...site.value.shape];
    if (!sameShape(shape, expected)) {
      throw ofAnother(
        path,
        program.name,
        `site '${name}': expected values of shape ${formatShape(expected)}, found ${formatShape(shape)}`,
      );
    }
  }
}
