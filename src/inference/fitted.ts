/** What a fit was made of, so that it is not taken for that of another program. */
import { latentSites, type Program, randomSites, trace } from "../program/index.ts";
import { expand, isConstant, reshape, type Shape, type Tensor } from "../tensor/index.ts";

/** A random site of a program that was fitted. */
export interface FittedSite {
  readonly name: string;
  readonly latent: boolean;
  /** The family of its distribution. */
  readonly distribution: string;
  readonly eventShape: Shape;
  /** Parameters of its distribution that the program states as numbers, at most 16 each; of latent sites alone. */
  readonly constants: Readonly<Record<string, readonly number[]>>;
}

/** The program that a fit belongs to. */
export interface FittedProgram {
  readonly name: string;
  readonly sites: readonly FittedSite[];
}

/** Longer constants are data. */
const MOST_NUMBERS = 16;

function numbersIn(t: Tensor): readonly number[] | undefined {
  if (isConstant(t)) return t.size <= MOST_NUMBERS ? [...t.attributes.values] : undefined;
  return expand.is(t) || reshape.is(t) ? numbersIn(t.inputs[0]) : undefined;
}

/** The sites of a program on some arguments, in the order in which it announces them. */
export function fittedProgram<A extends readonly unknown[]>(program: Program<A>, args: A): FittedProgram {
  const recorded = trace(program, args);
  const latent = new Set(latentSites(recorded));
  return {
    name: program.name,
    sites: randomSites(recorded).map((site) => ({
      name: site.name,
      latent: latent.has(site),
      distribution: site.distribution.name,
      eventShape: site.distribution.eventShape,
      constants: Object.fromEntries(
        Object.entries(latent.has(site) ? site.distribution.parameters : {}).flatMap(([key, t]) => {
          const numbers = numbersIn(t);
          return numbers === undefined ? [] : [[key, numbers] as const];
        }),
      ),
    })),
  };
}
