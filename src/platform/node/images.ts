/** The decoder of images: the package sharp. */
export const loadSharp = (): Promise<typeof import("sharp").default> =>
  import("sharp").then(({ default: sharp }) => sharp);
