/** A page has no native libraries. */
export const loadKoffi = async (): Promise<unknown> => undefined;

/** A page has no environment. */
export const setDefault = (): void => undefined;
