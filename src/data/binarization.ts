/** What may be done with grey pixels: `dynamic`, drawn anew for each minibatch; `fixed`, drawn once; `none`. */
export const binarizations = ["dynamic", "fixed", "none"] as const;

/**
 * What becomes of grey pixels. `dynamic`: drawn anew from Bernoulli(pixel) at every step (stochastic binarisation, as in
 * Burda et al. 2015). `fixed`: drawn once. `none`: used as they are. Figures of one are not comparable with another's.
 */
export type Binarization = (typeof binarizations)[number];
