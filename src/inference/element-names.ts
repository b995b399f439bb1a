import { indexAt, type Shape, sizeOf } from "../tensor/index.ts";

/** The names of a site's elements in row-major order: `theta[2]`, `m[0,1]`, indices from 0; the site's name alone for a number. */
export function elementNames(site: string, shape: Shape): string[] {
  return Array.from({ length: sizeOf(shape) }, (_, flat) => {
    const index = indexAt(flat, shape);
    return index.length === 0 ? site : `${site}[${index.join(",")}]`;
  });
}
