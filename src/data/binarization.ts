/** How grey pixels are binarised: `dynamic`, drawn anew for each minibatch; `fixed`, drawn once; `none`. */
export const binarizations = ["dynamic", "fixed", "none"] as const;

/**
 * How grey pixels are binarised. `dynamic`: drawn anew from Bernoulli(pixel) at every step (stochastic binarisation, as in
 * Burda et al. 2015). `fixed`: drawn once. `none`: used unchanged. Figures under different choices cannot be compared.
 */
export type Binarization = (typeof binarizations)[number];
