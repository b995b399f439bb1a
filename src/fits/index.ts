/**
 * Fits as files.
 *
 * @module
 */
export { type Fit, loadFit, saveFit } from "./fits.ts";
