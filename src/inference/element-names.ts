import { type Shape, sizeOf } from "../tensor/index.ts";

/** The names of a site's elements in row-major order: `theta[2]`, `m[0,1]`, indices from 0; the site's name alone for a number. */
export function elementNames(site: string, shape: Shape): string[] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const index: number[] = [];
    let rest = flat;
    for (const size of [...shape].reverse()) {
      index.unshift(rest % size);
      rest = Math.floor(rest / size);
    }
    return index.length === 0 ? site : `${site}[${index.join(",")}]`;
  });
}
