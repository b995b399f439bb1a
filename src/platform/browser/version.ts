/** The version in package.json; a test checks that the two are the same. */
export const version = (): string => "0.1.0";
