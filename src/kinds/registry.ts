/** The kinds of models, one per line. */

export { autoencoder } from "./autoencoder/settings.ts";
export { cvae } from "./cvae/settings.ts";
export { m1 } from "./m1/settings.ts";
export { m1m2 } from "./m1m2/settings.ts";
export { m2 } from "./m2/settings.ts";
export { vae } from "./vae/settings.ts";
