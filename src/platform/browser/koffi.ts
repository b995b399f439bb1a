/** A page has no native libraries. */
export const loadKoffi = async (): Promise<unknown> => undefined;
